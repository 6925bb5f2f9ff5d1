package wire

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/vrrp"
)

// Sender sends adverts and messages and hears nothing: its sockets join no group, drop what
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

// Send hands packets to the kernel; see Wire.Send. Messages to one node leave
// from any port: the one that they go to belongs to the Wire.
func (s *Sender) Send(out []engine.Outgoing) { s.w.Send(out) }

// muteAdverts and muteMessages open a socket that packets leave by and none
// arrives at.
func muteAdverts(ifname string, index int, family vrrp.Family) (*socket, error) {
	return openMute(ifname, index, family, unix.SOCK_RAW, vrrp.Protocol, engine.Advert)
}

func muteMessages(ifname string, index int, family vrrp.Family) (*socket, error) {
	return openMute(ifname, index, family, unix.SOCK_DGRAM, 0, engine.Message)
}

func openMute(ifname string, index int, family vrrp.Family, kind, protocol int, what engine.Kind) (*socket, error) {
	fd, err := unix.Socket(domain(family), kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, fmt.Errorf("cannot open a socket: %w", err)
	}
	s := newSocket(fd, what, family)
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
