package engine

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/fence"
	"github.com/holdfast-net/holdfast/internal/group"
	"github.com/holdfast-net/holdfast/internal/lease"
	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/vrrp"
)

// warden is a node's agents: it writes down what they are asked for, and they
// end as the test says.
type warden struct {
	mu   sync.Mutex
	n    *testNode
	runs []fence.Action
}

func (w *warden) Do(acts []fence.Action) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range acts {
		if a.Kind == fence.ActionRun {
			w.runs = append(w.runs, a)
		}
	}
}

// asked lists what they were asked for.
func (w *warden) asked() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, r := range w.runs {
		out = append(out, fmt.Sprintf("%s %s by %s", r.Op, r.Node, r.Device))
	}
	return strings.Join(out, ", ")
}

// ends ends the last run.
func (w *warden) ends(ok bool, text string) {
	w.mu.Lock()
	run := w.runs[len(w.runs)-1].Run
	w.mu.Unlock()
	w.n.engine.FenceRan(fence.Ran(run, ok, text))
	time.Sleep(10 * time.Millisecond)
}

// guards has a node's agents answer to a warden.
func guards(n *testNode) *warden {
	w := &warden{n: n}
	n.engine.opt.Agents = w
	return w
}

// fencedConfig is a node's file whose group fences: lb1 and lb2 each have a
// device that fails and one that does not.
func fencedConfig(priority uint8, edit ...func(*config.Config)) *config.Config {
	cfg := webConfig(priority, func(g *config.Group) {
		g.Fence.Agents = true
		g.VRRP.Auth.HMAC = &config.HMAC{Active: 1, Keys: map[uint8]config.Secret{1: config.NewSecret(forgedKey)}, Window: time.Minute}
	})
	cfg.Fence = &config.Fence{Devices: []config.FenceDevice{
		{Name: "ipmi", Action: "off", Timeout: time.Minute}, {Name: "pdu", Action: "off", Timeout: time.Minute},
	}}
	for _, name := range []string{"lb1", "lb2"} {
		cfg.Fence.Nodes = append(cfg.Fence.Nodes, config.FenceNode{Name: name, Levels: [][]string{{"ipmi"}, {"pdu"}}})
	}
	for _, f := range edit {
		f(cfg)
	}
	return cfg
}

// wards are two nodes with such files; lb1 holds.
func wards(t *testing.T, edit ...func(*config.Config)) (a, b *testNode, wa, wb *warden) {
	t.Helper()
	_, a, b = pair(t)
	wa, wb = guards(a), guards(b)
	a.start(t, fencedConfig(150, edit...))
	b.start(t, fencedConfig(100, edit...))
	time.Sleep(8 * time.Second)
	if !a.answers(vip) {
		t.Fatalf("lb1 does not hold: %v", a.story())
	}
	if got := wa.asked() + wb.asked(); got != "" {
		t.Fatalf("%s, and nobody is lost", got)
	}
	return a, b, wa, wb
}

// shows is what a node knows of the fencing of another one.
func (n *testNode) shows(t *testing.T, node string) fence.View {
	t.Helper()
	f, err := n.engine.Fencing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(f.Nodes, func(v fence.View) bool { return v.Node == node })
	if i < 0 {
		t.Fatalf("%s does not know %s", n.name, node)
	}
	return f.Nodes[i]
}

func TestFence_ComesBeforeTheHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, _, wb := wards(t)
		a.setCut(true)
		time.Sleep(10 * time.Second)
		if got := wb.asked(); got != "off lb1 by ipmi" {
			t.Fatalf("asked for %q", got)
		}
		wb.ends(false, "no route")
		if got := wb.asked(); got != "off lb1 by ipmi, off lb1 by pdu" || b.answers(vip) {
			t.Fatalf("asked for %q; lb2 answers: %t", got, b.answers(vip))
		}
		time.Sleep(10 * time.Second)
		if b.answers(vip) {
			t.Fatal("lb2 did not wait")
		}
		wb.ends(true, "")
		time.Sleep(100 * time.Millisecond)
		if !b.answers(vip) {
			t.Errorf("lb2 does not hold: %v", b.story())
		}
		if v := b.shows(t, "lb1"); v.State != fence.Fenced || v.Fenced != "off by pdu" {
			t.Errorf("lb1: %+v", v)
		}
		a.setCut(false)
		time.Sleep(5 * time.Second)
		if v := b.shows(t, "lb1"); v.State != fence.Resting {
			t.Errorf("heard again, lb1 is %s", v.State)
		}
		a.stop(t)
		b.stop(t)
	})
}

// Who lets go in order is not fenced: in a handover, at its end, and when it
// comes back.
func TestFence_IsNotForWhoLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, wa, wb := wards(t)
		for _, n := range []*testNode{a, b} {
			if res, err := n.engine.Handover(t.Context(), "web", ""); err != nil || !res.OK {
				t.Fatalf("%+v, %v", res, err)
			}
			time.Sleep(5 * time.Second)
		}
		a.link(false, "no carrier") // nobody hears why
		time.Sleep(time.Millisecond)
		a.link(true, "")
		time.Sleep(10 * time.Second)
		a.stop(t)
		time.Sleep(5 * time.Second)
		if got := wa.asked() + wb.asked(); got != "" || !b.answers(vip) {
			t.Errorf("asked for %q; lb2: %v", got, b.story())
		}
		b.stop(t)
	})
}

// Nobody can hide a lost holder by saying in its name that it has let go: not
// without the key, nor by repeating what it once said.
func TestFence_AForgedYieldHidesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, _, wb := wards(t)
		var words []Outgoing
		a.lan.mu.Lock()
		for i, o := range a.lan.sent {
			if kind, err := peer.KindOf(o.Data); a.lan.from[i] == "lb1" && o.Kind == Message && err == nil && kind == peer.KindRest {
				words = append(words, o) // from before it held
			}
		}
		a.lan.mu.Unlock()
		if len(words) == 0 {
			t.Fatal("lb1 never said that it rests")
		}
		a.setCut(true)
		now := time.Now()
		for _, kind := range []peer.Kind{peer.KindRest, peer.KindYield, peer.KindNext} {
			c := peer.Call{Kind: kind, Family: vrrp.IPv4, VRID: 51, From: "lb1", To: "lb2", Sent: now}
			words = append(words, Outgoing{Kind: Message, Data: c.Append(nil, peer.Key{})})
		}
		h := peer.Hello{Family: vrrp.IPv4, From: "lb1", Sent: now, Entries: []peer.Entry{{VRID: 51, State: uint8(group.Backup), Priority: 150}}}
		words = append(words, Outgoing{Kind: Message, Data: h.Append(nil)})
		for _, o := range words {
			o.Src, o.Dst = a.addr4, vrrp.Group4
			b.deliver(o)
		}
		time.Sleep(10 * time.Second)
		if got := wb.asked(); got != "off lb1 by ipmi" || b.answers(vip) {
			t.Errorf("asked for %q; lb2 answers: %t", got, b.answers(vip))
		}
		wb.ends(true, "")
		b.stop(t)
		a.stop(t)
	})
}

// A holder that is heard again before its turn comes is not fenced.
func TestFence_IsCalledOffForWhoIsHeardAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, _, wb := wards(t, func(cfg *config.Config) { cfg.Fence.Priority = 20 * time.Second })
		a.setCut(true)
		time.Sleep(10 * time.Second)
		if v := b.shows(t, "lb1"); v.State != fence.Waiting || !slices.Equal(v.Waiting, []string{"web"}) {
			t.Fatalf("lb1: %+v", v)
		}
		a.setCut(false)
		time.Sleep(time.Minute)
		if got := wb.asked(); got != "" || b.answers(vip) {
			t.Errorf("asked for %q; lb2: %v", got, b.story())
		}
		if v := b.shows(t, "lb1"); v.State != fence.Resting {
			t.Errorf("lb1 is %s", v.State)
		}
		a.stop(t)
		b.stop(t)
	})
}

// When no level succeeds the group is in fault, until a person says that the
// node is off.
func TestFence_APersonsWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, _, wb := wards(t)
		a.setCut(true)
		time.Sleep(10 * time.Second)
		wb.ends(false, "no route")
		wb.ends(false, "no outlet")
		if got := b.story(); got[len(got)-1] != "web backup->fault" {
			t.Errorf("lb2: %v", got)
		}
		if v := b.shows(t, "lb1"); !strings.Contains(v.Failure, "no outlet") {
			t.Errorf("lb1: %+v", v)
		}
		time.Sleep(5 * time.Second)
		if got := wb.asked(); b.answers(vip) || !strings.HasSuffix(got, "by pdu, off lb1 by ipmi") {
			t.Errorf("asked for %q; lb2 answers: %t", got, b.answers(vip))
		}
		if res, err := b.engine.FenceConfirm(t.Context(), "lb1", "root"); err != nil || !res.OK {
			t.Fatalf("%+v, %v", res, err)
		}
		time.Sleep(10 * time.Second)
		if !b.answers(vip) {
			t.Errorf("lb2 does not hold: %v", b.story())
		}
		b.stop(t)
		a.stop(t)
	})
}

// Who was never heard may have been cut off before this process began, but is
// given the time to say a word.
func TestFence_ANodeThatWasNeverHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, b := pair(t)
		wb := guards(b)
		b.start(t, fencedConfig(100, func(cfg *config.Config) { cfg.Groups[0].VRRP.Interval = 100 * time.Millisecond }))
		time.Sleep(peer.Expiry - 100*time.Millisecond)
		if got := wb.asked(); got != "" {
			t.Fatalf("asked for %q at once", got)
		}
		time.Sleep(time.Second)
		if got := wb.asked(); got != "off lb1 by ipmi" || b.answers(vip) {
			t.Fatalf("asked for %q; lb2 answers: %t", got, b.answers(vip))
		}
		wb.ends(true, "")
		time.Sleep(100 * time.Millisecond)
		if !b.answers(vip) {
			t.Errorf("lb2 does not hold: %v", b.story())
		}
		b.stop(t)
	})
}

func TestFence_ByAnOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, _, wb := wards(t)
		for node, want := range map[string]string{"lb9": "no node lb9", "lb2": "does not fence itself"} {
			if res, err := b.engine.Fence(t.Context(), node, "root"); err != nil || res.OK || !strings.Contains(res.Text, want) {
				t.Errorf("%s: %+v, %v", node, res, err)
			}
		}
		if res, err := b.engine.FenceConfirm(t.Context(), "lb2", "root"); err != nil || res.OK {
			t.Errorf("confirmed itself: %+v, %v", res, err)
		}
		done := make(chan CommandResult)
		for range 2 { // who asks for the same waits for the same
			go func() {
				res, _ := b.engine.Fence(t.Context(), "lb1", "root")
				done <- res
			}()
		}
		time.Sleep(time.Millisecond)
		if v := b.shows(t, "lb1"); v.State != fence.Running || len(v.Waiting) != 2 {
			t.Errorf("lb1: %+v", v)
		}
		// What runs goes on by the old file.
		cfg := fencedConfig(100, func(cfg *config.Config) { cfg.Fence.Nodes[0].Levels = [][]string{{"pdu"}} })
		cfg.Node = "lb2"
		if err := b.engine.Apply(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		wb.ends(true, "")
		for range 2 {
			if res := <-done; !res.OK || res.Text != "lb1 is fenced: off by ipmi" {
				t.Errorf("%+v", res)
			}
		}
		time.Sleep(10 * time.Second)
		if v := b.shows(t, "lb1"); len(v.Levels) != 1 {
			t.Errorf("the new file is not used: %+v", v)
		}
		a.stop(t)
		b.stop(t)
	})
}

// With a lease the record says who is to be fenced, and forgets it then.
func TestFence_TheHolderOfALease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fenced := func(priority int) *config.Config {
			cfg := leased(priority)
			cfg.Groups[0].Fence.Agents = true
			cfg.Fence = fencedConfig(1).Fence
			cfg.Fence.Nodes[0].Name, cfg.Fence.Nodes[1].Name = "a", "b"
			return cfg
		}
		l, r := &testLAN{}, &register{found: lease.Found{Revision: lease.Absent}}
		a, b := l.node(t, "a", "192.0.2.1", "fe80::1"), l.node(t, "b", "192.0.2.2", "fe80::2")
		wb := guards(b)
		a.engine.opt.Leases, b.engine.opt.Leases = registerFor{r, "a"}, registerFor{r, "b"}
		a.start(t, fenced(150))
		time.Sleep(3 * time.Second)
		b.start(t, fenced(100))
		time.Sleep(3 * time.Second)
		if r.holder().Holder != "a" || wb.asked() != "" {
			t.Fatalf("%+v holds; asked for %q", r.holder(), wb.asked())
		}
		thaw := a.freeze()
		time.Sleep(5 * time.Second)
		if got := r.holder(); got.Holder != "b" || got.Owed != "a" || wb.asked() != "off a by ipmi" || b.answers("192.0.2.100") {
			t.Fatalf("%+v; asked for %q; b answers: %t", got, wb.asked(), b.answers("192.0.2.100"))
		}
		wb.ends(true, "")
		time.Sleep(2 * time.Second)
		if got := r.holder(); got.Holder != "b" || got.Owed != "" || !b.answers("192.0.2.100") {
			t.Errorf("%+v; b answers: %t", got, b.answers("192.0.2.100"))
		}
		thaw()
		a.stop(t)
		b.stop(t)
	})
}
