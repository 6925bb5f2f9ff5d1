package probe

import (
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

func TestTCP_IsUpWhenAConnectionIsMade(t *testing.T) {
	sees(t, try(t, check.TCP{To: listen(t, func(net.Conn) {})}), true, "connected in ", " ms")
}

func TestTCP_SaysWhyThereIsNoConnection(t *testing.T) {
	full := backlogFull(t)
	for _, c := range []struct {
		name string
		kind check.TCP
		want string
	}{
		{"refused", check.TCP{To: closed(t)}, "connection refused after "},
		{"silent", check.TCP{To: full}, "nothing for "},
		{"name", check.TCP{To: check.Endpoint{Host: "no-such-host.invalid", Port: 80}}, "cannot resolve no-such-host.invalid: "},
		{"device", check.TCP{To: closed(t), Via: check.Via{Device: "no-such0"}}, "cannot bind to device no-such0: no such interface"},
		{"source", check.TCP{To: closed(t), Via: check.Via{Source: netip.MustParseAddr("192.0.2.77")}}, "the source address is not on this machine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := tryFor(t, c.kind, 300*time.Millisecond)
			if c.name == "name" && strings.HasPrefix(got.Text, "nothing for") {
				t.Skip("this machine's resolver does not answer")
			}
			sees(t, got, false, c.want, ", wanted a connection")
		})
	}
}

// backlogFull is a port that answers nobody: a listener that never accepts,
// with a queue that is full.
func backlogFull(t *testing.T) check.Endpoint {
	t.Helper()
	to := silentPort(t)
	for range 3 {
		c, err := net.DialTimeout("tcp", to.String(), 50*time.Millisecond)
		if err != nil {
			return to
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Fatal("the queue of a listener of length 0 takes everybody")
	return to
}

// TestTCP_LeavesNoTimeWait: 28,000 ports are soon used up by thousands of
// connections a second that stay for a minute each.
func TestTCP_LeavesNoTimeWait(t *testing.T) {
	to := listen(t, func(c net.Conn) { c.Read(make([]byte, 1)) })
	for range 200 {
		sees(t, try(t, check.TCP{To: to}), true)
	}
	table, err := os.ReadFile("/proc/thread-self/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	port := strings.ToUpper(hex4(to.Port))
	for line := range strings.SplitSeq(string(table), "\n") {
		f := strings.Fields(line)
		if len(f) > 3 && f[3] == "06" && strings.HasSuffix(f[2], ":"+port) {
			t.Fatalf("a TIME_WAIT towards the server: %s", line)
		}
	}
}
