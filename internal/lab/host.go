package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// Interface is the name of every host's interface.
const Interface = "eth0"

// HostConfig describes a host.
type HostConfig struct {
	Name      string           // also the name of its port on the switch: 1 to 15 bytes
	MAC       net.HardwareAddr // none: the kernel chooses one, another at every boot
	Addresses []netip.Prefix   // of eth0
	Echo      uint16           // UDP and TCP port that answers with the host's name; 0: none
}

func (c HostConfig) validate() error {
	switch {
	case c.Name == "" || len(c.Name) > 15:
		return fmt.Errorf("cannot add host %q: its name has to be 1 to 15 bytes long", c.Name)
	case c.Name == bridgeName || c.Name == "lo":
		return fmt.Errorf("cannot add host %s: the switch uses that name", c.Name)
	case len(c.MAC) != 0 && len(c.MAC) != 6:
		return fmt.Errorf("cannot add host %s: its MAC has to be 6 bytes long", c.Name)
	}
	return nil
}

var errOff = errors.New("the host is off")

// Host is one machine of a LAN. Its methods may be called from any goroutine.
type Host struct {
	lan *LAN
	cfg HostConfig

	mu    sync.Mutex
	ns    *netns.NS // nil: off
	procs []*Process
	echo  *echo
}

// Name is the name that the host was added with.
func (h *Host) Name() string { return h.cfg.Name }

// Boot turns a host on that was killed: a fresh kernel network stack with
// lo, eth0, the configured addresses and the echo service, and nothing of
// what was there before. Booting a host that runs is an error.
func (h *Host) Boot() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ns != nil {
		return fmt.Errorf("cannot boot host %s: it is on", h.cfg.Name)
	}
	if err := h.boot(); err != nil {
		h.off()
		return fmt.Errorf("cannot boot host %s: %w", h.cfg.Name, err)
	}
	return nil
}

func (h *Host) boot() error {
	ns, err := netns.New()
	if err != nil {
		return err
	}
	h.ns = ns
	if err := ns.Do(prepareHost); err != nil {
		return err
	}
	if err := h.plug(); err != nil {
		return err
	}
	if h.cfg.Echo == 0 {
		return nil
	}
	h.echo, err = startEcho(ns, h.cfg.Name, h.cfg.Echo)
	return err
}

// Kill is the whole machine gone at one instant: first its cable, so that
// nothing it does while dying gets out, then every process in it, then its
// network stack. It returns the instant before the cable was cut. Killing a
// host that is off does nothing.
func (h *Host) Kill() (time.Time, error) {
	at := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ns == nil {
		return at, nil
	}
	err := h.lan.setPort(h.cfg.Name, down)
	h.killAll()
	return at, errors.Join(err, h.off())
}

// off ends what Boot made.
func (h *Host) off() error {
	var err error
	if h.echo != nil {
		h.echo.close()
		h.echo = nil
	}
	if h.ns != nil {
		// The cable goes before the namespace: the kernel takes namespaces
		// down in its own time, and a new cable needs the port's name.
		err = errors.Join(h.lan.removePort(h.cfg.Name), h.ns.Close())
		h.ns = nil
	}
	h.procs = nil
	return err
}

// NS is the host's namespace, or nil when it is off.
func (h *Host) NS() *netns.NS {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ns
}

// Do runs f in the host. See netns.NS.Do.
func (h *Host) Do(f func() error) error {
	ns := h.NS()
	if ns == nil {
		return fmt.Errorf("cannot do anything on host %s: %w", h.cfg.Name, errOff)
	}
	return ns.Do(f)
}

// Start starts a program in the host. The program gets a process group of
// its own and dies with this process or with the host. It runs until it ends
// by itself or is killed.
func (h *Host) Start(cmd *exec.Cmd) (*Process, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ns == nil {
		return nil, fmt.Errorf("cannot start %s on host %s: %w", cmd.Path, h.cfg.Name, errOff)
	}
	p, err := start(h.ns, cmd)
	if err != nil {
		return nil, fmt.Errorf("cannot start %s on host %s: %w", cmd.Path, h.cfg.Name, err)
	}
	h.procs = append(h.procs, p)
	return p, nil
}
