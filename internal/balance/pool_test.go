package balance

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/holdfast-net/holdfast/internal/check"
)

var (
	begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	seed  = [16]byte([]byte("a seed for tests"))
	a     = netip.MustParseAddrPort("10.0.0.11:443")
	b     = netip.MustParseAddrPort("10.0.0.12:443")
	c     = netip.MustParseAddrPort("10.0.0.13:443")
	spare = netip.MustParseAddrPort("10.0.0.21:443")
	sorry = netip.MustParseAddrPort("10.0.0.31:80")
)

// backend gives one with weight 1 and a check of its own.
func backend(addr netip.AddrPort, with ...func(*Backend)) Backend {
	out := Backend{Addr: addr, Weight: 1, Checks: []string{"https@" + addr.String()}}
	for _, f := range with {
		f(&out)
	}
	return out
}

func weight(w uint16) func(*Backend) { return func(b *Backend) { b.Weight = w } }
func isBackup(b *Backend)            { b.Backup = true }
func isSorry(b *Backend)             { b.Sorry, b.Checks = true, nil }
func moreChecks(names ...string) func(*Backend) {
	return func(b *Backend) { b.Checks = append(b.Checks, names...) }
}

func service(backends ...Backend) *Service {
	return &Service{Name: "web", Scheduler: RoundRobin, Backends: backends, TableSize: 251, OnDown: Reset, OnRemoved: Keep}
}

// bench is a pool with a clock, and what it has said.
type bench struct {
	t    *testing.T
	pool *Pool
	now  time.Time
	said []string
	last []Action
}

func start(t *testing.T, s *Service) *bench {
	w := &bench{t: t, pool: NewPool(Config{Service: s, Seed: seed}), now: begin}
	w.step(Started{})
	return w
}

func (w *bench) step(ev Event) *bench {
	w.last = w.pool.Step(w.now, ev, nil)
	for _, act := range w.last {
		switch act.Kind {
		case ActionRecord:
			w.said = append(w.said, act.Code+" "+act.Reason)
		case ActionDrained:
			w.said = append(w.said, fmt.Sprintf("drained %s, %d left", act.Backend, act.Left))
		case ActionRefused:
			w.said = append(w.said, fmt.Sprintf("refused %s: %s", act.Backend, act.Reason))
		case ActionPlan:
			w.said = append(w.said, "plan "+summary(act.Plan))
		}
	}
	sound(w.t, w.pool)
	return w
}

// after lets time pass, and each deadline in it come.
func (w *bench) after(d time.Duration) *bench {
	end := w.now.Add(d)
	for i := 0; ; i++ {
		due := w.pool.Deadline()
		if due.IsZero() || due.After(end) {
			break
		}
		if i > 1000 {
			w.t.Fatalf("the deadline stays at %v", due)
		}
		w.now = due
		w.step(Reached{})
	}
	w.now = end
	return w
}

func (w *bench) check(addr netip.AddrPort, to check.State, text string) *bench {
	return w.step(Checked{Check: "https@" + addr.String(), Change: check.Change{To: to, Text: text}})
}

func (w *bench) up(addrs ...netip.AddrPort) *bench {
	for _, addr := range addrs {
		w.check(addr, check.Up, "HTTP 200 in 3 ms")
	}
	return w
}

func (w *bench) down(addrs ...netip.AddrPort) *bench {
	for _, addr := range addrs {
		w.check(addr, check.Down, "HTTP 503 in 12 ms, wanted 200")
	}
	return w
}

// counted says how many flows backends have, twice, as it counts from the second.
func (w *bench) counted(flows map[netip.AddrPort]uint64) *bench {
	byID := map[uint32]Usage{}
	for _, m := range w.pool.members {
		if n := flows[m.Addr]; n > 0 {
			byID[m.id] = Usage{Flows: n}
		}
	}
	return w.step(Counted{byID}).step(Counted{byID})
}

func (w *bench) says(want ...string) *bench {
	w.t.Helper()
	if diff := cmp.Diff(want, w.said); diff != "" {
		w.t.Errorf("-want +got:\n%s", diff)
	}
	w.said = nil
	return w
}

func (w *bench) quiet() *bench { w.said = nil; return w }

// summary writes a plan as its targets with states, and their slots.
func summary(p *Plan) string {
	slots := make([]int, len(p.Targets))
	for _, place := range p.Table {
		slots[place]++
	}
	var out []string
	for i, t := range p.Targets {
		out = append(out, fmt.Sprintf("%s %s %d", t.Addr.Addr(), t.State, slots[i]))
	}
	return strings.Join(out, ", ")
}

// sound checks what is true of every plan.
func sound(t *testing.T, pool *Pool) {
	t.Helper()
	p := pool.Plan()
	if p == nil {
		return
	}
	named := map[int]bool{}
	for _, place := range p.Table {
		named[int(place)] = true
	}
	seen := map[uint32]bool{0: true}
	for i, target := range p.Targets {
		if seen[target.ID] {
			t.Fatalf("ID %d is there twice, or 0", target.ID)
		}
		seen[target.ID] = true
		if (target.State == Up) != named[i] {
			t.Fatalf("%s is %s, and that the table names it is %t", target.Addr, target.State, named[i])
		}
		if m := pool.members[i]; m.Addr != target.Addr || target.State == Removed && !m.removed {
			t.Fatalf("target %d is %s, %s; the member there is %s", i, target.Addr, target.State, m.Addr)
		}
	}
	if !slices.IsSortedFunc(pool.members, compare) {
		t.Fatal("members are not in order")
	}
}

func TestPool_WaitsForTheFirstResults(t *testing.T) {
	w := start(t, service(backend(a), backend(b)))
	w.says()
	w.up(a).says()
	w.down(b).says(
		"HF3001 backend 10.0.0.11:443 is up: HTTP 200 in 3 ms",
		"HF3003 backend 10.0.0.12:443 is down: HTTP 503 in 12 ms, wanted 200",
		"plan 10.0.0.11 up 1, 10.0.0.12 down 0")
}

func TestPool_DoesNotWaitForEver(t *testing.T) {
	w := start(t, service(backend(a), backend(b)))
	w.after(2 * time.Second).says()
	w.after(2*time.Second).says(
		"HF3001 backend 10.0.0.11:443 is up: nobody is known to be up, and its checks have no result yet",
		"HF3001 backend 10.0.0.12:443 is up: nobody is known to be up, and its checks have no result yet",
		"HF3012 service web is served by backends that were not checked yet: none is known to be up",
		"plan 10.0.0.11 up 1, 10.0.0.12 up 1")
	w.up(a).says(
		"HF3002 backend 10.0.0.12:443 gets no new flows: its checks have no result yet",
		"HF3012 service web is served by its own backends",
		"plan 10.0.0.11 up 1, 10.0.0.12 drain 0")
}

func TestPool_WithoutChecksAllAreUpAtOnce(t *testing.T) {
	w := start(t, service(Backend{Addr: a, Weight: 2}, Backend{Addr: b, Weight: 6}))
	w.says(
		"HF3001 backend 10.0.0.11:443 is up: it has no checks",
		"HF3001 backend 10.0.0.12:443 is up: it has no checks",
		"plan 10.0.0.11 up 1, 10.0.0.12 up 3")
}

func TestPool_EveryCheckMustBeUp(t *testing.T) {
	w := start(t, service(backend(a, moreChecks("db")), backend(b)))
	w.up(a, b).step(Checked{"db", check.Change{To: check.Up, Text: "connected"}}).quiet()
	w.step(Checked{"db", check.Change{To: check.Down, Text: "connection refused"}}).says(
		"HF3003 backend 10.0.0.11:443 is down: db: connection refused",
		"plan 10.0.0.11 down 0, 10.0.0.12 up 1")
	w.step(Checked{"db", check.Change{To: check.Up, Text: "connected"}}).says(
		"HF3001 backend 10.0.0.11:443 is up: https: HTTP 200 in 3 ms; db: connected",
		"plan 10.0.0.11 up 1, 10.0.0.12 up 1")
}

func TestPool_AnAgentsShare(t *testing.T) {
	w := start(t, service(backend(a), backend(b))).up(a, b).quiet()
	share := func(n int) *bench {
		return w.step(Checked{"https@" + a.String(), check.Change{To: check.Up, Text: fmt.Sprintf("%d %%", n), Worth: check.Worth{Share: n, Shared: true}}})
	}
	share(25).says("plan 10.0.0.11 up 1, 10.0.0.12 up 4")
	share(0).says("HF3002 backend 10.0.0.11:443 gets no new flows: 0 %", "plan 10.0.0.11 drain 0, 10.0.0.12 up 1")
	share(100).says("HF3001 backend 10.0.0.11:443 is up: 100 %", "plan 10.0.0.11 up 1, 10.0.0.12 up 1")
}

func TestPool_BackupsThenSorry(t *testing.T) {
	w := start(t, service(backend(a), backend(b), backend(spare, isBackup), backend(sorry, isSorry))).up(a, b, spare)
	w.says(
		"HF3001 backend 10.0.0.11:443 is up: HTTP 200 in 3 ms",
		"HF3001 backend 10.0.0.12:443 is up: HTTP 200 in 3 ms",
		"HF3002 backend 10.0.0.21:443 gets no new flows: it is not needed: the service is served by its own backends",
		"HF3002 backend 10.0.0.31:80 gets no new flows: it is not needed: the service is served by its own backends",
		"plan 10.0.0.11 up 1, 10.0.0.12 up 1, 10.0.0.21 drain 0, 10.0.0.31 drain 0")
	w.down(a).quiet()
	w.down(b).says(
		"HF3003 backend 10.0.0.12:443 is down: HTTP 503 in 12 ms, wanted 200",
		"HF3001 backend 10.0.0.21:443 is up: HTTP 200 in 3 ms",
		"HF3010 service web is served by its backups: none of its own is up",
		"plan 10.0.0.11 down 0, 10.0.0.12 down 0, 10.0.0.21 up 1, 10.0.0.31 drain 0")
	w.down(spare).says(
		"HF3003 backend 10.0.0.21:443 is down: HTTP 503 in 12 ms, wanted 200",
		"HF3001 backend 10.0.0.31:80 is up: it has no checks",
		"HF3010 service web is served by its sorry backends: none of its own is up",
		"plan 10.0.0.11 down 0, 10.0.0.12 down 0, 10.0.0.21 down 0, 10.0.0.31 up 1")
	w.up(a).says(
		"HF3001 backend 10.0.0.11:443 is up: HTTP 200 in 3 ms",
		"HF3002 backend 10.0.0.31:80 gets no new flows: it is not needed: the service is served by its own backends",
		"HF3012 service web is served by its own backends",
		"plan 10.0.0.11 up 1, 10.0.0.12 down 0, 10.0.0.21 down 0, 10.0.0.31 drain 0")
}

func TestPool_Nobody(t *testing.T) {
	w := start(t, service(backend(a))).up(a).quiet()
	w.down(a).says(
		"HF3003 backend 10.0.0.11:443 is down: HTTP 503 in 12 ms, wanted 200",
		"HF3009 service web has no backend: new flows are refused",
		"plan 10.0.0.11 down 0")
}

func TestPool_Panic(t *testing.T) {
	s := service(backend(a), backend(b), backend(c, weight(2)))
	s.Panic = 50
	w := start(t, s).up(a, b, c).quiet()
	w.down(a, b).quiet() // 2 of 4 are left: not less than half
	if w.pool.mode != ModeOwn {
		t.Fatalf("served by %s", w.pool.mode)
	}
	w.up(a, b).down(c).quiet()
	w.down(a).says(
		"HF3003 backend 10.0.0.11:443 is down, and used all the same: HTTP 503 in 12 ms, wanted 200",
		"HF3003 backend 10.0.0.13:443 is down, and used all the same: HTTP 503 in 12 ms, wanted 200",
		"HF3011 service web is served by all its own backends, also those that are down: less than 50 % of the weight is up",
		"plan 10.0.0.11 up 1, 10.0.0.12 up 1, 10.0.0.13 up 2")
	w.down(b).says("HF3003 backend 10.0.0.12:443 is down, and used all the same: HTTP 503 in 12 ms, wanted 200")
	w.up(c).says(
		"HF3003 backend 10.0.0.11:443 is down: HTTP 503 in 12 ms, wanted 200",
		"HF3003 backend 10.0.0.12:443 is down: HTTP 503 in 12 ms, wanted 200",
		"HF3001 backend 10.0.0.13:443 is up: HTTP 200 in 3 ms",
		"HF3012 service web is served by its own backends",
		"plan 10.0.0.11 down 0, 10.0.0.12 down 0, 10.0.0.13 up 1")
}

// Where a backup works, nobody has to be used of whom a check says that it
// does not.
func TestPool_PanicOnlyWhereNothingWorks(t *testing.T) {
	s := service(backend(a), backend(b), backend(spare, isBackup))
	s.Panic = 10
	w := start(t, s).up(a, b, spare).down(a).quiet()
	w.down(b)
	if w.pool.mode != ModeBackups {
		t.Errorf("served by %s", w.pool.mode)
	}
	w.down(spare)
	if w.pool.mode != ModePanic {
		t.Errorf("served by %s", w.pool.mode)
	}
}

func TestPool_DrainToTheLastFlow(t *testing.T) {
	w := start(t, service(backend(a), backend(b))).up(a, b).quiet()
	w.step(Asked{Backend: a, Wish: WishDrain, By: "ann", Within: time.Minute}).says(
		"HF3002 backend 10.0.0.11:443 gets no new flows: it drains, asked by ann",
		"plan 10.0.0.11 drain 0, 10.0.0.12 up 1")
	w.counted(map[netip.AddrPort]uint64{a: 17, b: 4}).says()
	w.step(Counted{}).says() // one count may be older than the plan
	w.step(Counted{}).says("HF3006 backend 10.0.0.11:443 is drained: it has no flow left", "drained 10.0.0.11:443, 0 left")
	w.counted(nil).after(2 * time.Minute).says()
	w.down(a).says("HF3003 backend 10.0.0.11:443 is down: HTTP 503 in 12 ms, wanted 200", "plan 10.0.0.11 down 0, 10.0.0.12 up 1")
	w.up(a).says("HF3002 backend 10.0.0.11:443 gets no new flows: it drains, asked by ann", "plan 10.0.0.11 drain 0, 10.0.0.12 up 1")
	w.step(Asked{Backend: a}).says("HF3001 backend 10.0.0.11:443 is up: HTTP 200 in 3 ms", "plan 10.0.0.11 up 1, 10.0.0.12 up 1")
}

func TestPool_DrainThatIsLate(t *testing.T) {
	w := start(t, service(backend(a), backend(b), backend(c))).up(a, b, c)
	w.step(Asked{Backend: a, Wish: WishDrain, Within: time.Minute})
	w.step(Asked{Backend: b, Wish: WishDrain, Within: 2 * time.Minute, Cut: true}).counted(map[netip.AddrPort]uint64{a: 17, b: 4}).quiet()
	w.after(59 * time.Second).says()
	w.after(time.Second).says("HF3007 backend 10.0.0.11:443 has 17 flows left at the end of the time it was given to drain", "drained 10.0.0.11:443, 17 left")
	w.after(time.Minute).says(
		"HF3007 backend 10.0.0.12:443 has 4 flows left at the end of the time it was given to drain, and is taken down",
		"drained 10.0.0.12:443, 4 left",
		"HF3003 backend 10.0.0.12:443 is down: it is taken down",
		"plan 10.0.0.11 drain 0, 10.0.0.12 down 0, 10.0.0.13 up 1")
}

func TestPool_WeightsAtRunTime(t *testing.T) {
	w := start(t, service(backend(a), backend(b))).up(a, b).quiet()
	w.step(Weighed{Backend: a, Weight: 3, By: "ann"}).says(
		"HF3008 backend 10.0.0.11:443 has weight 3, it was 1, asked by ann", "plan 10.0.0.11 up 3, 10.0.0.12 up 1")
	w.step(Configured{service(backend(a, weight(7)), backend(b))}).says("plan 10.0.0.11 up 3, 10.0.0.12 up 1")
	w.step(Weighed{Backend: a, Reset: true}).says("HF3008 backend 10.0.0.11:443 has weight 7, it was 3", "plan 10.0.0.11 up 7, 10.0.0.12 up 1")
	w.step(Weighed{Backend: b, Weight: 0}).says(
		"HF3008 backend 10.0.0.12:443 has weight 0, it was 1",
		"HF3002 backend 10.0.0.12:443 gets no new flows: its weight is 0",
		"plan 10.0.0.11 up 1, 10.0.0.12 drain 0")
	w.step(Weighed{Backend: c, Weight: 1}).says("refused 10.0.0.13:443: service web has no backend 10.0.0.13:443")
}

func TestPool_SlowStart(t *testing.T) {
	s := service(backend(a), backend(b))
	s.SlowStart = 90 * time.Second
	w := start(t, s).up(a, b)
	w.says( // not when the pool itself starts
		"HF3001 backend 10.0.0.11:443 is up: HTTP 200 in 3 ms",
		"HF3001 backend 10.0.0.12:443 is up: HTTP 200 in 3 ms",
		"plan 10.0.0.11 up 1, 10.0.0.12 up 1")
	w.down(a).quiet().up(a).says(
		"HF3001 backend 10.0.0.11:443 is up: HTTP 200 in 3 ms; its weight grows over 1m30s",
		"plan 10.0.0.11 up 1, 10.0.0.12 up 10")
	w.after(9 * time.Second).says()
	w.after(time.Second).says("plan 10.0.0.11 up 1, 10.0.0.12 up 5")
	w.after(79 * time.Second).quiet()
	w.after(time.Second).says("plan 10.0.0.11 up 1, 10.0.0.12 up 1")
	if due := w.pool.Deadline(); !due.IsZero() {
		t.Errorf("a deadline at %v is left", due)
	}
}

func TestPool_Reload(t *testing.T) {
	w := start(t, service(backend(a), backend(b))).up(a, b).counted(map[netip.AddrPort]uint64{a: 5, b: 5}).quiet()
	ids := map[netip.AddrPort]uint32{}
	for _, target := range w.pool.Plan().Targets {
		ids[target.Addr] = target.ID
	}
	w.step(Configured{service(backend(b), backend(c))}).says(
		"HF3005 backend 10.0.0.13:443 is added",
		"HF3002 backend 10.0.0.13:443 gets no new flows: its checks have no result yet",
		"HF3004 backend 10.0.0.11:443 is removed, and keeps its flows until they end: it is configured no more",
		"plan 10.0.0.12 up 1, 10.0.0.13 drain 0, 10.0.0.11 removed 0")
	w.up(c).quiet()
	w.step(Asked{Backend: a, Wish: WishDrain}).says("refused 10.0.0.11:443: backend 10.0.0.11:443 is configured no more")
	// It comes back while it has flows, is the same, and goes for good.
	w.step(Configured{service(backend(a), backend(b), backend(c))}).says(
		"HF3001 backend 10.0.0.11:443 is up: HTTP 200 in 3 ms",
		"plan 10.0.0.11 up 1, 10.0.0.12 up 1, 10.0.0.13 up 1")
	for _, target := range w.pool.Plan().Targets {
		if was, ok := ids[target.Addr]; ok && was != target.ID {
			t.Errorf("%s has ID %d, it had %d", target.Addr, target.ID, was)
		}
	}
	w.step(Configured{service(backend(b), backend(c))}).counted(map[netip.AddrPort]uint64{a: 1}).quiet()
	w.counted(nil).says("HF3004 backend 10.0.0.11:443 is gone: its last flow has ended", "plan 10.0.0.12 up 1, 10.0.0.13 up 1")
}

func TestPool_RemovalByPolicy(t *testing.T) {
	for _, tt := range []struct {
		name              string
		onDown, onRemoved Policy
		down              bool
		want              string // the last record before the plan
	}{
		{"keep", Reset, Keep, false, "HF3004 backend 10.0.0.11:443 is removed, and keeps its flows until they end: it is configured no more"},
		{"reset", Keep, Reset, false, "HF3004 backend 10.0.0.11:443 is removed, and its flows are reset: it is configured no more"},
		{"rehash", Reset, Rehash, false, "HF3004 backend 10.0.0.11:443 is gone: its flows go to others"},
		{"was down, rehash", Rehash, Keep, true, "HF3004 backend 10.0.0.11:443 is gone: its flows go to others"},
		{"was down, reset", Reset, Rehash, true, "plan 10.0.0.12 up 1, 10.0.0.11 down 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := start(t, service(backend(a), backend(b))).up(a, b).counted(map[netip.AddrPort]uint64{a: 5})
			if tt.down {
				w.down(a)
			}
			w.quiet()
			s := service(backend(b))
			s.OnDown, s.OnRemoved = tt.onDown, tt.onRemoved
			if w.step(Configured{s}); w.said[0] != tt.want {
				t.Errorf("said %q, want %q", w.said, tt.want)
			}
		})
	}
}
