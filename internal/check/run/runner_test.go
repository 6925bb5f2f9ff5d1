package run

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// fake is a kind whose looks a test answers.
type fake struct{ name string }

func (fake) Word() string     { return "fake" }
func (f fake) Target() string { return f.name }

// world makes the probes and hears what is told.
type world struct {
	mu     sync.Mutex
	try    map[string]func(context.Context) check.Seen // by name; none: passes
	looks  map[string][]time.Duration
	told   []string
	closed []string
	begun  time.Time
	now    atomic.Int64 // looks under way
	most   int64
	after  func()            // when the runner has ended
	hears  func(name string) // when something is told; nil: nothing more
	*Runner
}

type probe struct {
	w    *world
	name string
}

func (p *probe) Try(ctx context.Context) check.Seen {
	w := p.w
	n := w.now.Add(1)
	defer w.now.Add(-1)
	w.mu.Lock()
	w.most = max(w.most, n)
	w.looks[p.name] = append(w.looks[p.name], time.Since(w.begun))
	try := w.try[p.name]
	w.mu.Unlock()
	if try == nil {
		return check.Passed("fine")
	}
	return try(ctx)
}

func (p *probe) Close() error {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.w.closed = append(p.w.closed, p.name)
	return nil
}

func (w *world) set(name string, try func(context.Context) check.Seen) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.try[name] = try
}

func (w *world) heard() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := strings.Join(w.told, ", ")
	w.told = nil
	return s
}

func (w *world) view(t *testing.T, name string) View {
	t.Helper()
	for _, v := range w.Views() {
		if v.Name == name {
			return v
		}
	}
	t.Fatalf("there is no check %s", name)
	return View{}
}

// spec is a check that looks once a second, for half of it at most.
func spec(name string) check.Spec {
	return check.Spec{Name: name, Kind: fake{name}, Settings: check.Settings{
		Interval: time.Second, FastInterval: time.Second, DownInterval: time.Second, Timeout: 500 * time.Millisecond, Rise: 1, Fall: 1,
	}}
}

// play runs a runner in virtual time until the test's body ends.
func play(t *testing.T, workers int, body func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{try: map[string]func(context.Context) check.Seen{}, looks: map[string][]time.Duration{}, begun: time.Now()}
		w.Runner = New(Options{
			Workers: workers,
			Probe:   func(k check.Kind) check.Probe { return &probe{w, k.Target()} },
			Tell: func(name string, c check.Change) {
				if w.hears != nil {
					w.hears(name)
				}
				w.mu.Lock()
				defer w.mu.Unlock()
				w.told = append(w.told, fmt.Sprintf("%s %s", name, c.To))
			},
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.Run(ctx)
		}()
		body(w)
		cancel()
		<-done
		if w.after != nil {
			w.after()
		}
		// That no goroutine is left, synctest finds out by itself.
	})
}

func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func failed(context.Context) check.Seen { return check.Failed("refused") }

// stuck is a look that ends when its context does, as all should.
func stuck(ctx context.Context) check.Seen {
	<-ctx.Done()
	return check.Failed("no answer")
}

func TestRunner_LooksInTimeAndTellsChanges(t *testing.T) {
	play(t, 0, func(w *world) {
		w.Apply([]check.Spec{spec("web")})
		w.pass(time.Millisecond)
		if got := w.heard(); got != "web pending, web up" {
			t.Errorf("told %q", got)
		}
		w.pass(10 * time.Second)
		if n := len(w.looks["web"]); n != 11 {
			t.Errorf("looked %d times in ten seconds", n)
		}
		w.set("web", failed)
		w.pass(2 * time.Second)
		if got := w.heard(); got != "web down" {
			t.Errorf("told %q", got)
		}
		v := w.view(t, "web")
		if v.State != check.Down || v.Text != "refused" || v.Counts.Changes != 1 {
			t.Errorf("view: %+v", v)
		}
	})
}

// Thousands of checks begin one after the other, and one alone at once.
func TestRunner_IsNoHerdAtStart(t *testing.T) {
	play(t, 0, func(w *world) {
		var specs []check.Spec
		for i := range 5000 {
			s := spec(fmt.Sprint(i))
			s.Interval, s.DownInterval, s.FastInterval = time.Minute, time.Minute, time.Minute
			specs = append(specs, s)
		}
		w.Apply(specs)
		w.pass(spread + time.Millisecond)
		var at []time.Duration
		for _, l := range w.looks {
			at = append(at, l...)
		}
		slices.Sort(at)
		if len(at) != 5000 || at[0] != 0 {
			t.Fatalf("%d looks, the first after %s", len(at), at[0])
		}
		for i := 100; i < len(at); i++ {
			if d := at[i] - at[i-100]; d < 30*time.Millisecond {
				t.Fatalf("a hundred looks within %s", d)
			}
		}
	})
}

// Looks that all take their time wait for each other, and take no more
// goroutines than there are workers.
func TestRunner_LooksAtSoManyAtOnce(t *testing.T) {
	play(t, 8, func(w *world) {
		var specs []check.Spec
		for i := range 100 {
			s := spec(fmt.Sprint(i))
			specs = append(specs, s)
			w.set(s.Name, stuck)
		}
		w.Apply(specs)
		w.pass(30 * time.Second)
		if w.most != 8 {
			t.Errorf("%d looks at once", w.most)
		}
		for name, looks := range w.looks {
			if len(looks) < 3 { // 8 workers have time for 480 looks
				t.Errorf("%s was looked at %d times", name, len(looks))
			}
		}
		if f := w.Figures(); f.Late < time.Second || f.Hung > 0 {
			t.Errorf("figures: %+v", f)
		}
		w.Apply([]check.Spec{spec("web")})
		w.pass(25 * time.Second)
		if w.work.all != 1 {
			t.Errorf("%d workers are kept for one check", w.work.all)
		}
	})
}

func TestRunner_ALookThatHangsHoldsUpNobody(t *testing.T) {
	play(t, 2, func(w *world) {
		release := make(chan struct{})
		for _, name := range []string{"a", "b", "c"} {
			w.set(name, func(context.Context) check.Seen { <-release; return check.Passed("at last") })
		}
		w.Apply([]check.Spec{spec("a"), spec("b"), spec("c"), spec("web")})
		w.pass(10 * time.Second)
		if n := len(w.looks["web"]); n < 6 {
			t.Errorf("web was looked at %d times beside checks that hang", n)
		}
		if n := len(w.looks["a"]); n != 1 {
			t.Errorf("a was looked at %d times while it hangs", n)
		}
		if v := w.view(t, "a"); v.State != check.Down || !v.Hanging || v.Counts.Hung != 1 {
			t.Errorf("view: %+v", v)
		}
		if f := w.Figures(); f.Hanging != 3 || f.Hung != 3 || f.Busy != 0 {
			t.Errorf("figures: %+v", f)
		}
		// One that is taken out of the file while it hangs is closed later.
		w.Apply([]check.Spec{spec("a"), spec("b"), spec("web")})
		w.pass(time.Second)
		if len(w.closed) > 0 {
			t.Errorf("closed under a look: %q", w.closed)
		}
		w.set("a", nil)
		w.set("b", nil)
		close(release)
		w.pass(3 * time.Second)
		if got := w.view(t, "a").State; got != check.Up {
			t.Errorf("a is %s after it came back", got)
		}
		if f := w.Figures(); f.Hanging != 0 || f.Busy != 0 {
			t.Errorf("figures: %+v", f)
		}
		if !slices.Equal(w.closed, []string{"c"}) {
			t.Errorf("closed %q", w.closed)
		}
	})
}

// A look that is under way when its check is taken out of the file may hang
// too, and tells nothing.
func TestRunner_ForgetsALookThatHangs(t *testing.T) {
	play(t, 1, func(w *world) {
		release := make(chan struct{})
		w.set("a", func(context.Context) check.Seen { <-release; return check.Passed("at last") })
		w.Apply([]check.Spec{spec("a")})
		w.pass(time.Millisecond)
		w.Apply([]check.Spec{spec("web")})
		w.heard()
		w.pass(5 * time.Second)
		if got := w.heard(); got != "web up" {
			t.Errorf("told %q", got)
		}
		close(release)
		w.pass(time.Second)
		if !slices.Equal(w.closed, []string{"a"}) {
			t.Errorf("closed %q", w.closed)
		}
	})
}

func TestRunner_KeepsWhatStaysTheSame(t *testing.T) {
	play(t, 0, func(w *world) {
		w.set("b", failed)
		w.Apply([]check.Spec{spec("a"), spec("b"), spec("c")})
		w.pass(5 * time.Second)
		w.heard()
		since := w.view(t, "a").Since
		changed := spec("b")
		changed.Fall = 3
		w.Apply([]check.Spec{spec("a"), changed})
		w.pass(time.Second)
		if got := w.heard(); got != "b pending, b down" {
			t.Errorf("told %q", got)
		}
		if v := w.view(t, "a"); v.Since != since || v.Counts.Passed < 6 {
			t.Errorf("a began anew: %+v", v)
		}
		if slices.Sort(w.closed); !slices.Equal(w.closed, []string{"b", "c"}) {
			t.Errorf("closed %q", w.closed)
		}
	})
}

func TestRunner_ANudgeLooksAtOnce(t *testing.T) {
	play(t, 0, func(w *world) {
		slow := spec("link")
		slow.Interval = time.Hour
		w.Apply([]check.Spec{slow, spec("web")})
		w.pass(1100 * time.Millisecond)
		w.heard()
		w.set("link", failed)
		w.Nudge(func(k check.Kind) bool { return k.Target() == "link" })
		synctest.Wait()
		if got := w.heard(); got != "link down" {
			t.Errorf("told %q", got)
		}
	})
}

// Looks that came back while the runner itself stood still do not hang.
func TestRunner_BlamesNoLookForItsOwnPause(t *testing.T) {
	play(t, 0, func(w *world) {
		w.set("a", func(context.Context) check.Seen { time.Sleep(300 * time.Millisecond); return check.Passed("fine") })
		w.set("b", func(context.Context) check.Seen { time.Sleep(100 * time.Millisecond); return check.Passed("fine") })
		pause := sync.OnceFunc(func() { time.Sleep(10 * time.Second) })
		looked := false
		w.hears = func(name string) {
			if name == "b" && looked {
				pause()
			}
			looked = looked || name == "a"
		}
		w.Apply([]check.Spec{spec("b"), spec("a")})
		w.pass(15 * time.Second)
		if v := w.view(t, "a"); v.Counts.Hung > 0 || v.Counts.Failed > 0 {
			t.Errorf("view: %+v", v)
		}
	})
}

func TestRunner_AProbeThatPanicsFails(t *testing.T) {
	play(t, 0, func(w *world) {
		w.set("a", func(context.Context) check.Seen { panic("out of range") })
		w.Apply([]check.Spec{spec("a")})
		w.pass(5 * time.Second)
		if v := w.view(t, "a"); v.State != check.Down || !strings.Contains(v.Text, "out of range") || v.Counts.Failed < 5 {
			t.Errorf("view: %+v", v)
		}
	})
}

func TestRunner_ComposesChecks(t *testing.T) {
	play(t, 0, func(w *world) {
		w.Apply([]check.Spec{
			{Name: "service", Kind: check.All{Of: []string{"path", "web"}}}, // before what it is made of
			{Name: "path", Kind: check.Any{Of: []string{"east", "west"}}},
			{Name: "alone", Kind: check.Not{Of: "path"}},
			spec("east"), spec("west"), spec("web"),
		})
		w.pass(100 * time.Millisecond)
		if got := w.heard(); !strings.HasSuffix(got, "web up, service up") || !strings.Contains(got, "path up, alone down") {
			t.Errorf("told %q", got)
		}
		w.set("east", failed)
		w.pass(time.Second)
		if got := w.heard(); got != "east down" {
			t.Errorf("told %q", got)
		}
		w.set("west", failed)
		w.pass(time.Second)
		if got := w.heard(); got != "west down, path down, service down, alone up" {
			t.Errorf("told %q", got)
		}
		if v := w.view(t, "service"); v.Text != "path: east: refused; west: refused" || v.State != check.Down {
			t.Errorf("view: %+v", v)
		}
	})
}

// A runner that ends leaves the looks that hang behind, and nothing else.
func TestRunner_EndsBesideALookThatHangs(t *testing.T) {
	play(t, 0, func(w *world) {
		release := make(chan struct{})
		w.set("a", func(context.Context) check.Seen { <-release; return check.Seen{} })
		w.set("b", stuck)
		w.Apply([]check.Spec{spec("a"), spec("b"), spec("c")})
		w.pass(100 * time.Millisecond)
		w.after = func() { close(release) }
	})
}
