package fence

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// story drives a fencer and writes down what it does.
type story struct {
	t    *testing.T
	f    *Fencer
	now  time.Time
	said []string
}

func begin(t *testing.T, cfg Config) *story {
	cfg.Rand = rand.New(rand.NewPCG(1, 2))
	return &story{t: t, f: New(cfg), now: time.Unix(1000, 0)}
}

func (s *story) step(ev Event) {
	s.t.Helper()
	for _, a := range s.f.Step(s.now, ev, nil) {
		switch a.Kind {
		case ActionRun:
			s.said = append(s.said, fmt.Sprintf("run %d %s %s", a.Run, a.Device, a.Op))
		case ActionKill:
			s.said = append(s.said, fmt.Sprintf("kill %d", a.Run))
		case ActionDone:
			s.said = append(s.said, fmt.Sprintf("%s: %s %t", a.Who, a.Node, a.OK))
		}
	}
}

func (s *story) after(d time.Duration) { s.now = s.now.Add(d); s.step(Tick()) }

func (s *story) want(lines ...string) {
	s.t.Helper()
	if !slices.Equal(s.said, lines) {
		s.t.Fatalf("got %q, want %q", s.said, lines)
	}
	s.said = nil
}

func twoLevels() Config {
	return Config{
		Devices: map[string]Device{
			"ipmi": {Action: Reboot, Timeout: time.Minute}, "pdu1": {Action: Reboot, Timeout: time.Minute}, "pdu2": {Action: Reboot, Timeout: time.Minute},
		},
		Nodes: map[string][][]string{"b": {{"ipmi"}, {"pdu1", "pdu2"}}, "c": {{"ipmi"}}},
	}
}

func TestFencer_TriesLevelsInOrder(t *testing.T) {
	s := begin(t, twoLevels())
	s.step(Want("b", "db", "gone", true))
	s.want("run 1 ipmi reboot")
	s.step(Ran(1, false, "no route to host"))
	s.want("run 2 pdu1 off")
	s.step(Ran(2, true, ""))
	s.want("run 3 pdu2 off")
	s.step(Ran(3, true, ""))
	// Off is fenced: who waits goes on while the power comes back.
	s.want("db: b true", "run 4 pdu1 on")
	s.step(Ran(4, false, "broken relay"))
	s.want("run 5 pdu2 on")
	s.step(Ran(5, true, ""))
	s.want()
	s.step(Want("b", "web", "gone", true))
	s.want("web: b true")
	s.step(Seen("b"))
	s.step(Want("b", "web", "gone again", true))
	s.want("run 6 ipmi reboot")
}

func TestFencer_GoesOnUntilItSucceeds(t *testing.T) {
	s := begin(t, twoLevels())
	s.step(Want("c", "db", "gone", true))
	s.want("run 1 ipmi reboot")
	s.after(time.Minute)
	s.want("kill 1")
	s.step(Ran(1, true, "")) // it says so, but it was killed
	s.want("db: c false")
	s.after(firstPause)
	s.want("run 2 ipmi reboot")
	s.step(Ran(2, true, ""))
	s.want("db: c true")
}

func TestFencer_GivesUpAnAgentThatCannotBeEnded(t *testing.T) {
	s := begin(t, twoLevels())
	s.step(Want("c", "db", "gone", true))
	s.after(time.Minute)
	s.after(grace)
	s.want("run 1 ipmi reboot", "kill 1", "db: c false")
	s.step(Ran(1, true, ""))
	s.want()
}

func TestFencer_StopsWhenNobodyWaits(t *testing.T) {
	cfg := twoLevels()
	cfg.Priority = 3 * time.Second
	s := begin(t, cfg)
	s.step(Want("c", "db", "gone", false))
	s.after(2 * time.Second)
	s.step(Drop("db"))
	s.after(time.Hour)
	s.want()
	if !s.f.Still() || !s.f.Deadline().IsZero() {
		t.Error("it is not still")
	}
}

func TestFencer_TheHolderShootsFirst(t *testing.T) {
	cfg := twoLevels()
	cfg.Priority, cfg.Random = 3*time.Second, time.Second
	holder, other := begin(t, cfg), begin(t, cfg)
	holder.step(Want("c", "db", "gone", true))
	other.step(Want("c", "db", "gone", false))
	for _, s := range []*story{holder, other} {
		s.after(time.Second)
	}
	holder.want("run 1 ipmi reboot")
	other.want()
	other.after(3 * time.Second)
	other.want("run 1 ipmi reboot")
}

func TestFencer_AnOperatorDoesNotWait(t *testing.T) {
	cfg := twoLevels()
	cfg.Priority = time.Minute
	s := begin(t, cfg)
	s.step(Want("c", "db", "gone", false))
	s.step(Demand("c", "root", "by hand"))
	s.want("run 1 ipmi reboot")
	s.step(Ran(1, true, ""))
	s.want("db: c true", "root: c true")
	s.step(Demand("c", "root", "once more"))
	s.want("run 2 ipmi reboot")
}

func TestFencer_ADeviceDoesOneThingAtATime(t *testing.T) {
	s := begin(t, twoLevels())
	s.step(Want("c", "db", "gone", true))
	s.step(Want("b", "db", "gone", true))
	s.want("run 1 ipmi reboot")
	s.after(time.Second)
	s.want()
	s.step(Ran(1, true, ""))
	s.want("db: c true", "run 2 ipmi reboot")
}

func TestFencer_TakesAPersonsWord(t *testing.T) {
	s := begin(t, twoLevels())
	s.step(Want("c", "db", "gone", true))
	s.step(Confirm("c", "root"))
	s.want("run 1 ipmi reboot", "kill 1", "db: c true")
	s.step(Ran(1, false, "killed"))
	s.want()
}

func TestFencer_ANodeWithoutDevicesWaitsForAPerson(t *testing.T) {
	s := begin(t, twoLevels())
	s.step(Want("d", "db", "gone", true))
	s.want("db: d false")
	s.after(time.Hour)
	s.want()
	s.step(Confirm("d", "root"))
	s.want("db: d true")
}

// Agents that fail, hang and answer too late, wishes that come and go: nobody is
// told that a node is fenced unless a whole level of it succeeded since it was
// last heard, and no device does two things at once.
func TestFencer_Simulation(t *testing.T) {
	for seed := range uint64(2000) {
		if err := simulate(seed); err != "" {
			t.Fatalf("seed %d: %s", seed, err)
		}
	}
}

func simulate(seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 7))
	cfg := twoLevels()
	cfg.Rand, cfg.Random, cfg.Priority = r, time.Second, time.Second
	f := New(cfg)
	now := time.Unix(1000, 0)
	type running struct {
		Action
		ends time.Time
	}
	var runs []running
	down := map[string]map[string]bool{"b": {}, "c": {}} // what was switched off, by node
	var log []string
	var acts []Action
	step := func(ev Event) string {
		acts = f.Step(now, ev, nil)
		for _, a := range acts {
			switch a.Kind {
			case ActionRun:
				log = append(log, fmt.Sprintf("%s run %s %s for %s", now.Format("05"), a.Device, a.Op, a.Node))
				for _, o := range runs {
					if o.Device == a.Device {
						return "a device does two things at once\n" + strings.Join(log, "\n")
					}
				}
				runs = append(runs, running{a, now.Add(time.Duration(r.Int64N(int64(80 * time.Second))))})
			case ActionKill:
				for i := range runs {
					if runs[i].Run == a.Run {
						runs[i].ends = now.Add(time.Duration(r.Int64N(int64(grace / 2))))
					}
				}
			case ActionDone:
				if d := down[a.Node]; a.OK && !d["ipmi"] && (!d["pdu1"] || !d["pdu2"]) {
					return a.Node + " is said to be fenced and is not\n" + strings.Join(log, "\n")
				}
			}
		}
		return ""
	}
	for range 200 {
		now = now.Add(time.Duration(r.Int64N(int64(grace / 3))))
		node := []string{"b", "c"}[r.IntN(2)]
		if err := step(Tick()); err != "" {
			return err
		}
		var ev Event
		switch r.IntN(6) {
		case 0, 1:
			ev = Want(node, []string{"db", "web"}[r.IntN(2)], "gone", r.IntN(2) == 0)
		case 2:
			ev = Drop([]string{"db", "web"}[r.IntN(2)])
		case 3:
			if f.target(node).state != Running {
				down[node] = map[string]bool{}
				ev = Seen(node)
			}
		}
		if err := step(ev); err != "" {
			return err
		}
		for i := 0; i < len(runs); i++ {
			x := runs[i]
			if x.ends.After(now) {
				continue
			}
			runs = slices.Delete(runs, i, i+1)
			i--
			ok := r.IntN(2) == 0
			if ok && x.Op != On {
				down[x.Node][x.Device] = true
			}
			if err := step(Ran(x.Run, ok, "chance")); err != "" {
				return err
			}
		}
	}
	return ""
}

func TestFencer_TellsWhatCameOfIt(t *testing.T) {
	s := begin(t, twoLevels())
	last := func() Attempt { v := s.f.Views()[0]; return v.Last }
	s.step(Want("b", "db", "gone", true))
	s.after(2 * time.Second)
	s.step(Ran(1, false, "no route"))
	s.step(Ran(2, false, "no outlet"))
	if got, want := last(), (Attempt{Began: time.Unix(1000, 0), Took: 2 * time.Second, Level: 2, Text: "off of device pdu1 failed: no outlet", Why: "gone"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if v := s.f.Views()[0]; !v.Pending() {
		t.Errorf("nothing is pending: %+v", v)
	}
	s.after(firstPause)
	s.step(Ran(3, true, ""))
	if got, want := last(), (Attempt{Began: time.Unix(1000, 0), Took: 7 * time.Second, OK: true, Level: 1, Text: "reboot by ipmi", Why: "gone"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	s.step(Want("d", "db", "gone", true)) // it has no devices
	if v := s.f.Views()[2]; !v.Pending() {
		t.Errorf("nothing is pending: %+v", v)
	}
	s.step(Seen("d"))
	if v := s.f.Views()[2]; v.Pending() || v.Last.OK {
		t.Errorf("it was heard, and is pending: %+v", v)
	}
	s.step(Confirm("c", "root"))
	if v := s.f.Views()[1]; v.Last.Text != "confirmed by root" || v.Last.Took != 0 || v.Pending() {
		t.Errorf("%+v", v)
	}
}
