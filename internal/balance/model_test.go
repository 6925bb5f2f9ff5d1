package balance

import (
	"fmt"
	"math/rand"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// world makes events at random, of a seed or of bytes, and remembers what must
// come of them.
type world struct {
	r       func(n int) int
	service *Service
	ids     map[uint32]netip.AddrPort
	tables  map[*Plan]string
}

func addr(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), 443)
}

// configure draws a service of up to eight backends.
func (w *world) configure() *Service {
	var backends []Backend
	for i := range 8 {
		if w.r(3) > 0 {
			x := backend(addr(i), weight(uint16(w.r(4)*w.r(4))))
			switch w.r(6) {
			case 0:
				isBackup(&x)
			case 1:
				isSorry(&x)
			}
			backends = append(backends, x)
		}
	}
	s := service(backends...)
	s.Scheduler = Scheduler(w.r(5))
	s.OnDown, s.OnRemoved = Policy(w.r(3)), Policy(w.r(3))
	s.Panic = uint8(w.r(3) * 30)
	s.SlowStart = time.Duration(w.r(2)*w.r(100)) * time.Second
	w.service = s
	return s
}

func (w *world) event() Event {
	x := addr(w.r(8))
	switch w.r(12) {
	case 0:
		return Configured{w.configure()}
	case 1:
		wish := Wish(w.r(3))
		return Asked{Backend: x, Wish: wish, Within: time.Duration(w.r(2)*w.r(60)) * time.Second, Cut: w.r(2) == 0}
	case 2:
		return Weighed{Backend: x, Weight: uint16(w.r(5)), Reset: w.r(2) == 0}
	case 3, 4:
		flows := map[uint32]Usage{}
		for id := range w.ids {
			flows[id] = Usage{Flows: uint64(w.r(2) * w.r(9))}
		}
		return Counted{flows}
	case 5:
		return Reached{}
	default:
		to := check.State(w.r(3))
		worth := check.Worth{Share: w.r(120), Shared: w.r(6) == 0}
		return Checked{Check: "https@" + x.String(), Change: check.Change{To: to, Text: "looked", Worth: worth}}
	}
}

// walk takes a pool and one that follows it through events, and checks what
// is always true.
func walk(t *testing.T, r func(n int) int, steps int) {
	w := &world{r: r, ids: map[uint32]netip.AddrPort{}, tables: map[*Plan]string{}}
	holder := start(t, w.configure())
	follower := start(t, w.service)
	last := uint64(0)
	for range steps {
		ev := w.event()
		holder.step(ev)
		if _, ok := ev.(Configured); ok {
			follower.step(ev)
		}
		for _, act := range holder.last {
			if act.Kind != ActionPlan {
				continue
			}
			if act.Plan.Generation <= last {
				t.Fatalf("generation %d after %d", act.Plan.Generation, last)
			}
			last = act.Plan.Generation
			w.remember(t, act.Plan)
		}
		holder.after(time.Duration(r(20)) * time.Second)
		follower.now = holder.now
		if holder.pool.Plan() == nil {
			continue
		}
		w.truths(t, holder.pool)
		follower.step(Followed{holder.pool.View()})
		if len(w.service.Backends) > 0 && follower.pool.Plan().Digest() != holder.pool.Plan().Digest() {
			t.Fatalf("the follower has %s\nof a holder with %s", summary(follower.pool.Plan()), summary(holder.pool.Plan()))
		}
	}
	w.converges(t, holder)
	for p, was := range w.tables {
		if is := fmt.Sprint(p.Targets, p.Generation, len(p.Table)); is != was {
			t.Fatalf("a plan was changed after it was given: %s, it was %s", is, was)
		}
	}
}

// remember keeps what a plan was, and that an ID is of one address for ever.
func (w *world) remember(t *testing.T, p *Plan) {
	w.tables[p] = fmt.Sprint(p.Targets, p.Generation, len(p.Table))
	for _, target := range p.Targets {
		if was, ok := w.ids[target.ID]; ok && was != target.Addr {
			t.Fatalf("ID %d is of %s, it was of %s", target.ID, target.Addr, was)
		}
		w.ids[target.ID] = target.Addr
	}
}

// truths are about the pool as it is now: who is named, and by whose leave.
func (w *world) truths(t *testing.T, pool *Pool) {
	for i, m := range pool.members {
		target := pool.plan.Targets[i]
		up := target.State == Up
		switch {
		case up && (m.removed || m.wish != WishNone || m.configured() == 0):
			t.Fatalf("%s is used although it is removed, unwanted or without weight", m.Addr)
		case up && m.health != Healthy && pool.mode != ModePanic && pool.mode != ModeUntried:
			t.Fatalf("%s is used although it is %s", m.Addr, m.health)
		case up && m.Sorry && pool.mode != ModeSorry, up && m.Backup && !m.Sorry && pool.mode != ModeBackups:
			t.Fatalf("backup %s is used while the service is served by %s", m.Addr, pool.mode)
		case !m.removed && !slices.ContainsFunc(w.service.Backends, func(b Backend) bool { return b.Addr == m.Addr }):
			t.Fatalf("%s is a member, not configured, and not removed", m.Addr)
		}
	}
	if len(pool.plan.Table) == 0 && len(only(pool.who(func(m *member) bool { return !m.Backup && !m.Sorry }), Healthy)) > 0 {
		t.Fatal("nobody is used although somebody is up")
	}
}

// converges: when every check is up, operators want nothing, all flows have
// ended and time has passed, the pool is as its file says.
func (w *world) converges(t *testing.T, holder *bench) {
	for i := range 8 {
		holder.up(addr(i))
		holder.step(Asked{Backend: addr(i)}).step(Weighed{Backend: addr(i), Reset: true})
	}
	holder.counted(nil).after(time.Hour)
	if due := holder.pool.Deadline(); !due.IsZero() {
		t.Fatalf("a deadline at %v is left", due)
	}
	fresh := start(t, w.service)
	for i := range 8 {
		fresh.up(addr(i))
	}
	fresh.after(time.Hour)
	if got, want := summary(holder.pool.Plan()), summary(fresh.pool.Plan()); got != want {
		t.Fatalf("it came to %s, a new one to %s", got, want)
	}
}

func TestPool_AnyEventsInAnyOrder(t *testing.T) {
	for n := range 30 {
		t.Run(fmt.Sprintf("seed %d", n), func(t *testing.T) {
			walk(t, rand.New(rand.NewSource(int64(n))).Intn, 200)
		})
	}
}

func FuzzPool(f *testing.F) {
	f.Add([]byte("a walk through a pool of backends that come and go, 0123456789"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		at := 0
		draw := func(n int) int {
			if at >= len(raw) {
				return 0
			}
			at++
			return int(raw[at-1]) % n
		}
		walk(t, draw, min(len(raw)/3, 60))
	})
}
