package vrrp

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// reconfigure changes the node's configuration and compares the story.
func (n *node) reconfigure(cfg Config, want ...string) {
	n.t.Helper()
	acts, err := n.Reconfigure(n.now, cfg, nil)
	if err != nil {
		n.t.Errorf("after %s: %v", n.now.Sub(n.began), err)
	}
	n.compare("reconfiguring", acts, want)
}

// An Active stays Active through every change, and what peers can see of it
// they see at once.
func TestReconfigure_Active(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   []string
		due    time.Duration
	}{
		{"nothing", func(*Config) {}, nil, 500 * time.Millisecond},
		{"addresses", func(c *Config) { c.Addresses = list("192.0.2.100", "192.0.2.101") }, []string{"send priority 100"}, time.Second},
		{"order of addresses", func(c *Config) { c.Addresses = list("192.0.2.101") }, []string{"send priority 100"}, time.Second},
		{"interval", interval(100 * time.Millisecond), []string{"send priority 100"}, 100 * time.Millisecond},
		{"priority", priority(150), []string{"send priority 150"}, time.Second},
		{"owner", priority(255), []string{"send priority 255"}, time.Second},
		{"preempt", noPreempt, nil, 500 * time.Millisecond},
		{"peers", func(c *Config) { c.Peers = list("192.0.2.20") }, nil, 500 * time.Millisecond},
		{"ask", ask, nil, 500 * time.Millisecond},
		{"checksum", func(c *Config) { c.Checksum = ChecksumRFC9568 }, nil, 500 * time.Millisecond},
		{"keys", hmacOf(Permissive, 1, 1), nil, 500 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := active(t, ipv4())
			n.wait(500 * time.Millisecond)
			n.reconfigure(ipv4(c.change), c.want...)
			n.in(Active)
			n.due(c.due)
			if got := n.Counters().PriorityZeroSent; got != 0 {
				t.Error("said priority 0")
			}
		})
	}
}

// What is sent afterwards is what the new configuration says.
func TestReconfigure_Adverts(t *testing.T) {
	n := active(t, ipv4())
	want := ipv4(
		func(c *Config) { c.Addresses = list("192.0.2.7") }, interval(2*time.Second), priority(7),
		func(c *Config) { c.Checksum = ChecksumRFC9568 }, source(higher),
	)
	n.reconfigure(want, "send priority 7")
	other := place(t, want)
	if a, b := n.AppendAdvert(nil, begin, Group4, 7), other.AppendAdvert(nil, begin, Group4, 7); string(a) != string(b) {
		t.Errorf("sends\n%x, want\n%x", a, b)
	}
	n.reconfigure(ipv4(), "send priority 100")
	if got := n.AppendAdvert(nil, begin, Group4, 100); Checksum(got) != 0 {
		t.Error("auto did not go on with the form in use")
	}
}

// A backup goes on waiting for the same Active.
func TestReconfigure_Backup(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		due    time.Duration
	}{
		{"nothing", func(*Config) {}, down100 - time.Second},
		{"priority", priority(228), 2*time.Second + 28*time.Second/256},
		{"the interval of an Active that has it too", interval(2 * time.Second), 2*down100 - time.Second},
		{"addresses", func(c *Config) { c.Addresses = list("192.0.2.7") }, down100 - time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := backup(t, ipv4())
			n.hear(higher, 250)
			n.wait(time.Second)
			n.reconfigure(ipv4(c.change))
			n.in(Backup)
			n.due(c.due)
		})
	}
}

// What was learnt from an Active is kept, within the new bounds.
func TestReconfigure_KeepsWhatWasLearnt(t *testing.T) {
	n := backup(t, ipv4())
	a := n.advert(200)
	a.Interval = 5 * time.Second
	n.hearAdvert(higher, a, "report: peer has another interval, 5s instead of 1s (192.0.2.20 priority 200)")
	n.reconfigure(ipv4(noPreempt))
	n.due(5 * down100)
	n.reconfigure(ipv4(func(c *Config) { c.LearnMax = 2 * time.Second }))
	n.due(2 * down100)
}

// The effective priority is the caller's, until the configured one changes.
func TestReconfigure_EffectivePriority(t *testing.T) {
	n := active(t, ipv4())
	n.do(SetPriority(50), "send priority 50")
	n.do(SetPreempt(false))
	n.reconfigure(ipv4(func(c *Config) { c.Checksum = ChecksumRFC5798 }))
	if got := n.Priority(); got != 50 {
		t.Errorf("priority %d, want 50", got)
	}
	n.reconfigure(ipv4(priority(120)), "send priority 120")
	n.reconfigure(ipv4(priority(255)), "send priority 255")
	n.reconfigure(ipv4(priority(254)), "send priority 254")
}

// Preempt mode and preempt delay take effect in the middle of a wait.
func TestReconfigure_Preempt(t *testing.T) {
	n := backup(t, ipv4(priority(200)))
	n.wait(time.Second)
	n.hear(lower, 100)
	n.reconfigure(ipv4(priority(200), noPreempt))
	n.due(3*time.Second + 56*time.Second/256)

	n = backup(t, ipv4(priority(200), preemptDelay(time.Hour)))
	n.wait(time.Second)
	n.hear(lower, 100)
	n.reconfigure(ipv4(priority(200), preemptDelay(10*time.Second)))
	n.began = n.now
	if at, story := chatter(n, 60); at != 11*time.Second {
		t.Errorf("preempted after %s: %q, want 11s", at, story)
	}
}

// A router that asks and no longer has to does what it asked for.
func TestReconfigure_NoLongerAsks(t *testing.T) {
	n := backup(t, ipv4(ask))
	n.wait(down100, askAlone)
	n.reconfigure(ipv4(), "backup -> active: no active node was heard", "send priority 100")
}

// A reload does not open the door to captured adverts.
func TestReconfigure_KeepsReplayProtection(t *testing.T) {
	cfg := ipv4(hmacOf(Enforce, 1, 1, 2), func(c *Config) { c.Peers = []netip.Addr{higher} })
	n := backup(t, cfg)
	p := signed(t, n, higher, ipv4(hmacOf(Enforce, 1, 1)))
	n.do(Received(p))
	cfg.Peers = []netip.Addr{higher, lower}
	cfg.HMAC.Active = 2
	n.reconfigure(cfg)
	n.Step(n.now, Received(p), nil)
	if got := n.Counters(); got.Received != 1 || got.Dropped[DropReplay] != 1 {
		t.Errorf("counters %+v, want the copy dropped", got)
	}
	first := n.AppendAdvert(nil, n.now, higher, 100)
	n.reconfigure(cfg)
	second := n.AppendAdvert(nil, n.now, higher, 100)
	if a, b := parseSequence(first[16:]), parseSequence(second[16:]); !b.after(a) {
		t.Errorf("sequence %#x after %#x", uint64(b), uint64(a))
	}
}

// A bad configuration changes nothing.
func TestReconfigure_Errors(t *testing.T) {
	n := active(t, ipv4())
	for want, cfg := range map[string]Config{
		"interval 1ms":         ipv4(interval(time.Millisecond)),
		"id, family and versi": ipv4(func(c *Config) { c.VRID = 52 }),
		"id, family and vers":  ipv6(),
		"id, family and ver":   version2(),
	} {
		acts, err := n.Reconfigure(n.now, cfg, nil)
		if err == nil || !strings.Contains(err.Error(), want) || len(acts) != 0 {
			t.Errorf("got %v and %v, want %q", err, acts, want)
		}
	}
	if got := n.Config(); got.VRID != 51 || got.Interval != time.Second {
		t.Errorf("configuration changed to %+v", got)
	}
}
