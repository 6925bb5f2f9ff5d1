package lab

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// bridgeName is the switch's bridge inside the switch's namespace; ports have
// the names of their hosts.
const bridgeName = "switch"

// LAN is one switch and the hosts plugged into it. Its methods may be called
// from any goroutine.
type LAN struct {
	ns     *netns.NS
	nl     *netlink.Handle // inside ns
	bridge netlink.Link

	mu     sync.Mutex
	hosts  []*Host
	losses []Loss // what the filter drops now
}

// New makes a LAN without hosts. It fails with an error that wraps
// unix.EPERM where the caller may not make network namespaces.
func New() (*LAN, error) {
	ns, err := netns.New()
	if err != nil {
		return nil, err
	}
	lan := &LAN{ns: ns}
	if err := lan.makeSwitch(); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot make the lab's switch: %w", err), lan.Close())
	}
	return lan, nil
}

// makeSwitch makes the bridge. Without the spanning tree protocol a port
// forwards from the moment it is up, and without snooping nobody needs to ask
// for a multicast group before the switch passes it on.
func (l *LAN) makeSwitch() error {
	err := l.ns.Do(func() error {
		if err := quietSwitch(); err != nil {
			return err
		}
		var err error
		l.nl, err = netlink.NewHandle(unix.NETLINK_ROUTE)
		return err
	})
	if err != nil {
		return err
	}
	snooping := false
	bridge := &netlink.Bridge{
		LinkAttrs:         netlink.LinkAttrs{Name: bridgeName},
		MulticastSnooping: &snooping,
	}
	if err := l.nl.LinkAdd(bridge); err != nil {
		return fmt.Errorf("cannot add a bridge: %w", err)
	}
	l.bridge = bridge
	return l.nl.LinkSetUp(bridge)
}

// quietSwitch runs in the switch's namespace. A switch says nothing of its
// own, and its frames are nobody's business on the way.
func quietSwitch() error {
	for _, key := range []string{
		"ipv6/conf/default/disable_ipv6=1",
		"ipv6/conf/all/disable_ipv6=1",
		"bridge/bridge-nf-call-iptables=0",
		"bridge/bridge-nf-call-ip6tables=0",
		"bridge/bridge-nf-call-arptables=0",
	} {
		if err := sysctl(key); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Hosts lists the hosts in the order in which they were added.
func (l *LAN) Hosts() []*Host {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.hosts)
}

// Add plugs a new host in and boots it. Its eth0 can send and receive when
// Add returns.
func (l *LAN) Add(cfg HostConfig) (*Host, error) {
	h := &Host{lan: l, cfg: cfg}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	if slices.ContainsFunc(l.hosts, func(o *Host) bool { return o.cfg.Name == cfg.Name }) {
		l.mu.Unlock()
		return nil, fmt.Errorf("cannot add host %s: there is one with that name", cfg.Name)
	}
	l.hosts = append(l.hosts, h)
	l.mu.Unlock()
	if err := h.Boot(); err != nil {
		return nil, err
	}
	return h, nil
}

// Switch is the switch's namespace: the place to capture what passes. Its
// ports have the names of their hosts.
func (l *LAN) Switch() *netns.NS { return l.ns }

// Close kills every host and takes the switch down.
func (l *LAN) Close() error {
	var errs []error
	for _, h := range l.Hosts() {
		if _, err := h.Kill(); err != nil {
			errs = append(errs, err)
		}
	}
	if l.nl != nil {
		l.nl.Close()
		l.nl = nil
	}
	return errors.Join(append(errs, l.ns.Close())...)
}

// sysctl sets KEY=VALUE below /proc/sys/net in the namespace of the calling
// thread.
func sysctl(setting string) error {
	key, value, _ := strings.Cut(setting, "=")
	return os.WriteFile("/proc/sys/net/"+key, []byte(value), 0)
}
