package daemon_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-net/holdfast/internal/api"
)

// looking is a trace that goes on until it is killed.
func (n *node) looking(args ...string) (says *output, kill func()) {
	n.s.t.Helper()
	says = &output{}
	cmd := exec.Command(binary.path, append([]string{"trace", "--socket", n.socket()}, args...)...)
	cmd.Stdout, cmd.Stderr = says, says
	n.s.must(cmd.Start())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }()
	kill = func() { _ = cmd.Process.Kill(); <-ended }
	n.s.t.Cleanup(kill)
	return says, kill
}

// Packets that the kernel forwards are shown to who looks, a flow is found and
// explained, and status tells how full the plane is.
func TestService_IsSeen(t *testing.T) {
	s := newSite(t)
	s.server(11).listen(s, ":8080")
	file := web(200) + spreading("full-nat", "192.0.2.10:80/tcp", 8080, "192.0.2.11")
	s.pairOf(file, web(100)+spreading("full-nat", "192.0.2.10:80/tcp", 8080, "192.0.2.11"))
	s.spread("192.0.2.10:80", "w11 192.0.2.10")

	says, kill := s.a.looking("--service", "shop")
	s.within("a packet is shown both ways", func() error {
		if _, err := s.ask("192.0.2.10:80"); err != nil {
			return err
		}
		if out := says.String(); !hasAll(out, []string{"shop", "> 192.0.2.10:80 TCP SYN", "to 192.0.2.11:8080", "> 192.0.2.11:8080 TCP SYN", "192.0.2.11:8080 > 192.0.2.10:"}) {
			return fmt.Errorf("it says:\n%.2000s", out)
		}
		return nil
	})
	if got := s.a.cli("trace", "--count", "1"); got.code == 0 || !hasAll(got.err, []string{"somebody does already"}) {
		t.Errorf("a second one: %+v", got)
	}
	kill() // and another one may look, once the daemon has seen it
	path := filepath.Join(s.dir, "shop.pcapng")
	again := func() *output { says, _ := s.a.looking("--write", path, "--client", "192.0.2.100"); return says }
	says = again()
	s.within("another one may look", func() error {
		if strings.Contains(says.String(), "somebody does already") {
			says = again()
		}
		if _, err := s.ask("192.0.2.10:80"); err != nil {
			return err
		}
		if st, err := os.Stat(path); err != nil || st.Size() < 200 {
			return fmt.Errorf("nothing is written: %v; it says %s", err, says)
		}
		return nil
	})
	if got := s.a.cli("trace", "--service", "nothing"); got.code != 1 || !hasAll(got.err, []string{"there is no service nothing"}) {
		t.Errorf("of a service that is not there: %+v", got)
	}

	d := s.download("192.0.2.10:80")
	d.goesOn(s, "at the beginning")
	from := d.conn.LocalAddr().String()
	var e api.FlowExplanation
	s.must(json.Unmarshal([]byte(s.a.cli("backends", "explain", from, "shop", "-o", "json").out), &e))
	if e.Outcome != "has" || e.Backend != "192.0.2.11:8080" || e.Flow == nil || !e.Flow.Established {
		t.Errorf("%s: %+v", from, e)
	}
	s.within("status tells of the service and its plane", func() error {
		var st api.Status
		s.must(json.Unmarshal([]byte(s.a.cli("status", "-o", "json").out), &st))
		if len(st.Services) != 1 || st.Services[0].Flows == 0 || len(st.Planes) != 1 || st.Planes[0].Hook == "" || st.Planes[0].Tables[0].Used == 0 || len(st.Planes[0].Ports) != 1 || st.Planes[0].Ports[0].Used == 0 {
			return fmt.Errorf("%+v %+v", st.Services, st.Planes)
		}
		return nil
	})
}
