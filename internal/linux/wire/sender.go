package wire

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/vrrp"
)

// Sender sends adverts and hears nothing: its sockets join no group, drop what
// arrives before it takes memory, and stand beside those of a Wire that has
// the same interfaces open in another process. One goroutine uses it.
type Sender struct{ w Wire }

// NewSender makes one with no interface open. It needs no closing: its sockets
// are for as long as the process lives.
func NewSender() *Sender {
	s := &Sender{w: Wire{
		epoll: -1, event: -1, timer: -1, mute: true,
		ports: make(map[engine.Port]*port), byName: make(map[string]*port),
	}}
	s.w.tx.init()
	return s
}

// Open makes an interface ready to be sent on; see Wire.Open.
func (s *Sender) Open(ifname string) (engine.Port, error) { return s.w.Open(ifname) }

// Close gives the sockets of an interface back.
func (s *Sender) Close(p engine.Port) error { return s.w.Close(p) }

// Send hands adverts to the kernel; see Wire.Send.
func (s *Sender) Send(out []engine.Outgoing) { s.w.Send(out) }

// openMute opens a socket that adverts leave by and none arrives at.
func openMute(ifname string, index int, family vrrp.Family) (*socket, error) {
	fd, err := unix.Socket(domain(family), unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, vrrp.Protocol)
	if err != nil {
		return nil, fmt.Errorf("cannot open raw socket: %w", err)
	}
	s := newSocket(fd, engine.Advert, family)
	err = s.filter(dropAll)
	if err == nil {
		err = s.bindToDevice(ifname)
	}
	if err == nil {
		err = s.ipOptions(index)
	}
	s.buffers(0, sendBuffer)
	return s.orClose(err)
}
