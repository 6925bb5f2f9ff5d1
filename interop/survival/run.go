package survival

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/survival/load"
)

// Load is what clients do meanwhile.
type Load struct {
	Connections int // that stay open, with those that are idle and that download
	Idle        int
	Downloads   int
	Every       time.Duration // between two things that a connection says
	Rate        int           // new connections a second
}

// run is a pair under load.
type run struct {
	site   *Site
	pair   Pair
	load   Load
	client *load.Client
	prober *lab.Prober
}

// Run has the faults of those names happen to a pair under load, and tells what was
// seen of each, and of what is left open in the end.
func Run(site *Site, pair Pair, l Load, names []string, told func(*Evidence)) (err error) {
	r := &run{site: site, pair: pair, load: l}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.begin(); err != nil {
		return fmt.Errorf("%s does not begin to serve: %w", pair.Name(), err)
	}
	for _, f := range Faults {
		if !slices.Contains(names, f.Name) {
			continue
		}
		e, err := r.happen(f)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", pair.Name(), f.Name, err)
		}
		told(e)
	}
	told(r.end())
	return nil
}

func (r *run) begin() (err error) {
	for i := range r.site.Balancers {
		if err := r.pair.Start(i); err != nil {
			return err
		}
	}
	if r.prober, err = r.site.probe(20 * time.Minute); err != nil {
		return err
	}
	if err := r.holds(0); err != nil {
		return err
	}
	if err := r.serves(); err != nil {
		return err
	}
	if err := until(r.pair.Ready); err != nil {
		return err
	}
	r.client, err = r.site.load(r.load)
	return err
}

// holds waits until the address answers on that balancer, and has for a while.
func (r *run) holds(i int) error {
	const steady = 500 * time.Millisecond
	want := r.site.Balancers[i].Name()
	return until(func() error {
		now := time.Now()
		seen := r.prober.Report(now.Add(-steady), now)
		if seen.By[want] == 0 || len(seen.Spans) != 1 || seen.Spans[0].Node != want {
			return fmt.Errorf("the address is not steady on %s: %v", want, seen.By)
		}
		return nil
	})
}

// serves waits until a small load is served without a fault.
func (r *run) serves() error {
	return until(func() error {
		c, err := r.site.load(Load{Connections: 10, Every: 50 * time.Millisecond, Rate: 100})
		if err != nil {
			return err
		}
		defer c.Stop()
		time.Sleep(300 * time.Millisecond) // of load
		c.Rest(true)
		if err := c.Await(patience); err != nil {
			return err
		}
		if v := judge(Phase{Outage: time.Second}, c.Records(0, c.Now())); len(v.Broken()) > 0 {
			return errors.New(v.String())
		}
		return nil
	})
}

// settle waits until every exchange that may have to do with what happened before
// has ended, and every connection has said something since.
func (r *run) settle() {
	time.Sleep(r.load.Every + 500*time.Millisecond) // of load
	_ = r.client.Await(patience)                    // what does not end is in the records
}

func (r *run) happen(f Fault) (*Evidence, error) {
	if err := r.client.Refill(patience); err != nil {
		return nil, err
	}
	before := r.counters()
	at := time.Now()
	p := Phase{Name: f.Name, From: r.client.At(at), Connections: r.load.Connections, Rate: r.load.Rate}
	watched := r.watch()
	err := f.do(r.site, r.pair)
	p.Struck = r.client.Now()
	if err == nil {
		err = r.holds(f.to)
	}
	if err == nil {
		r.settle()
	}
	suspects := watched()
	if err != nil {
		return nil, err
	}
	e := r.verdict(p, at, r.site.Balancers[f.to].Name())
	e.before, e.suspects = before, suspects
	return e, nil
}

// verdict ends a phase, after which that balancer has the address.
func (r *run) verdict(p Phase, at time.Time, holder string) *Evidence {
	now := time.Now()
	seen := r.prober.Report(at.Add(-2*probeEvery), now)
	p.To, p.Over, p.Outage = r.client.At(now), p.From, seen.Longest()
	if n := len(seen.Outages); n > 0 {
		p.Over = r.client.At(seen.Outages[n-1].To)
	}
	if stopped, began, ok := moved(seen.Spans, holder); ok {
		p.Struck, p.Over = max(p.Struck, r.client.At(stopped)), max(p.Over, r.client.At(began))
	}
	p.Late = r.client.Late(p.From, p.To)
	records := r.client.Records(p.From, p.To)
	return &Evidence{
		Verdict: judge(p, records), at: at, clock: r.client.Time, records: records, report: seen, pair: r.pair, after: r.counters(),
	}
}

// end asks all connections once more, also those that were idle all the time.
func (r *run) end() *Evidence {
	before, at := r.counters(), time.Now()
	p := Phase{Name: "in the end, all asked", From: r.client.At(at), Connections: r.load.Connections, Rate: r.load.Rate}
	watched := r.watch()
	r.client.Rest(true)
	r.client.Ask()
	_ = r.client.Await(patience)
	suspects := watched()
	e := r.verdict(p, at, "")
	e.before, e.suspects = before, suspects
	return e
}

// moved tells when the address moved to a balancer for the last time: until when
// another one may have answered, and since when this one does. Whoever is killed or
// frozen forwards for some time, since that does not need the process; and a move may
// be too short for a prober to miss an answer.
func moved(spans []lab.Span, to string) (stopped, began time.Time, ok bool) {
	var before lab.Span
	for _, s := range spans {
		if s.Node == "" {
			continue
		}
		if s.Node == to && before.Node != "" && before.Node != to {
			stopped, began, ok = before.To.Add(probeEvery), s.From, true
		}
		before = s
	}
	return stopped, began, ok
}

func (r *run) close() error {
	if r.client != nil {
		r.client.Stop()
	}
	if r.prober != nil {
		r.prober.Stop()
	}
	return r.pair.Stop()
}
