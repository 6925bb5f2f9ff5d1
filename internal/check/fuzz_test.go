package check

import (
	"math/rand/v2"
	"testing"
	"time"
)

// FuzzMachine: whatever is seen, and whenever, there is one look at a time,
// every look is followed by another one, what is told is what the machine
// counts as, and it never falls or rises on fewer answers than it should.
func FuzzMachine(f *testing.F) {
	f.Add([]byte{2, 3, 0, 0, 1, 1, 2, 1, 2, 2, 2, 9, 3, 1})
	f.Add([]byte{1, 1, 1, 2, 2, 4, 4, 1, 5, 6, 7, 1, 1, 8})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 4 {
			return
		}
		s := Settings{
			Interval: time.Second, FastInterval: 100 * time.Millisecond, DownInterval: 3 * time.Second, Timeout: 500 * time.Millisecond,
			Jitter: int(data[0]) % 51, Rise: 1 + int(data[0])%4, Fall: 1 + int(data[1])%4, Initial: Initial(data[2] % 3),
		}
		if data[3]&1 != 0 {
			s.Flap = Flap{Changes: 2, Within: time.Minute, Stable: 2 * time.Second}
		}
		m := New(s, rand.New(rand.NewPCG(uint64(data[2]), uint64(data[3]))))
		now, out, busy, told, row := origin, []Action(nil), false, Pending, 0
		step := func(ev Event) {
			out = m.Step(now, ev, out[:0])
			for _, a := range out {
				switch a.Kind {
				case ActionTry:
					if busy {
						t.Fatal("a second look beside the first")
					}
					busy = true
				case ActionGiveUp:
					if !busy {
						t.Fatal("gives up what is not there")
					}
					row = min(row, 0) - 1
				case ActionTell:
					if a.Change.From != told {
						t.Fatalf("told %s and then from %s", told, a.Change.From)
					}
					if from, to := a.Change.From, a.Change.To; from == Up && to == Down && -row < s.Fall || from == Down && to == Up && row < s.Rise {
						t.Fatalf("%s -> %s after %d answers", from, to, row)
					}
					told = a.Change.To
				}
			}
			if m.View().State != told {
				t.Fatalf("told %s and is %s", told, m.View().State)
			}
			if d := m.Deadline(); d.IsZero() != (busy && m.View().Hanging) {
				t.Fatalf("the deadline is %s while busy is %t and hanging %t", d, busy, m.View().Hanging)
			}
			if busy != m.Trying() {
				t.Fatal("a look was forgotten")
			}
		}
		step(Event{Kind: EventStart, For: time.Duration(data[0]) * time.Millisecond})
		for _, x := range data[4:] {
			now = now.Add(time.Duration(x>>3) * 37 * time.Millisecond)
			switch x & 7 {
			case 0:
				step(Event{Kind: EventNudge})
			case 1, 2, 3, 4:
				if !busy {
					continue
				}
				seen := Seen{OK: x&1 == 0, Mute: x&7 == 4, Weight: int(x), Weighted: x&16 != 0}
				if hanging := m.View().Hanging; !seen.Mute && !hanging {
					if seen.OK {
						row = max(row, 0) + 1
					} else {
						row = min(row, 0) - 1
					}
				}
				busy = false
				step(Event{Kind: EventSeen, Seen: seen})
			default:
				if d := m.Deadline(); d.After(now) && x&7 == 7 {
					now = d
				}
				step(Event{Kind: EventTick})
			}
		}
	})
}
