package wire

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/vrrp"
)

// port is one open interface.
type port struct {
	id    engine.Port
	name  string
	index int

	packet  *socket    // whole frames out
	raw     [2]*socket // adverts, by family
	udp     [2]*socket // messages, by family
	missing [2]error   // why a family cannot be used

	bfd       [2]bfdSockets // BFD, by family
	speaksBFD bool          // it is wanted

	answers []answers // of gateways

	ethernet bool    // else multicast leaves by the IP sockets
	mac      [6]byte // the interface's own, as of the last batch
	ipid     uint16  // IPv4 identification, counts packets

	errs  map[unix.Errno]error // made once each, so that a dead link costs nothing per packet
	count counters
}

// families are the indices of the arrays in port.
var families = [2]vrrp.Family{vrrp.IPv4, vrrp.IPv6}

func familyIndex(f vrrp.Family) int {
	if f == vrrp.IPv6 {
		return 1
	}
	return 0
}

// Open starts sending and receiving on an interface. It may be down. A family
// that the interface does not have is left out, and sending in it gives an
// error that says why. Opening an open interface again gives the same Port,
// tries again what failed before, and follows the name if the interface was
// deleted and made anew.
func (w *Wire) Open(ifname string) (engine.Port, error) {
	index, err := interfaceIndex(ifname)
	if err != nil {
		return 0, fmt.Errorf("cannot open interface %s: %w", ifname, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.byName[ifname]
	if p != nil && p.index != index {
		w.closeSockets(p)
		p.index = index
	}
	if p == nil {
		w.last++
		p = &port{id: w.last, name: ifname, index: index, errs: make(map[unix.Errno]error)}
	}
	if err := w.openSockets(p); err != nil {
		w.closeSockets(p)
		w.forget(p)
		return 0, fmt.Errorf("cannot open interface %s: %w", ifname, err)
	}
	w.ports[p.id], w.byName[ifname] = p, p
	return p.id, nil
}

// Close stops sending and receiving. Closing what is not open is harmless.
func (w *Wire) Close(id engine.Port) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.ports[id]; p != nil {
		w.forget(p)
		w.closeSockets(p)
	}
	return nil
}

func (w *Wire) forget(p *port) {
	delete(w.ports, p.id)
	delete(w.byName, p.name)
}

// openSockets opens the sockets that p lacks. Only what makes the port
// useless is an error: no packet socket, or no family at all.
func (w *Wire) openSockets(p *port) error {
	if p.packet == nil {
		s, err := openPacket(p.index)
		if err != nil {
			return withHint(err)
		}
		s.port, p.packet = p, s
	}
	p.refresh()
	for i, family := range families {
		p.missing[i] = w.openFamily(p, i, family)
	}
	w.openBFD(p)
	if p.missing[0] != nil && p.missing[1] != nil {
		return errors.Join(p.missing[0], p.missing[1])
	}
	return nil
}

func (w *Wire) openFamily(p *port, i int, family vrrp.Family) error {
	if family == vrrp.IPv6 && ipv6Disabled(p.name) {
		w.closeSocket(&p.raw[i])
		w.closeSocket(&p.udp[i])
		return fmt.Errorf("cannot use IPv6 on %s: it is disabled there (sysctl net.ipv6.conf.%s.disable_ipv6)", p.name, p.name)
	}
	type wish struct {
		place **socket
		open  func(string, int, vrrp.Family) (*socket, error)
	}
	wishes := []wish{{&p.raw[i], openRaw}, {&p.udp[i], openUDP}}
	if w.mute {
		wishes = []wish{{&p.raw[i], muteAdverts}, {&p.udp[i], muteMessages}}
	}
	for _, want := range wishes {
		if *want.place != nil {
			continue
		}
		s, err := want.open(p.name, p.index, family)
		if err == nil {
			s.port = p
			if !w.mute {
				err = w.add(s)
			}
		}
		if err != nil {
			return fmt.Errorf("cannot use IPv%d on %s: %w", family, p.name, withHint(err))
		}
		*want.place = s
	}
	return nil
}

// add puts a socket into the epoll.
func (w *Wire) add(s *socket) error {
	if n := len(w.free); n > 0 {
		s.slot, w.free = w.free[n-1], w.free[:n-1]
	} else {
		s.slot = int32(len(w.socks))
		w.socks = append(w.socks, nil)
	}
	if err := w.watch(s.fd, s.slot); err != nil {
		w.free = append(w.free, s.slot)
		_ = unix.Close(s.fd)
		return err
	}
	w.socks[s.slot] = s
	return nil
}

func (w *Wire) closeSockets(p *port) {
	for i := range families {
		w.closeSocket(&p.raw[i])
		w.closeSocket(&p.udp[i])
	}
	w.closeBFD(p)
	w.closeAnswers(p)
	w.closeSocket(&p.packet)
}

func (w *Wire) closeSocket(place **socket) {
	s := *place
	if s == nil {
		return
	}
	*place = nil
	if s.kind != engine.Frame && !s.unwatched && !w.mute {
		// Not left to close: a program that is just being started may hold a
		// copy of the descriptor, and epoll goes by the open file.
		_ = unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, s.fd, nil)
		w.socks[s.slot] = nil
		w.free = append(w.free, s.slot)
	}
	_ = unix.Close(s.fd)
}

// refresh reads the interface's MAC address. The kernel keeps it with the
// packet socket's device, so this is one short system call and is done for
// every batch that needs the address: it can change at any time.
func (p *port) refresh() {
	var sa unix.RawSockaddrLinklayer
	if getsockname(p.packet.fd, &sa) != 0 {
		return
	}
	p.ethernet = (sa.Hatype == unix.ARPHRD_ETHER || sa.Hatype == unix.ARPHRD_LOOPBACK) && sa.Halen == 6
	if p.ethernet {
		copy(p.mac[:], sa.Addr[:6])
	}
}

// failure is the error for an errno, made once per port.
func (p *port) failure(errno unix.Errno) error {
	if err := p.errs[errno]; err != nil {
		return err
	}
	err := fmt.Errorf("cannot send on %s: %w", p.name, errno)
	p.errs[errno] = err
	return err
}

func withHint(err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return fmt.Errorf("%w (needs CAP_NET_RAW)", err)
	}
	return err
}

func ipv6Disabled(ifname string) bool {
	b, err := os.ReadFile("/proc/sys/net/ipv6/conf/" + ifname + "/disable_ipv6")
	return err == nil && strings.TrimSpace(string(b)) == "1"
}
