package engine

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
)

// kennel is a node's watchdog: it bites if it runs and was not fed for its time.
type kennel struct {
	mu     sync.Mutex
	n      *testNode
	refuse error
	runs   bool
	fed    time.Time
	words  []string
}

func (k *kennel) Arm() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.words = append(k.words, "arm")
	err := k.refuse
	if err == nil {
		k.runs, k.fed = true, time.Now()
	}
	time.AfterFunc(time.Millisecond, func() { k.n.engine.Armed(err) })
}

func (k *kennel) Feed() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fed = time.Now()
}

func (k *kennel) Disarm() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.runs, k.words = false, append(k.words, "disarm")
}

// hungry is for how long it was not fed; 0: it does not run.
func (k *kennel) hungry() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.runs {
		return 0
	}
	return max(time.Since(k.fed), 1)
}

func (k *kennel) said() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.words)
}

// bite is the watchdog's time in these tests.
const bite = 5 * time.Second

// watched is a node whose group asks for a watchdog.
func watched(t *testing.T, priority uint8) (*testNode, *kennel) {
	t.Helper()
	n := (&testLAN{}).node(t, "lb1", "192.0.2.1", "fe80::1")
	k := &kennel{n: n}
	n.engine.opt.Watchdog = k
	cfg := webConfig(priority, func(g *config.Group) { g.Fence.Watchdog = true })
	cfg.Watchdog.Timeout = bite
	n.start(t, cfg)
	return n, k
}

func TestWatchdog_RunsWhileTheGroupIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, k := watched(t, 150)
		time.Sleep(10 * time.Second)
		if n.answers(vip) || len(k.said()) > 0 {
			t.Fatalf("before it is known whether there is one: %v, %q", n.story(), k.said())
		}
		n.engine.WatchdogUsable(nil, false)
		time.Sleep(10 * time.Second)
		if !n.answers(vip) || !slices.Equal(k.said(), []string{"arm"}) {
			t.Fatalf("%v, %q", n.story(), k.said())
		}
		for range 100 { // one group alone: the adverts keep the loop awake
			time.Sleep(300 * time.Millisecond)
			if h := k.hungry(); h > bite/2 {
				t.Fatalf("not fed for %s", h)
			}
		}
		f, err := n.engine.Fencing(t.Context())
		if err != nil || !f.Watchdog || !f.Armed {
			t.Errorf("%+v, %v", f, err)
		}
		n.stop(t)
		if got := k.said(); !slices.Equal(got, []string{"arm", "disarm"}) {
			t.Errorf("%q", got)
		}
	})
}

// A loop that stands still does not feed it, and neither does one whose hold has
// ended while what belongs to it is still there.
func TestWatchdog_BitesWhoStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, k := watched(t, 150)
		n.engine.WatchdogUsable(nil, false)
		time.Sleep(10 * time.Second)
		thaw := n.freeze()
		time.Sleep(bite)
		if k.hungry() < bite-bite/4 {
			t.Errorf("fed %s ago", k.hungry())
		}
		thaw()
		time.Sleep(10 * time.Second)
		if !n.answers(vip) || k.hungry() > bite/2 {
			t.Errorf("awake again: %v, fed %s ago", n.story(), k.hungry())
		}
		n.stop(t)
	})
}

func TestWatchdog_ThatCannotBeArmedIsAFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, k := watched(t, 150)
		k.refuse = errors.New("another process has it")
		n.engine.WatchdogUsable(nil, false)
		time.Sleep(10 * time.Second)
		if n.answers(vip) || !slices.Contains(n.story(), "web backup->fault") {
			t.Errorf("it holds without: %v", n.story())
		}
		k.mu.Lock()
		k.refuse = nil
		k.mu.Unlock()
		time.Sleep(time.Minute)
		if !n.answers(vip) {
			t.Errorf("it does not try again: %v", n.story())
		}
		n.engine.WatchdogUsable(errors.New("there is none"), false)
		time.Sleep(time.Second)
		if n.answers(vip) || k.hungry() != 0 {
			t.Errorf("told that there is none: %v; not fed for %s", n.story(), k.hungry())
		}
		n.stop(t)
	})
}

// One that a process which died has left running is fed at once, and stopped
// where nothing is held.
func TestWatchdog_LeftRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, k := watched(t, 150)
		n.engine.WatchdogUsable(nil, true)
		time.Sleep(10 * time.Millisecond)
		if got := k.said(); !slices.Equal(got, []string{"arm"}) {
			t.Errorf("%q", got)
		}
		time.Sleep(2 * time.Second) // it listens still
		if got := k.said(); !slices.Equal(got, []string{"arm", "disarm"}) {
			t.Errorf("%q", got)
		}
		n.stop(t)
	})
}

func TestWatchdog_NoneAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := (&testLAN{}).node(t, "lb1", "192.0.2.1", "fe80::1")
		cfg := webConfig(150, func(g *config.Group) { g.Fence.Watchdog = true })
		n.start(t, cfg)
		time.Sleep(10 * time.Second)
		s, err := n.engine.Snapshot(t.Context())
		if err != nil || n.answers(vip) || !strings.Contains(s.Units[0].Reason, "there is none") {
			t.Errorf("it holds: %t; %q, %v", n.answers(vip), s.Units[0].Reason, err)
		}
		n.stop(t)
	})
}
