package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/journal"
	"github.com/holdfast-net/holdfast/internal/linux/hands"
)

// inherit goes on in the place of the process that started this one. Everything
// is ready but what there can be only one of: the hands, the journal and the
// faces follow once that process lets go of them.
func (d *Daemon) inherit(faces context.Context, cfg *config.Config, socket string, h *lateHands, hc hands.Config) error {
	p := d.heir
	if err := d.tellLinks(); err != nil {
		return err
	}
	if err := d.steps.prepare(faces, cfg); err != nil {
		return err
	}
	if err := d.engine.Rehearse(faces, cfg, p.offer.Draft); err != nil {
		return err
	}
	// Not sooner: making ready is work, and the process before needs the
	// processors to be punctual.
	d.raise(cfg)
	queued, err := hands.Queue()
	if err != nil {
		return err
	}
	defer queued.End()
	hc.Queued = queued
	if err := p.say(word{Ready: true}); err != nil {
		return err
	}
	es := &engine.Estate{}
	if err := p.hear(es, 0); err != nil {
		return fmt.Errorf("cannot take over: the other process called it off: %w", err)
	}
	var pause time.Duration
	err = d.engine.Inherit(faces, cfg, es, func() {
		pause = d.gate.Now().Sub(es.Drawn)
		// If nobody is there any more to hear it, so much the more has
		// somebody to go on.
		_ = p.say(word{Taken: true, Program: d.opt.Version.Version, Pause: pause})
	})
	if err != nil {
		return err
	}
	// From here on this is the process that holds.
	p.taken = true
	d.begin(faces, "serve services", func() error { return d.applyServices(faces, cfg) })
	d.checks.apply(cfg)
	d.clients.apply(cfg)
	d.applyMirror(cfg)
	go d.watchGate(faces, d.gate)
	close(d.guarded.begin)
	close(d.raised)
	<-d.guarded.ready
	_ = p.say(word{Stands: true})

	d.begin(faces, "change addresses", func() error { return h.open(hc) })
	d.begin(faces, "open the journal", func() error { return d.openJournal(cfg) })
	d.early.flush(d.journal)
	go d.follow(faces, d.lastEvent())
	d.note(api.Event{Kind: "daemon", Code: "HF2130", Reason: fmt.Sprintf("holdfast %s goes on in the place of process %d (%s): what it held was taken over within %s",
		d.opt.Version.Version, p.offer.PID, p.offer.Program, pause.Round(10*time.Microsecond))})
	d.begin(faces, "answer at "+socket, func() error { return d.serve(faces, cfg, socket, d) })
	d.notify.ready(fmt.Sprintf("%d groups", len(cfg.Groups)))
	go func() {
		// The end of its socket is that of the process.
		_, _ = io.Copy(io.Discard, p.conn)
		_ = p.conn.Close()
		p.gone.Store(true)
		d.engine.Alone()
		// That one may have been at it, and begins nothing any more.
		d.steps.undoForgotten(d.current.Load().cfg)
	}()
	return nil
}

// begin tries until it works, since what is held here is held well without it.
func (d *Daemon) begin(ctx context.Context, what string, try func() error) {
	for begun, told := time.Now(), false; ; time.Sleep(time.Millisecond) {
		err := try()
		if err == nil || ctx.Err() != nil {
			return
		}
		if !told && time.Since(begun) > 10*time.Second {
			told = true
			d.opt.Log.Warn("taking over is not complete", "cannot", what, "err", err)
			d.note(api.Event{Kind: "notice", Code: "HF2132", Reason: fmt.Sprintf("cannot %s yet: %v", what, err)})
		}
	}
}

// lateHands queue orders until there are hands.
type lateHands struct {
	mu    sync.Mutex
	hands *hands.Hands
	queue []engine.Op
}

var _ engine.Hands = (*lateHands)(nil)

// open gets hands, and lets them do what was ordered so far.
func (l *lateHands) open(c hands.Config) error {
	h, err := hands.New(c)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, op := range l.queue {
		h.Submit(op)
	}
	l.hands, l.queue = h, nil
	return nil
}

func (l *lateHands) Submit(op engine.Op) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hands == nil {
		l.queue = append(l.queue, op)
		return
	}
	l.hands.Submit(op)
}

func (l *lateHands) Close() error {
	l.mu.Lock()
	h := l.hands
	l.mu.Unlock()
	if h == nil {
		return nil
	}
	return h.Close()
}

// early keeps what is to be told until there is a journal.
type early struct {
	mu     sync.Mutex
	on     bool
	events []api.Event
}

func (e *early) keeps(ev api.Event) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.on {
		e.events = append(e.events, ev)
	}
	return e.on
}

func (e *early) flush(j *journal.Journal) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ev := range e.events {
		j.Append(ev)
	}
	e.on, e.events = false, nil
}

// handedOn says whether an error is none: the work goes on elsewhere.
func handedOn(err error) bool { return errors.Is(err, engine.ErrHandedOn) }
