package check

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// bench drives one machine by hand, in a time of its own.
type bench struct {
	t   *testing.T
	m   *Machine
	now time.Time
	out []Action
}

var origin = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func begin(t *testing.T, change func(*Settings)) *bench {
	s := Settings{
		Interval: time.Second, FastInterval: 200 * time.Millisecond, DownInterval: 5 * time.Second,
		Timeout: 500 * time.Millisecond, Rise: 2, Fall: 3,
	}
	if change != nil {
		change(&s)
	}
	b := &bench{t: t, m: New(s, rand.New(rand.NewPCG(1, 2))), now: origin}
	b.step(Event{Kind: EventStart})
	return b
}

func (b *bench) step(ev Event) []Action {
	b.out = b.m.Step(b.now, ev, b.out[:0])
	return b.out
}

// until waits for the machine's next look.
func (b *bench) until() {
	b.t.Helper()
	for range 3 {
		if b.m.trying {
			return
		}
		d := b.m.Deadline()
		if d.IsZero() {
			b.t.Fatal("the machine wants nothing more")
		}
		if d.After(b.now) {
			b.now = d
		}
		b.step(Event{Kind: EventTick})
	}
	b.t.Fatal("the machine does not look")
}

// told is what the machine told, in words.
func told(acts []Action) string {
	var out []string
	for _, a := range acts {
		if a.Kind == ActionTell {
			s := fmt.Sprintf("%s -> %s", a.Change.From, a.Change.To)
			if a.Change.Worth.Weighted {
				s += fmt.Sprintf(" weight %d", a.Change.Worth.Weight)
			}
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}

// see answers the next looks: + passes, - fails, ? tells nothing. It gives
// what was told, with the number of the answer.
func (b *bench) see(answers string) string {
	b.t.Helper()
	var out []string
	for i, a := range answers {
		b.until()
		seen := map[rune]Seen{'+': Passed("fine"), '-': Failed("bad"), '?': {Mute: true}}[a]
		if s := told(b.step(Event{Kind: EventSeen, Seen: seen})); s != "" {
			out = append(out, fmt.Sprintf("%d: %s", i+1, s))
		}
	}
	return strings.Join(out, "; ")
}

func TestMachine_CountsRisesAndFalls(t *testing.T) {
	tests := []struct {
		answers, want string
		initial       Initial
	}{
		{"+", "1: pending -> up", InitialWait},
		{"-", "1: pending -> down", InitialWait},
		{"?+", "2: pending -> up", InitialWait},
		{"+--", "1: pending -> up", InitialWait},
		{"+---", "1: pending -> up; 4: up -> down", InitialWait},
		{"+--+--", "1: pending -> up", InitialWait},
		{"+-?-?-", "1: pending -> up; 6: up -> down", InitialWait},
		{"+---+-++", "1: pending -> up; 4: up -> down; 8: down -> up", InitialWait},
		{"-+", "1: pending -> down", InitialWait},
		{"-++", "1: pending -> down; 3: down -> up", InitialWait},
		{"--", "", InitialUp},
		{"---", "3: up -> down", InitialUp},
		{"+", "", InitialDown},
		{"++", "2: down -> up", InitialDown},
	}
	for _, tt := range tests {
		b := begin(t, func(s *Settings) { s.Initial = tt.initial })
		if got := b.see(tt.answers); got != tt.want {
			t.Errorf("%s, initial %s: told %q, want %q", tt.answers, tt.initial, got, tt.want)
		}
	}
}

// What is assumed is told at once: nobody waits for the first look.
func TestMachine_TellsWhatIsAssumed(t *testing.T) {
	m := New(Settings{Interval: time.Second, Initial: InitialDown}, rand.New(rand.NewPCG(1, 2)))
	acts := m.Step(origin, Event{Kind: EventStart, For: time.Second}, nil)
	if got := told(acts); got != "pending -> down" {
		t.Errorf("told %q", got)
	}
	if d := m.Deadline(); !d.Equal(origin.Add(time.Second)) {
		t.Errorf("looks at %s, want a second later", d)
	}
}

func TestMachine_LooksFasterInTransitionAndSlowerWhileDown(t *testing.T) {
	b := begin(t, nil)
	gap := func(answer string) time.Duration {
		b.until()
		from := b.m.began
		b.see(answer)
		b.until()
		return b.m.began.Sub(from)
	}
	if got := gap("+"); got < 500*time.Millisecond || got > time.Second {
		t.Errorf("the second look comes after %s, want between half an interval and one", got)
	}
	for i, tt := range []struct {
		answer string
		want   time.Duration
	}{
		{"+", time.Second},
		{"-", 200 * time.Millisecond},
		{"-", 200 * time.Millisecond},
		{"-", 5 * time.Second},
		{"-", 5 * time.Second},
		{"+", 200 * time.Millisecond},
		{"+", time.Second},
	} {
		if got := gap(tt.answer); got != tt.want {
			t.Errorf("%d (%s): the next look comes after %s, want %s", i, tt.answer, got, tt.want)
		}
	}
}

func TestMachine_JitterStaysWithinItsBounds(t *testing.T) {
	b := begin(t, func(s *Settings) { s.Jitter = 20 })
	b.see("+")
	different := map[time.Duration]bool{}
	for range 200 {
		b.until()
		from := b.m.began
		b.see("+")
		b.until()
		got := b.m.began.Sub(from)
		if got < 800*time.Millisecond || got > 1200*time.Millisecond {
			t.Fatalf("looks after %s", got)
		}
		different[got] = true
	}
	if len(different) < 100 {
		t.Errorf("only %d different intervals of 200", len(different))
	}
}

// A look that takes longer than the interval is followed by the next at once,
// and never by two.
func TestMachine_DoesNotCatchUp(t *testing.T) {
	b := begin(t, nil)
	b.see("++")
	b.until()
	b.now = b.now.Add(1400 * time.Millisecond)
	b.step(Event{Kind: EventSeen, Seen: Passed("late")})
	if d := b.m.Deadline(); !d.Equal(b.now) {
		t.Errorf("looks again %s later, want at once", d.Sub(b.now))
	}
	b.until()
	b.see("+")
	if d := b.m.Deadline().Sub(b.now); d != time.Second {
		t.Errorf("and then %s later, want an interval", d)
	}
}

// A look that hangs is a failure, there is no second one beside it, and what
// it says when it comes back is not used.
func TestMachine_GivesUpALookThatHangs(t *testing.T) {
	b := begin(t, func(s *Settings) { s.Fall = 1 })
	b.see("+")
	b.until()
	began := b.now
	b.now = b.m.Deadline()
	if got := b.now.Sub(began); got != 500*time.Millisecond+Grace {
		t.Fatalf("gives up after %s", got)
	}
	acts := b.step(Event{Kind: EventTick})
	if len(acts) != 2 || acts[0].Kind != ActionGiveUp || told(acts) != "up -> down" {
		t.Fatalf("did %v", acts)
	}
	if v := b.m.View(); !v.Hanging || v.Counts.Hung != 1 || !strings.Contains(v.Last.Text, "could not be stopped") {
		t.Errorf("view: %+v", v)
	}
	b.now = b.now.Add(time.Hour)
	if acts := b.step(Event{Kind: EventTick}); len(acts) > 0 || !b.m.Deadline().IsZero() {
		t.Fatalf("looks a second time while the first hangs: %v", acts)
	}
	if got := told(b.step(Event{Kind: EventSeen, Seen: Passed("at last")})); got != "" {
		t.Errorf("told %q", got)
	}
	if got := b.see("-++"); got != "3: down -> up" {
		t.Errorf("then told %q", got)
	}
}

func TestMachine_ANudgeLooksAtOnce(t *testing.T) {
	b := begin(t, nil)
	b.see("++")
	b.step(Event{Kind: EventNudge})
	if d := b.m.Deadline(); !d.Equal(b.now) {
		t.Fatalf("looks %s later, want at once", d.Sub(b.now))
	}
	b.until()
	// News during a look may be too late for it: there is another one.
	b.step(Event{Kind: EventNudge})
	b.step(Event{Kind: EventSeen, Seen: Passed("fine")})
	if d := b.m.Deadline(); !d.Equal(b.now) {
		t.Errorf("looks again %s later, want at once", d.Sub(b.now))
	}
}

func TestMachine_TellsAWeightThatChanges(t *testing.T) {
	b := begin(t, nil)
	weigh := func(w int) string {
		b.until()
		return told(b.step(Event{Kind: EventSeen, Seen: Seen{OK: true, Weight: w, Weighted: true}}))
	}
	for i, tt := range []struct {
		weight int
		want   string
	}{{10, "pending -> up weight 10"}, {10, ""}, {-5, "up -> up weight -5"}} {
		if got := weigh(tt.weight); got != tt.want {
			t.Errorf("%d: told %q, want %q", i, got, tt.want)
		}
	}
	if got := b.see("--"); got != "" {
		t.Errorf("a failure that does not count yet told %q", got)
	}
	if got := b.see("-"); got != "1: up -> down" {
		t.Errorf("told %q", got)
	}
}

func TestMachine_DampsACheckThatFlaps(t *testing.T) {
	b := begin(t, func(s *Settings) {
		s.Rise, s.Fall, s.DownInterval = 1, 1, time.Second
		s.Flap = Flap{Changes: 3, Within: time.Minute, Stable: 5 * time.Second}
	})
	if got := b.see("+-+-+-"); !strings.HasSuffix(got, "6: up -> down") {
		t.Fatalf("told %q", got)
	}
	if !b.m.View().Flapping {
		t.Fatal("three falls within a minute are no flapping")
	}
	from := b.now
	for got := ""; got == ""; got = b.see("+") {
		if b.now.Sub(from) > 10*time.Second {
			t.Fatal("it never rises again")
		}
	}
	if d := b.now.Sub(from); d < 5*time.Second {
		t.Errorf("rises after %s", d)
	}
	if b.m.View().Flapping {
		t.Error("it is up and flapping")
	}
}

// A failure while it has to prove itself begins the time anew.
func TestMachine_AFlapMustPassWithoutABreak(t *testing.T) {
	b := begin(t, func(s *Settings) {
		s.Rise, s.Fall, s.DownInterval, s.FastInterval = 1, 1, time.Second, time.Second
		s.Flap = Flap{Changes: 2, Within: time.Minute, Stable: 3 * time.Second}
	})
	b.see("+-+-")
	if got := b.see("+++-+++"); got != "" {
		t.Errorf("told %q, want nothing: it never passed for three seconds", got)
	}
	if got := b.see("+"); got != "1: down -> up" {
		t.Errorf("told %q", got)
	}
}
