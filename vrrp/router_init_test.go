package vrrp

import (
	"testing"
	"time"
)

// A router that does not own the addresses starts as backup and gives an
// Active the Active_Down_Interval to be heard.
//
//conformance:9568-6.4.1-startup-backup positive
//conformance:3768-6.4.1-startup-backup positive
//conformance:unh-2.1 positive
func TestInit_StartsAsBackup(t *testing.T) {
	for _, cfg := range []Config{ipv4(), ipv6(), version2()} {
		n := place(t, cfg)
		n.in(Init)
		n.do(Startup(), "init -> backup: started")
		n.in(Backup)
		n.due(down100)
		n.do(Startup()) // a second one says nothing new
	}
}

// The owner of the addresses is Active at once.
//
//conformance:9568-6.4.1-startup-owner positive
//conformance:3768-6.4.1-startup-owner positive
//conformance:unh-2.1 positive
func TestInit_OwnerStartsAsActive(t *testing.T) {
	for _, cfg := range []Config{ipv4(priority(255)), ipv6(priority(255)), version2(priority(255))} {
		n := place(t, cfg)
		n.do(Startup(),
			"init -> active: started as the owner of the addresses",
			"send priority 255")
		n.due(time.Second)
	}
}

// Nobody below 255 starts as Active.
//
//conformance:9568-6.4.1-startup-owner negative
//conformance:9568-6.4.1-startup-backup negative
//conformance:3768-6.4.1-startup-owner negative
//conformance:3768-6.4.1-startup-backup negative
//conformance:unh-2.1 negative
func TestInit_254IsNoOwner(t *testing.T) {
	for _, cfg := range []Config{ipv4(priority(254)), version2(priority(254))} {
		n := place(t, cfg)
		n.do(Startup(), "init -> backup: started")
	}
}

// Before it is started a router does nothing, whatever happens.
func TestInit_IsSilent(t *testing.T) {
	n := place(t, ipv4(priority(200)))
	n.hear(lower, 100)
	n.hear(lower, 0)
	for _, ev := range []Event{Tick(), Shutdown(), Grant(), Yield(), SetPriority(250), SetPreempt(false)} {
		n.do(ev)
	}
	if !n.Deadline().IsZero() {
		t.Error("a router that was not started has a deadline")
	}
	n.in(Init)
}

// Who is Active is known even before the start, for status pages.
func TestInit_KnowsTheActive(t *testing.T) {
	n := place(t, ipv4(priority(200)))
	n.hear(higher, 150)
	if p, ok := n.Active(); !ok || p.Addr != higher || p.Priority != 150 {
		t.Errorf("active is %v, %v; want 192.0.2.20 with priority 150", p, ok)
	}
	n.hear(higher, 0)
	if p, ok := n.Active(); ok {
		t.Errorf("active is still %v after it left", p)
	}
}

func TestInit_StartsAgain(t *testing.T) {
	n := active(t, ipv4())
	n.do(Shutdown(), "send priority 0", "active -> init: shut down")
	n.wait(time.Hour)
	n.do(Startup(), "init -> backup: started")
	n.due(down100)
}

// A startup hold keeps even the best node from claiming, so that it can
// converge first.
func TestStartupHold(t *testing.T) {
	t.Run("nobody else", func(t *testing.T) {
		n := backup(t, ipv4(hold(10*time.Second)))
		n.due(10 * time.Second)
		n.wait(10*time.Second - 1)
		n.wait(1, "backup -> active: no active node was heard", "send priority 100")
	})
	t.Run("shorter than the down interval", func(t *testing.T) {
		n := backup(t, ipv4(hold(time.Second)))
		n.due(down100)
	})
	t.Run("lower priority active", func(t *testing.T) {
		n := backup(t, ipv4(priority(200), hold(10*time.Second)))
		for range 9 {
			n.wait(time.Second)
			n.hear(lower, 100)
		}
		n.wait(time.Second,
			"backup -> active: the active node has a lower priority (192.0.2.9 priority 100)",
			"send priority 200")
	})
	t.Run("active leaves", func(t *testing.T) {
		n := backup(t, ipv4(hold(10*time.Second)))
		n.hear(higher, 200)
		n.hear(higher, 0)
		n.wait(10*time.Second - 1)
		n.wait(1, "backup -> active: the active node left (192.0.2.20 priority 0)", "send priority 100")
	})
	t.Run("owner", func(t *testing.T) {
		n := backup(t, ipv4(priority(255), hold(10*time.Second)))
		n.hear(lower, 100)
		n.due(10 * time.Second)
		n.wait(10*time.Second,
			"backup -> active: started as the owner of the addresses (192.0.2.9 priority 100)",
			"send priority 255")
	})
	t.Run("a handover overrides it", func(t *testing.T) {
		n := backup(t, ipv4(hold(10*time.Second)))
		n.do(Grant(), "backup -> active: took over on request", "send priority 100")
	})
	t.Run("owner that is demoted meanwhile", func(t *testing.T) {
		n := backup(t, ipv4(priority(255), hold(time.Second)))
		n.do(SetPriority(100))
		n.due(down100)
	})
}
