package daemon_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// What a daemon that was killed had in the kernel serves nobody from then on, not
// even hosts that have not heard yet who has the address: no other node would ever
// hear of their connections.
func TestService_ForwardedByNobody(t *testing.T) {
	s := newSite(t)
	w := s.server(11)
	w.silent(s)
	w.ip(s, "addr add 192.0.2.10/32 dev lo")
	w.listen(s, ":8080")
	const at = "192.0.2.10:8080"
	file := web(200) + spreading("dsr", at+"/tcp", 8080, "192.0.2.11")
	s.a.start(file)
	s.a.becomes("web", "active")
	s.spread(at, "w11 192.0.2.100")
	guardian := s.a.guardian()
	s.must(s.client.Do(func() error {
		neighbours, err := netlink.NeighList(0, netlink.FAMILY_V4)
		if err != nil {
			return err
		}
		for _, n := range neighbours {
			if n.IP.String() == "192.0.2.10" {
				n.State = netlink.NUD_PERMANENT // it hears of no other
				return netlink.NeighSet(&n)
			}
		}
		return fmt.Errorf("the client does not know who has the address: %v", neighbours)
	}))
	s.spread(at, "w11 192.0.2.100")
	s.must(s.a.proc.Signal(unix.SIGKILL))
	s.gone(guardian)
	s.a.proc = nil
	if answer, err := s.ask(at); err == nil {
		t.Errorf("%s answers by a node whose daemon is dead", answer)
	}
	s.a.start(file)
	s.a.becomes("web", "active")
	s.spread(at, "w11 192.0.2.100")
	s.a.end()
	s.a.clean()
}

// What a daemon that was killed has left is removed by the next one, also where
// the file has no services any more.
func TestService_ForwardedLeftovers(t *testing.T) {
	s := newSite(t)
	s.server(11).listen(s, ":8080")
	s.a.start(web(200) + spreading("full-nat", "192.0.2.10:80/tcp", 8080, "192.0.2.11"))
	s.a.becomes("web", "active")
	s.spread("192.0.2.10:80", "w11 192.0.2.10")
	s.must(s.a.proc.Kill())
	s.a.start(web(200))
	s.a.becomes("web", "active")
	s.within("nothing is left of the services", func() error {
		for name, before := range s.a.before.Settings {
			if now := s.a.machine().Settings[name]; strings.Contains(name, "/lo/") && now != before {
				return fmt.Errorf("%s is %s", name, now)
			}
		}
		if _, err := os.Stat(s.a.kernel()); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s is there: %v", s.a.kernel(), err)
		}
		return nil
	})
	if _, err := s.ask("192.0.2.10:80"); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("the service is served: %v", err)
	}
	s.a.end()
	s.a.clean()
}
