package vrrp

import (
	"testing"
	"time"
)

// The formulas of RFC 9568 §6.1 and RFC 3768 §6.1. In version 2 the skew does
// not depend on the interval.
//
//conformance:9568-6.1-skew positive
//conformance:9568-6.1-down positive
//conformance:3768-6.1-skew positive
//conformance:3768-6.1-down positive
//conformance:unh-3.1 positive
//conformance:unh-3.2 positive
//conformance:unh-3.3 positive
func TestTimers_Formulas(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		version    uint8
		priority   uint8
		interval   time.Duration
		skew, down time.Duration
	}{
		{3, 100, time.Second, 609375 * time.Microsecond, 3609375 * time.Microsecond},
		{3, 1, time.Second, 996093750 * time.Nanosecond, 3996093750 * time.Nanosecond},
		{3, 254, time.Second, 7812500 * time.Nanosecond, 3007812500 * time.Nanosecond},
		{3, 255, time.Second, 3906250 * time.Nanosecond, 3003906250 * time.Nanosecond},
		{3, 128, 10 * ms, 5 * ms, 35 * ms},
		{3, 128, 40950 * ms, 20475 * ms, 143325 * ms},
		{2, 100, time.Second, 609375 * time.Microsecond, 3609375 * time.Microsecond},
		{2, 128, 10 * time.Second, 500 * ms, 30500 * ms},
		{2, 255, 255 * time.Second, 3906250 * time.Nanosecond, 765003906250 * time.Nanosecond},
	} {
		cfg := ipv4(priority(c.priority), interval(c.interval))
		cfg.Version = c.version
		n := place(t, cfg)
		if got := n.SkewTime(); got != c.skew {
			t.Errorf("version %d priority %d interval %s: skew %s, want %s", c.version, c.priority, c.interval, got, c.skew)
		}
		if got := n.DownInterval(); got != c.down {
			t.Errorf("version %d priority %d interval %s: down %s, want %s", c.version, c.priority, c.interval, got, c.down)
		}
	}
}

// A backup waits for as long as the Active it follows needs, not for as long
// as it would need itself.
//
//conformance:9568-6.1-learnt positive
func TestLearning_FollowsTheActive(t *testing.T) {
	const told = "report: peer has another interval, 300ms instead of 1s (192.0.2.20 priority 200)"
	n := backup(t, ipv4())
	a := n.advert(200)
	a.Interval = 300 * time.Millisecond
	n.hearAdvert(higher, a, told)
	n.due(300 * down100 / 1000)

	// After the Active's death our own interval counts again.
	n.wait(300*down100/1000,
		"backup -> active: no active node was heard (192.0.2.20 priority 200)",
		"send priority 100")
	n.due(time.Second)
	if got := n.ActiveInterval(); got != time.Second {
		t.Errorf("active interval %s, want our own", got)
	}
}

// What is learnt stays within bounds, whatever an advert says: 40.95s would
// blind a backup for two minutes.
func TestLearning_IsBounded(t *testing.T) {
	for _, c := range []struct {
		name      string
		change    func(*Config)
		says      time.Duration
		learnt    time.Duration
		differs   string
		isBounded string
	}{
		{
			"ten times at most", func(*Config) {}, MaxInterval, 10 * time.Second,
			"40.95s instead of 1s", "40.95s instead of 10s",
		},
		{
			"a tenth at least", func(*Config) {}, MinInterval, 100 * time.Millisecond,
			"10ms instead of 1s", "10ms instead of 100ms",
		},
		{
			"as configured",
			func(c *Config) { c.LearnMin, c.LearnMax = 500*time.Millisecond, 2*time.Second },
			3 * time.Second, 2 * time.Second,
			"3s instead of 1s", "3s instead of 2s",
		},
		{
			"not below what can be sent",
			func(c *Config) { c.Interval = 50 * time.Millisecond },
			10 * time.Millisecond, 10 * time.Millisecond,
			"10ms instead of 50ms", "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := backup(t, ipv4(c.change))
			a := n.advert(200)
			a.Interval = c.says
			want := []string{"report: peer has another interval, " + c.differs + " (192.0.2.20 priority 200)"}
			if c.isBounded != "" {
				want = append(want, "report: peer's interval is out of bounds, "+
					c.isBounded+" (192.0.2.20 priority 200)")
			}
			n.hearAdvert(higher, a, want...)
			if got := n.ActiveInterval(); got != c.learnt {
				t.Errorf("learnt %s, want %s", got, c.learnt)
			}
		})
	}
}

// Version 2 learns nothing: an advert with another interval is not heard.
//
//conformance:9568-6.1-learnt negative
//conformance:3768-7.1-interval negative
//conformance:unh-4.7 negative
func TestLearning_NotInVersion2(t *testing.T) {
	n := backup(t, version2())
	a := n.advert(200)
	a.Interval = 2 * time.Second
	n.wait(time.Second)
	n.hearAdvert(higher, a,
		"report: peer has another interval: interval differs, 2s instead of 1s (192.0.2.20 priority 200)")
	n.due(down100 - time.Second)
	if got := n.Counters().Dropped[DropInterval]; got != 1 {
		t.Errorf("counted %d drops, want 1", got)
	}
}

// The same interval is no news.
//
//conformance:3768-7.1-interval positive
//conformance:unh-4.7 positive
func TestLearning_SameInterval(t *testing.T) {
	n := backup(t, version2(interval(7*time.Second)))
	n.wait(time.Second)
	n.hear(higher, 200)
	n.due(21*time.Second + skew100)
}
