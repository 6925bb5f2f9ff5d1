package chaos

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/chaos/measure"
	"github.com/holdfast-net/holdfast/interop/chaos/observe"
	"github.com/holdfast-net/holdfast/interop/peer"
)

// Contender is who is put to the test.
type Contender struct {
	Kind   peer.Kind
	Binary string // of holdfast
}

// run is one plan being carried out.
type run struct {
	plan     Plan
	cluster  *cluster
	tap      *observe.Tap
	eyes     []*observe.Observer
	client   *lab.Prober
	control  *lab.Prober // asks somebody whom no fault concerns
	start    time.Time
	happened []Happened
}

// Run carries out a plan and judges what was seen. An error says that there
// is no verdict: something of the lab itself failed.
func Run(who Contender, plan Plan) (v *Verdict, err error) {
	r := &run{plan: plan}
	if r.cluster, err = build(who.Kind, who.Binary, &plan); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.cluster.close()) }()
	v = &Verdict{Plan: plan, Who: who.Kind}
	if err := r.watch(); err != nil {
		return nil, errors.Join(err, r.unwatch(v))
	}
	if err := r.play(v); err != nil {
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, r.logs()), r.unwatch(v))
	}
	r.stop(v)
	if err := r.unwatch(v); err != nil {
		return nil, err
	}
	v.Happened = r.happened
	v.Logs = r.logs()
	v.judge()
	return v, nil
}

// watch starts those who watch.
func (r *run) watch() error {
	var nodes []string
	for _, n := range r.cluster.nodes {
		nodes = append(nodes, n.name)
	}
	r.start = time.Now()
	var err error
	if r.tap, err = observe.StartTap(r.cluster.lan, nodes, r.cluster.vip.Addr(), r.start); err != nil {
		return err
	}
	for i, host := range r.cluster.eyes {
		o, err := observe.StartObserver(host, r.cluster.vip.Addr(), i, observers, r.start)
		if err != nil {
			return err
		}
		r.eyes = append(r.eyes, o)
	}
	if r.client, err = r.probe(r.cluster.vip.Addr()); err != nil {
		return err
	}
	r.control, err = r.probe(observe.Asking(0, r.cluster.vip.Addr())[0].Addr())
	return err
}

func (r *run) probe(to netip.Addr) (*lab.Prober, error) {
	return lab.StartProber(lab.ProbeConfig{
		From: r.cluster.client, To: netip.AddrPortFrom(to, echoPort),
		Interval: 2 * time.Millisecond, Patience: 250 * time.Millisecond, For: 5 * time.Minute,
	})
}

// outages are the stretches without an answer, from the first fault to peace.
func (r *run) outages(p *lab.Prober, v *Verdict) []measure.Span {
	p.Settle()
	var spans []measure.Span
	for _, o := range p.Report(r.start.Add(v.from), r.start.Add(v.to)).Outages {
		spans = append(spans, measure.Span{From: o.From.Sub(r.start), To: o.To.Sub(r.start)})
	}
	return spans
}

// unwatch ends the watching, and gives the verdict what was seen.
func (r *run) unwatch(v *Verdict) error {
	var errs []error
	for _, o := range r.eyes {
		receipts, err := o.Stop()
		v.receipts = append(v.receipts, receipts...)
		errs = append(errs, err)
		asked, late := o.Asked()
		v.Questions += asked
		v.Late = max(v.Late, late)
	}
	if r.tap != nil {
		recording, err := r.tap.Stop()
		v.recording = recording
		errs = append(errs, err)
	}
	for _, p := range []*lab.Prober{r.client, r.control} {
		if p != nil {
			p.Stop()
		}
	}
	return errors.Join(errs...)
}

// play starts the nodes, lets everything happen to them, mends it, and waits
// for peace.
func (r *run) play(v *Verdict) error {
	for _, n := range r.cluster.nodes {
		if err := n.start(); err != nil {
			return err
		}
	}
	patience := 3*failover(r.plan.Mode) + 15*time.Second
	if r.plan.Mode.Guard == Guarded {
		patience += 2*term(r.plan.Mode) + abstain // of a witness that was started again
	}
	if r.plan.Mode.embedded() {
		patience += begins
	}
	if err := r.wait(patience, r.settled); err != nil {
		return fmt.Errorf("cannot begin: %w", err)
	}
	if err := r.wait(patience, r.served); err != nil {
		return fmt.Errorf("cannot begin: %w", err)
	}
	time.Sleep(time.Until(r.cluster.voting))
	v.from = r.tap.Now()
	if err := r.perform(r.plan.Events); err != nil {
		return err
	}
	if err := r.mend(); err != nil {
		return err
	}
	v.Unsettled = r.wait(patience, func() error {
		// A daemon that gave up is started again, as systemd does.
		if err := r.mend(); err != nil {
			return err
		}
		return r.settled()
	})
	v.to = r.tap.Now()
	v.outages, v.noise = r.outages(r.client, v), r.outages(r.control, v)
	v.Spinning = r.cluster.spinning(v.to)
	var holds []tenure
	for _, n := range r.cluster.nodes {
		events, err := journal(n)
		if err != nil {
			return err
		}
		v.Unreasoned = append(v.Unreasoned, unreasoned(n.name, events)...)
		holds = append(holds, tenures(n.name, events)...)
	}
	if r.plan.Mode.Guard == Leased {
		v.Holds, v.Disorder = len(holds), disorder(holds)
	}
	return nil
}

// mend undoes what a fault may have left: a process that stands still, or one
// that is gone.
func (r *run) mend() error {
	for _, n := range r.cluster.nodes {
		n.signal(unix.SIGCONT, all)
		if err := n.start(); err != nil {
			return err
		}
	}
	for _, n := range r.cluster.nodes {
		if n.lost != "" {
			var err error
			if n.lost, err = r.operate(n, n.lost, time.Now().Add(begins)); err != nil {
				return err
			}
		}
	}
	return nil
}

// settled says what is wrong while not exactly one node is active and answers,
// for a while.
func (r *run) settled() error {
	active := ""
	for _, n := range r.cluster.nodes {
		state, err := n.daemon().State(groupName)
		switch {
		case err != nil:
			return err
		case state == peer.Active && active != "":
			return fmt.Errorf("%s and %s are active", active, n.name)
		case state == peer.Active:
			active = n.name
		case state != peer.Backup:
			return fmt.Errorf("%s is %s", n.name, state)
		}
	}
	// Nobody else may have answered for two intervals. The active one has, but
	// a busy machine may lose a few questions.
	for begun, while := time.Now(), max(2*r.plan.Mode.Interval, 300*time.Millisecond); time.Since(begun) < while; time.Sleep(10 * time.Millisecond) {
		if got := r.tap.Answering(200 * time.Millisecond); len(got) != 1 || got[0] != active {
			return fmt.Errorf("%q is active, and these answer: %v", active, got)
		}
	}
	return nil
}

// served says what is wrong while the client was not answered lately. How long it
// looks for the address at first, when nobody has it, is no fault's doing.
func (r *run) served() error {
	now := time.Now()
	if len(r.client.Report(now.Add(-200*time.Millisecond), now.Add(-50*time.Millisecond)).By) == 0 {
		return errors.New("the client is not answered")
	}
	return nil
}

// wait polls until f has no complaint, and returns the last one when that
// takes too long.
func (r *run) wait(patience time.Duration, f func() error) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := f()
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// stop ends all daemons, the backups first, and looks for what they left.
func (r *run) stop(v *Verdict) {
	holder := r.role(Holder)
	for _, n := range append(r.cluster.others(holder), holder) {
		if err := n.stop(); err != nil {
			v.Left = append(v.Left, err.Error())
		}
	}
	for _, n := range r.cluster.nodes {
		now, err := inventory(n.host)
		if err != nil {
			v.Left = append(v.Left, err.Error())
		}
		for _, line := range n.manifest.left(now) {
			v.Left = append(v.Left, n.name+": "+line)
		}
	}
}

func (r *run) logs() string {
	s := ""
	for _, n := range r.cluster.nodes {
		for _, d := range n.daemons {
			s += fmt.Sprintf("--- %s on %s\n%s", n.kind, n.name, ending(d.Log()))
		}
	}
	return s
}

// ending is the part of a log that can be read.
func ending(log string) string {
	const most = 6 << 10
	if len(log) <= most {
		return log
	}
	return "...\n" + log[len(log)-most:]
}
