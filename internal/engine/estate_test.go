package engine

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-net/holdfast/internal/fence"
)

// What becomes of every field in another process. A new field has to be said
// something of here: whether it is in the Estate, or why it need not be.
var (
	unitInherited = map[string]string{
		"id": "of this process", "set": "carried", "groups": "from the file", "print": "from the file", "routers": "carried",
		"started": "it has", "retiring": "it is not still", "subject": "from the file", "voted": "from the file", "gateway": "asked anew",
		"lease": "carried", "apart": "tried anew", "tries": "tried anew", "former": "carried", "deadline": "planned anew", "at": "planned anew",
		"steps": "carried", "secure": "it is not still", "words": "carried", "begun": "by another process", "failed": "it is not still", "epoch": "carried",
		"mandate": "carried", "bound": "sessions begin anew", "paths": "sessions begin anew", "waiters": "it is not still",
	}
	routerInherited = map[string]string{
		"unit": "of this process", "index": "from the file", "group": "from the file", "cfg": "from the file", "port": "opened anew", "addrs": "from the file",
		"src": "from the interface", "mac": "carried", "virtual": "carried", "why": "carried", "slot": "carried", "keeper": "carried",
		"prepared": "carried", "kept": "says so", "preparing": "prepared anew", "answers": "told anew", "trouble": "prepared anew", "retry": "prepared anew",
		"key": "from the file", "table": "carried", "calls": "carried", "notices": "a few more",
	}
	fencingInherited = map[string]string{
		"dog": "its device shows it", "watchdog": "from the file", "fencer": "carried", "file": "from the file", "next": "from the file", "rand": "by chance",
		"asked": "nobody waits", "units": "it is not still", "look": "looked for anew", "stuck": "carried", "words": "carried", "wait": "nobody waits",
	}
)

func TestEstate_EveryFieldHasAFate(t *testing.T) {
	for _, x := range []struct {
		of   any
		fate map[string]string
	}{{unit{}, unitInherited}, {router{}, routerInherited}, {fencing{}, fencingInherited}} {
		typ := reflect.TypeOf(x.of)
		for i := range typ.NumField() {
			if name := typ.Field(i).Name; x.fate[name] == "" {
				t.Errorf("%s.%s: what becomes of it in another process?", typ.Name(), name)
			}
		}
		if typ.NumField() != len(x.fate) {
			t.Errorf("%s has %d fields, and %d have a fate", typ.Name(), typ.NumField(), len(x.fate))
		}
	}
}

// What a process would leave that has just inherited is what it was left: of who
// is fenced, who has let go, who has called, and what is held.
func TestEstate_IsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, _, wb := wards(t)
		if res, err := a.engine.Handover(t.Context(), "web", ""); err != nil || !res.OK { // lb1 has called
			t.Fatalf("%+v, %v", res, err)
		}
		time.Sleep(5 * time.Second)
		go func() { _, _ = b.engine.Fence(t.Context(), "lb1", "root") }()
		time.Sleep(time.Millisecond)
		if why := unstillNow(t, b); why != "a node is being fenced" {
			t.Errorf("while an agent runs: %q", why)
		}
		wb.ends(true, "")
		a.setCut(true)
		if _, err := b.engine.FenceConfirm(t.Context(), "lb1", "root"); err != nil {
			t.Fatal(err)
		}
		b.engine.Post(func(time.Time) { b.engine.fencing.stuck = true })
		left := passed(t, b)
		if why := unstillNow(t, b); why != "" {
			t.Errorf("it is not still: %s", why)
		}
		word, fenced := left.Fencing.Words["web"]["lb1"], left.Fencing.Fencer.Nodes[0]
		if !word.Rests || len(word.Addrs) == 0 || fenced.Fenced != "confirmed by root" || len(left.Units[0].Routers[0].Calls) != 1 {
			t.Fatalf("%+v, %+v, %+v", word, fenced, left.Units[0].Routers[0].Calls)
		}
		next := a.lan.node(t, "lb2", "192.0.2.2", "fe80::2")
		guards(next)
		go func() { next.finished <- next.engine.Run(t.Context()) }()
		next.link(true, "")
		cfg := fencedConfig(100)
		cfg.Node = "lb2"
		if err := next.engine.Inherit(t.Context(), cfg, left, func() {}); err != nil {
			t.Fatal(err)
		}
		now := passed(t, next)
		ignored := cmp.FilterPath(func(p cmp.Path) bool { // what goes on with time
			for _, name := range []string{".Drawn", ".Stamped", ".Age", ".NextIn", ".Sent", ".Set.", ".Keeper", ".Index"} {
				if strings.Contains(p.GoString(), name) {
					return true
				}
			}
			return false
		}, cmp.Ignore())
		if diff := cmp.Diff(left, now, ignored, cmpopts.EquateComparable(), cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
			t.Errorf("left and passed on (-left +passed on):\n%s", diff)
		}
		if v := next.shows(t, "lb1"); v.State != fence.Fenced || v.Last.Text != "confirmed by root" {
			t.Errorf("lb1: %+v", v)
		}
		if !next.answers(vip) && now.Units[0].Set.State != left.Units[0].Set.State {
			t.Errorf("it is %s, and was %s", now.Units[0].Set.State, left.Units[0].Set.State)
		}
		next.engine.Stop("the test ends")
		<-next.finished
		b.stop(t)
		a.stop(t)
	})
}

// passed is a node's estate after its way to another process.
func passed(t *testing.T, n *testNode) *Estate {
	t.Helper()
	es, err := n.engine.Draft(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(es)
	if err != nil {
		t.Fatal(err)
	}
	out := &Estate{}
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func unstillNow(t *testing.T, n *testNode) string {
	t.Helper()
	why, err := Ask(t.Context(), n.engine, func(_ time.Time, answer func(string)) { answer(n.engine.unstill()) })
	if err != nil {
		t.Fatal(err)
	}
	return why
}
