package pools

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/check"
)

var (
	a = netip.MustParseAddrPort("10.0.0.11:80")
	b = netip.MustParseAddrPort("10.0.0.12:80")
)

// plane keeps what it is given.
type plane struct {
	mu     sync.Mutex
	err    error
	plans  map[string]*balance.Plan
	given  int
	opened int
	closed int
	flows  map[uint32]balance.Usage
}

func (p *plane) Apply(plans []*balance.Plan) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.given++
	p.plans = map[string]*balance.Plan{}
	for _, x := range plans {
		p.plans[x.Service.Name] = x
	}
	return p.err
}

func (p *plane) Usage(string) (map[uint32]balance.Usage, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.flows, p.err
}

func (p *plane) Close(keep bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed++; !keep {
		p.plans = nil
	}
	return nil
}

func (p *plane) open() (balance.Plane, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opened++
	if errors.Is(p.err, balance.ErrGone) {
		p.err = nil // another one
	}
	return p, nil
}

// to is the backends that new flows of a service go to.
func (p *plane) to(service string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	plan := p.plans[service]
	if plan == nil {
		return "not served"
	}
	var out []string
	for _, t := range plan.Targets {
		if t.State == balance.Up {
			out = append(out, t.Addr.String())
		}
	}
	return strings.Join(out, " ")
}

func newService(name string, how balance.Forward) *balance.Service {
	return &balance.Service{
		Name: name, Forward: how, Scheduler: balance.RoundRobin, TableSize: 251,
		Backends: []balance.Backend{{Addr: a, Weight: 1, Checks: []string{name + "/a"}}, {Addr: b, Weight: 1, Checks: []string{name + "/b"}}},
	}
}

// bench runs pools in a bubble, with what they recorded.
type bench struct {
	*testing.T
	*Pools
	kernel, proxy plane
	records       []Record
	placed, notOn []string
}

func inBubble(t *testing.T, f func(x *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		x := &bench{T: t}
		x.Pools = New(Options{
			Kernel: x.kernel.open, Proxy: x.proxy.open, Record: func(r Record) { x.records = append(x.records, r) },
			Placed: func(services, notOn []string) { x.placed, x.notOn = services, notOn },
		})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); x.Pools.Run(ctx) }()
		defer func() { stop(); <-done }()
		f(x)
	})
}

func (x *bench) apply(services ...*balance.Service) {
	x.Helper()
	var wanted []Wanted
	for _, s := range services {
		wanted = append(wanted, Wanted{Service: s})
	}
	if err := x.Apply(x.Context(), wanted); err != nil {
		x.Fatal(err)
	}
	synctest.Wait()
}

func (x *bench) checked(name string, to check.State) {
	x.Checked(name, check.Change{To: to, Text: "as the test says"})
	synctest.Wait()
}

func TestPools_ServeWhatIsUp(t *testing.T) {
	inBubble(t, func(x *bench) {
		x.apply(newService("web", balance.NAT), newService("mail", balance.Proxy))
		if x.kernel.given+x.proxy.given != 0 {
			t.Error("a plan before anybody was looked at")
		}
		x.checked("web/a", check.Up)
		x.checked("web/b", check.Down)
		if got := x.kernel.to("web"); got != a.String() {
			t.Errorf("web goes to %q", got)
		}
		if got := x.proxy.to("mail"); got != "not served" {
			t.Errorf("mail goes to %q, before anybody was looked at", got)
		}
		time.Sleep(balance.Settle)
		synctest.Wait()
		if got := x.proxy.to("mail"); got != a.String()+" "+b.String() {
			t.Errorf("mail goes to %q, as nobody is known to be up", got)
		}
		x.checked("mail/b", check.Up)
		if got := x.proxy.to("mail"); got != b.String() {
			t.Errorf("mail goes to %q", got)
		}
		if got := x.kernel.to("mail") + x.proxy.to("web"); got != "not servednot served" {
			t.Error("a plane has a service of the other one")
		}
		// What is known of checks stays over a reload; a service that is gone
		// is served no more.
		more := newService("more", balance.NAT)
		more.Backends[0].Checks, more.Backends[1].Checks = []string{"web/a"}, []string{"web/b"}
		x.apply(newService("web", balance.NAT), more)
		if got := x.kernel.to("more"); got != a.String() {
			t.Errorf("more goes to %q", got)
		}
		if got := x.proxy.to("mail"); got != "not served" {
			t.Errorf("mail goes to %q, and it is not configured", got)
		}
	})
}

func TestPools_ObeyOperators(t *testing.T) {
	inBubble(t, func(x *bench) {
		x.apply(newService("web", balance.NAT))
		x.checked("web/a", check.Up)
		x.checked("web/b", check.Up)
		ask := func(service string, ev balance.Event) string {
			t.Helper()
			if err := x.Ask(x.Context(), service, ev); err != nil {
				return err.Error()
			}
			synctest.Wait()
			return ""
		}
		if e := ask("web", balance.Asked{Backend: a, Wish: balance.WishDrain, By: "ops"}); e != "" {
			t.Fatal(e)
		}
		if got := x.kernel.to("web"); got != b.String() {
			t.Errorf("web goes to %q", got)
		}
		v, err := x.Snapshot(x.Context())
		if err != nil || len(v) != 1 {
			t.Fatal(v, err)
		}
		row, _ := v[0].Row(a)
		if row.State != balance.Drain || row.Why != "it drains, asked by ops" {
			t.Errorf("%v: %s", row.State, row.Why)
		}
		// It is drained when the plane has counted no flow.
		x.kernel.mu.Lock()
		x.kernel.flows = map[uint32]balance.Usage{row.ID: {Flows: 7}}
		x.kernel.mu.Unlock()
		time.Sleep(2 * count)
		synctest.Wait()
		if v, _ = x.Snapshot(x.Context()); v[0].Usage[row.ID].Flows != 7 {
			t.Errorf("usage %+v", v[0].Usage)
		}
		x.kernel.mu.Lock()
		x.kernel.flows = nil
		x.kernel.mu.Unlock()
		time.Sleep(4 * count)
		synctest.Wait()
		if last := x.records[len(x.records)-1]; last.Code != balance.CodeDrained || last.Backend != a || last.Service != "web" {
			t.Errorf("the last record is %+v", last)
		}
		var refused *Refused
		err = x.Ask(x.Context(), "web", balance.Asked{Backend: netip.MustParseAddrPort("10.0.0.99:80"), Wish: balance.WishDrain})
		if !errors.As(err, &refused) || refused.Reason != "service web has no backend 10.0.0.99:80" {
			t.Errorf("a backend that is none: %v", err)
		}
		if e := ask("wbe", balance.Weighed{Backend: a, Weight: 5}); e != "there is no service wbe" {
			t.Errorf("a service that is none: %q", e)
		}
	})
}

func TestPools_TryAgain(t *testing.T) {
	inBubble(t, func(x *bench) {
		x.proxy.err = errors.New("cannot serve web: the address is taken")
		x.apply(newService("web", balance.Proxy))
		x.checked("web/a", check.Up)
		x.checked("web/b", check.Up)
		time.Sleep(20 * time.Second)
		var told int
		for _, r := range x.records {
			if r.Code == CodePlane {
				told++
			}
		}
		if told != 1 || x.proxy.given < 4 || x.proxy.given > 8 {
			t.Errorf("told %d times, tried %d times in twenty seconds", told, x.proxy.given)
		}
		x.proxy.mu.Lock()
		x.proxy.err = nil
		x.proxy.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		if last := x.records[len(x.records)-1]; last.Reason != "all services are served again" {
			t.Errorf("the last record is %+v", last)
		}
	})
}

// A plane whose process is gone is opened again, and gets all plans.
func TestPools_OpenAnotherPlane(t *testing.T) {
	inBubble(t, func(x *bench) {
		x.apply(newService("web", balance.Proxy))
		x.checked("web/a", check.Up)
		x.checked("web/b", check.Up)
		if x.proxy.opened != 1 {
			t.Fatalf("opened %d times", x.proxy.opened)
		}
		x.proxy.mu.Lock()
		x.proxy.err, x.proxy.plans = balance.ErrGone, nil
		x.proxy.mu.Unlock()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if told := x.records[len(x.records)-1]; told.Code != CodePlane {
			t.Errorf("the last record is %+v", told)
		}
		if x.proxy.opened != 2 || x.proxy.to("web") != a.String()+" "+b.String() {
			t.Errorf("opened %d times; web goes to %q", x.proxy.opened, x.proxy.to("web"))
		}
	})
}

// One service that the kernel refuses keeps no other waiting, nor does one
// interface.
func TestPools_TellWhatIsPlaced(t *testing.T) {
	inBubble(t, func(x *bench) {
		x.kernel.err = errors.Join(&balance.NotServed{Service: "web", Why: errors.New("odd")}, &balance.NotOn{Interface: "eth1", Why: errors.New("odd")})
		x.apply(newService("web", balance.NAT), newService("dns", balance.FullNAT))
		for _, name := range []string{"web/a", "web/b", "dns/a", "dns/b"} {
			x.checked(name, check.Up)
		}
		if got, want := strings.Join(x.placed, " ")+" but "+strings.Join(x.notOn, " "), "dns but eth1"; got != want {
			t.Errorf("placed %s, want %s", got, want)
		}
		x.kernel.err = errors.New("nothing at all")
		x.placed = nil
		x.checked("web/a", check.Down)
		if x.placed != nil {
			t.Errorf("placed %v when nothing is known of any", x.placed)
		}
	})
}
