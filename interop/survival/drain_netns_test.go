package survival

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/interop/survival/load"
)

// change is something that an operator does to a backend under load.
type change struct {
	name    string
	do      func(p *holdfast) error
	without bool // the first backend gets nothing new after it
}

var changes = []change{
	{"drained", func(p *holdfast) error { return p.backend("drain") }, true},
	{"up again", func(p *holdfast) error { return p.backend("up") }, false},
	{"of another weight", func(p *holdfast) error { return p.backend("weight", "7") }, false},
	{"of weight 0", func(p *holdfast) error { return p.backend("weight", "0") }, true},
	{"of its own weight", func(p *holdfast) error { return p.backend("weight", "1") }, false},
	{"removed", func(p *holdfast) error { return p.keep(1) }, true},
	{"added", func(p *holdfast) error { return p.keep(0) }, false},
}

// backend tells the holder what becomes of the first one, and the other node goes by
// it. A drain does not wait for the connections that stay open until the end of the
// test.
func (p *holdfast) backend(word string, further ...string) error {
	args := append([]string{"backends", word, "web", netip.AddrPortFrom(firstIn, p.port()).String()}, further...)
	if word != "drain" {
		return p.command(0, args...)
	}
	err := p.command(0, append(args, "--within", "300ms")...)
	if err != nil && strings.Contains(err.Error(), "left after") {
		return nil
	}
	return err
}

// keep reloads both nodes with all backends but the first so many.
func (p *holdfast) keep(from int) error {
	p.removed = from
	for i, n := range p.nodes {
		if err := n.Write(p.file(i)); err != nil {
			return err
		}
		if err := p.command(i, "reload"); err != nil {
			return err
		}
	}
	return nil
}

// TestBackends changes backends under load. Nothing that exists is touched, and
// no request fails; one that drains or is removed gets nothing new.
func TestBackends(t *testing.T) {
	for _, c := range contenders {
		if c.service.Forward == "" || *whoFlag == "" && c.name != "full-nat" && c.name != "proxy" || !c.chosen() {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			s := site(t)
			p := c.pair(t, s).(*holdfast)
			l := Load{Connections: *connectionsFlag, Idle: *connectionsFlag / 10, Downloads: 4, Every: *everyFlag / 2, Rate: 2 * *rateFlag}
			r := &run{site: s, pair: p, load: l}
			defer func() {
				if err := r.close(); err != nil {
					t.Error(err)
				}
				if t.Failed() {
					t.Log(p.Logs())
				}
			}()
			if err := r.begin(); err != nil {
				t.Fatal(err)
			}
			for _, ch := range changes {
				e, err := r.change(p, ch)
				if err != nil {
					t.Fatalf("%s: %v", ch.name, err)
				}
				t.Log(e.Verdict)
				if e.After += e.Flying; len(e.Broken()) > 0 {
					t.Error(e.Summary())
				}
			}
			if e := r.end(); len(e.Broken()) > 0 {
				t.Error(e.Summary())
			}
		})
	}
}

// change makes one, and waits until new connections go where they should.
func (r *run) change(p *holdfast, ch change) (*Evidence, error) {
	before, at := r.counters(), time.Now()
	phase := Phase{Name: ch.name, From: r.client.At(at), Connections: r.load.Connections, Rate: r.load.Rate}
	if err := ch.do(p); err != nil {
		return nil, err
	}
	done := r.client.Now()
	r.settle()
	e := r.verdict(phase, at, "")
	e.before = before
	first := 0
	for _, rec := range r.client.Records(done, r.client.Now()) {
		if rec.Kind == load.Request && rec.Outcome == load.Done && rec.Backend == 0 && rec.Began > done {
			first++
		}
	}
	switch {
	case ch.without && first > 0:
		return e, fmt.Errorf("%d of %d requests went to it all the same", first, e.Requests)
	case !ch.without && first == 0:
		return e, fmt.Errorf("none of %d requests went to it", e.Requests)
	}
	return e, nil
}

// Where a table of hashes says who serves, one of ten that leaves moves almost
// nobody else.
func TestBackends_RemovedMovesFewOthers(t *testing.T) {
	s := site(t)
	p := contender{name: "maglev", service: Service{Forward: "full-nat", Scheduler: "maglev"}}.pair(t, s).(*holdfast)
	r := &run{site: s, pair: p, load: Load{Connections: 10, Every: time.Second}}
	defer func() {
		if err := r.close(); err != nil {
			t.Error(err)
		}
	}()
	if err := r.begin(); err != nil {
		t.Fatal(err)
	}
	var from []netip.AddrPort
	for i, a := 0, firstOut; i < clients; i, a = i+1, a.Next() {
		for port := uint16(1024); port < 1024+700; port++ { // below those that are chosen
			from = append(from, netip.AddrPortFrom(a, port))
		}
	}
	to := netip.AddrPortFrom(vip.Addr(), servicePort)
	before, err := load.Where(s.Client.NS(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.keep(1); err != nil {
		t.Fatal(err)
	}
	after, err := load.Where(s.Client.NS(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	others, moved := 0, 0
	for _, f := range from {
		if after[f] == 0 {
			t.Fatalf("%s still gets the one that was removed", f)
		}
		if before[f] == 0 {
			continue
		}
		if others++; before[f] != after[f] {
			moved++
		}
	}
	t.Logf("%d of %d others moved: %.2f %%", moved, others, 100*float64(moved)/float64(others))
	if moved*200 > others {
		t.Errorf("%d of %d others moved, more than 0.5 %%", moved, others)
	}
}
