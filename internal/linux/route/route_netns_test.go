package route

import (
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/linux/netns/netnstest"
)

// TestMain runs all tests in a network namespace of their own.
func TestMain(m *testing.M) { netnstest.Main(m) }

func ipCommand(t *testing.T, args string) string {
	t.Helper()
	out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v\n%s", args, err, out)
	}
	return string(out)
}

func TestKernel(t *testing.T) {
	netnstest.Need(t)
	ipCommand(t, "link add d0 type veth peer name d1")
	ipCommand(t, "link set d1 up")
	ipCommand(t, "link set d0 up")
	ipCommand(t, "address add 192.0.2.1/24 dev d0")
	ipCommand(t, "address add 2001:db8::1/64 dev d0 nodad")
	for _, tt := range []struct {
		name  string
		step  config.Step
		show  string // ip …
		want  string
		other string // what somebody else made: it is refused, and stays
	}{
		{
			name: "address",
			step: config.Step{Address: &config.StepAddress{Prefix: netip.MustParsePrefix("198.51.100.7/32"), Interface: "d0"}},
			show: "-4 address show dev d0", want: "inet 198.51.100.7/32 scope global d0",
			other: "address add 198.51.100.7/32 dev d0",
		},
		{
			name: "IPv6 address",
			step: config.Step{Address: &config.StepAddress{Prefix: netip.MustParsePrefix("2001:db8:7::7/128"), Interface: "d0"}},
			show: "-6 address show dev d0", want: "inet6 2001:db8:7::7/128",
		},
		{
			name: "route",
			step: config.Step{Route: &config.StepRoute{To: netip.MustParsePrefix("203.0.113.0/24"), Via: netip.MustParseAddr("192.0.2.254"), Metric: 7}},
			show: "route show table main", want: "203.0.113.0/24 via 192.0.2.254 dev d0 proto 112 metric 7",
			other: "route add 203.0.113.0/24 via 192.0.2.253 metric 7",
		},
		{
			name: "route without gateway in a table",
			step: config.Step{Route: &config.StepRoute{To: netip.MustParsePrefix("203.0.113.0/24"), Interface: "d0", Table: 77, Source: netip.MustParseAddr("192.0.2.1")}},
			show: "route show table 77", want: "203.0.113.0/24 dev d0 proto 112 scope link src 192.0.2.1",
		},
		{
			name: "default route",
			step: config.Step{Route: &config.StepRoute{To: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("192.0.2.254")}},
			show: "route show table main", want: "default via 192.0.2.254 dev d0 proto 112",
			other: "route add default via 192.0.2.253",
		},
		{
			name: "IPv6 route",
			step: config.Step{Route: &config.StepRoute{To: netip.MustParsePrefix("2001:db8:9::/48"), Via: netip.MustParseAddr("2001:db8::254"), Interface: "d0"}},
			show: "-6 route show table main", want: "2001:db8:9::/48 via 2001:db8::254 dev d0 proto 112",
		},
		{
			name: "rule",
			step: config.Step{Rule: &config.StepRule{From: netip.MustParsePrefix("192.0.2.9/32"), Table: 77, Priority: 100}},
			show: "rule show", want: "100:	from 192.0.2.9 lookup 77 proto 112",
		},
		{
			name: "IPv6 rule for a mark",
			step: config.Step{Rule: &config.StepRule{To: netip.MustParsePrefix("2001:db8:9::/48"), Mark: 5, Table: 77, Priority: 101}},
			show: "-6 rule show", want: "101:	from all to 2001:db8:9::/48 fwmark 0x5 lookup 77 proto 112",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var k Kernel
			has := func(want bool) {
				t.Helper()
				if out := ipCommand(t, tt.show); strings.Contains(out, tt.want) != want {
					t.Errorf("%q is there: %v, wanted %v:\n%s", tt.want, !want, want, out)
				}
			}
			if err := k.Remove(tt.step); err != nil {
				t.Errorf("removing what is not there: %v", err)
			}
			for range 2 {
				if err := k.Put(tt.step); err != nil {
					t.Fatal(err)
				}
				has(true)
			}
			for range 2 {
				if err := k.Remove(tt.step); err != nil {
					t.Fatal(err)
				}
				has(false)
			}
			if tt.other == "" {
				return
			}
			ipCommand(t, tt.other)
			before := ipCommand(t, tt.show)
			if err := k.Put(tt.step); err == nil || !strings.Contains(err.Error(), "already") {
				t.Errorf("somebody else's was taken over: %v", err)
			}
			if err := k.Remove(tt.step); err != nil {
				t.Error(err)
			}
			if after := ipCommand(t, tt.show); after != before {
				t.Errorf("somebody else's was removed:\n%s", after)
			}
			ipCommand(t, strings.Replace(tt.other, " add ", " del ", 1))
		})
	}
}

func TestKernel_Sysctl(t *testing.T) {
	netnstest.Need(t)
	var k Kernel
	s := config.Step{Sysctl: &config.StepSysctl{Name: "net.ipv4.ip_forward", Value: "1", Undo: "0"}}
	path := "/proc/sys/net/ipv4/ip_forward"
	for _, tt := range []struct {
		do   func(config.Step) error
		want string
	}{{k.Put, "1"}, {k.Remove, "0"}} {
		if err := tt.do(s); err != nil {
			t.Skipf("settings cannot be written here: %v", err)
		}
		if b, _ := os.ReadFile(path); strings.TrimSpace(string(b)) != tt.want {
			t.Errorf("%s is %s, wanted %s", path, b, tt.want)
		}
	}
	s.Sysctl.Name = "net.ipv4.no_such_thing"
	if err := k.Put(s); err == nil {
		t.Error("a setting that does not exist was set")
	}
}
