package daemon_test

import (
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// What may happen to the holder's interface while the daemon runs. Each time
// the group is in fault at once and the peer takes over, and when the
// interface works again, so does the group, without a restart.
func TestInterface(t *testing.T) {
	set := func(n *node, f func(netlink.Link) error) error {
		return n.host.Do(func() error {
			link, err := netlink.LinkByName(lab.Interface)
			if err != nil {
				return err
			}
			return f(link)
		})
	}
	tests := []struct {
		name       string
		lose, back func(n *node) error
		says       string
	}{
		{
			"carrier",
			func(n *node) error { return n.host.Cut(lab.Carrier) },
			func(n *node) error { return n.host.Restore() },
			"carrier",
		},
		{
			"down",
			func(n *node) error { return set(n, netlink.LinkSetDown) },
			func(n *node) error {
				return set(n, func(l netlink.Link) error {
					if err := netlink.LinkSetUp(l); err != nil {
						return err
					}
					// The kernel takes IPv6 addresses off an interface that
					// goes down; who sets it up puts them back.
					a, err := netlink.ParseAddr("2001:db8::1/64")
					if err != nil {
						return err
					}
					return netlink.AddrReplace(l, a)
				})
			},
			"down",
		},
		{
			"deleted",
			func(n *node) error { return n.host.RemoveInterface() },
			func(n *node) error { return n.host.AddInterface() },
			"deleted",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			s.pair()
			pid := s.a.proc.PID()
			for range 2 {
				lost := time.Now()
				s.must(tt.lose(s.a))
				s.a.becomes("web", "fault")
				s.b.becomes("web", "active")
				s.answers(vip, "b")
				s.answers(vip6, "b")
				s.a.said(lost, "", "eth0", tt.says)
				if got := s.a.cli("status"); got.code != 20 && got.code != 21 {
					t.Errorf("status ended with %d and said:\n%s", got.code, got.out)
				}
				s.must(tt.back(s.a))
				s.a.becomes("web", "active")
				s.b.becomes("web", "backup")
				s.answers(vip, "a")
				s.answers(vip6, "a")
			}
			if got := s.a.proc.PID(); got != pid || s.a.proc.Err() != nil {
				t.Error("the daemon has ended meanwhile")
			}
			s.over()
		})
	}
}

// The backup's interface goes and comes: the holder does not notice.
func TestInterface_OfBackup(t *testing.T) {
	s := newSite(t)
	s.pairOf(slow(web(200)), slow(web(100)))
	before, began := s.a.transitions("web"), time.Now()
	for range 2 {
		s.must(s.b.host.RemoveInterface())
		s.b.becomes("web", "fault")
		s.must(s.b.host.AddInterface())
		s.b.becomes("web", "backup")
	}
	s.more(51, began, 4)
	s.gaps(51, began, calm)
	if n := s.a.transitions("web"); n != before {
		t.Errorf("the holder had %d transitions", n-before)
	}
	s.answers(vip, "a")
	s.over()
}

// The daemon starts before its interface is there, as at boot.
func TestInterface_ComesLater(t *testing.T) {
	s := newSite(t)
	s.must(s.a.host.RemoveInterface())
	s.a.start(web(200))
	s.a.becomes("web", "fault")
	s.must(s.a.host.AddInterface())
	s.a.becomes("web", "active")
	s.answers(vip, "a")
	s.answers(vip6, "a")
	s.over()
}

// Somebody takes the address off the holder: it is put back, and the journal
// tells of it.
func TestAddressDeleted(t *testing.T) {
	for name, mac := range map[string]string{"physical": "mac: physical", "virtual": "mac: virtual"} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.pair(mac)
			deleted := time.Now()
			s.must(s.a.host.Do(func() error {
				all, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
				if err != nil {
					return err
				}
				for _, a := range all {
					if a.IP.Equal(vip.Addr().AsSlice()) {
						return netlink.AddrDel(nil, &a)
					}
				}
				return errNotYet
			}))
			s.a.said(deleted, "HF2002", vip.Addr().String())
			s.answers(vip, "a")
			s.a.becomes("web", "active")
			s.b.becomes("web", "backup")
			s.over()
		})
	}
}
