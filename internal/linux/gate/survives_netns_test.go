package gate

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// punctual is how late the last answer may have been at the client by the
// kernel's own timestamp. The gate closes within microseconds; the rest is a
// frame that had passed it and met a busy processor.
const punctual = 20 * time.Millisecond

// TestClosesByItself stops and kills the daemon and lets a client ask on, every
// millisecond: the last answer must come before the hold is over.
func TestClosesByItself(t *testing.T) {
	for _, m := range modes {
		for _, how := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGKILL} {
			t.Run(m.name+" "+how.String(), func(t *testing.T) {
				l := newLab(t, m)
				t.Cleanup(l.sweep)
				l.install()
				l.neighbours()
				d := l.startDaemon(task{}, &syscall.SysProcAttr{})
				var err error
				l.gate, err = Open(Options{Lines: []LineID{m.line}, Dir: l.dir})
				must(t, err)
				t.Cleanup(func() { must(t, l.gate.Close()) })
				l.slot4, l.slot6 = d.slot4, d.slot6
				questions := l.questions()
				for _, q := range questions {
					l.answered(q)
				}

				must(t, d.Process.Signal(how))
				if how == syscall.SIGKILL {
					d.kill()
				}
				held := settled(l)
				l.there.clear()
				for l.gate.Now() < held.Announced+engine.Instant(100*time.Millisecond) {
					for _, q := range questions {
						l.there.send(t, q.frame)
					}
					time.Sleep(time.Millisecond)
				}
				for _, q := range questions {
					early := time.Duration(held.Announced - lastAnswer(l, q))
					t.Logf("%s: the last answer came %v before the end", q.name, early)
					if early < -punctual {
						t.Errorf("%s: answered %v after the hold was over", q.name, -early)
					}
					if early > lease/2 {
						t.Errorf("%s: the last answer came %v before the hold was over", q.name, early)
					}
				}
				for _, q := range questions {
					l.refused(q)
				}
				if len(l.attached()) != 2 {
					t.Errorf("attached: %+v, want two programs", l.attached())
				}
			})
		}
	}
}

// settled waits until nobody extends the hold any more: a signal takes its time.
func settled(l *lab) (h engine.Hold) {
	l.Helper()
	since := time.Now()
	eventually(l, "the daemon has stopped", func() bool {
		if now := l.gate.Held(l.slot4); now != h {
			h, since = now, time.Now()
		}
		return time.Since(since) > 5*pace
	})
	six := l.gate.Held(l.slot6)
	h.Announced = max(h.Announced, six.Announced)
	return h
}

func lastAnswer(l *lab, q question) engine.Instant {
	seen := l.there.seen()
	slices.Reverse(seen)
	for _, a := range seen {
		if q.answer(a.frame) {
			return a.at
		}
	}
	return 0
}

// TestTakeOver kills the daemon and opens the gate again while its hold goes
// on: no question may meet a closed gate, or none.
func TestTakeOver(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			l := newLab(t, m)
			l.install()
			l.neighbours()
			d := l.startDaemon(task{}, &syscall.SysProcAttr{})
			d.kill()
			before := l.attached()
			l.open()
			l.guard()
			if l.slot4 != d.slot4 || l.slot6 != d.slot6 {
				t.Errorf("slots %d and %d, want %d and %d as before", l.slot4, l.slot6, d.slot4, d.slot6)
			}
			if l.gate.Held(l.slot4) == (engine.Hold{}) {
				t.Error("the hold was not taken over")
			}
			after := l.attached()
			if len(after) != 2 || slices.ContainsFunc(after, func(a attachment) bool { return a.id == before[0].id || a.id == before[1].id }) {
				t.Errorf("attached %+v after %+v: want two of our own", after, before)
			}
			l.set(wideOpen)
			for _, q := range l.questions() {
				l.answered(q)
			}
			must(t, l.gate.CloseAll())
			for _, q := range l.questions() {
				l.refused(q)
			}
			must(t, l.gate.Release(l.slot4))
			must(t, l.gate.Release(l.slot6))
			if left := l.attached(); len(left) != 0 {
				t.Errorf("left after the release: %+v", left)
			}
		})
	}
}

// TestClosesInTime measures how late each line of defence closes.
func TestClosesInTime(t *testing.T) {
	for _, m := range append(modes, mode{"nftables physical", Nftables, false}, mode{"nftables virtual", Nftables, true}) {
		t.Run(m.name, func(t *testing.T) {
			l := newLab(t, m)
			l.open()
			l.guard()
			l.install()
			l.neighbours()
			l.set(wideOpen)
			questions := l.questions()
			for _, q := range questions {
				l.answered(q)
			}
			for range 3 {
				l.there.clear()
				end := l.gate.Now() + engine.Instant(200*time.Millisecond)
				l.set(engine.Hold{Announced: end, Served: end})
				for l.gate.Now() < end+engine.Instant(100*time.Millisecond) {
					for _, q := range questions {
						l.there.send(t, q.frame)
					}
					time.Sleep(time.Millisecond)
				}
				latest := engine.Instant(0)
				for _, q := range questions {
					latest = max(latest, lastAnswer(l, q))
				}
				for _, q := range questions {
					l.refused(q)
				}
				late := time.Duration(latest - end)
				t.Logf("the last answer came %v after the end", late)
				if late > l.gate.Line().Guarantee+punctual {
					t.Errorf("closed %v late, want at most %v", late, l.gate.Line().Guarantee)
				}
			}
		})
	}
}
