package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// fault is what happens to the machine that has the address.
type fault struct {
	name string // on the command line
	what string
	do   func(*stage, *machine) error
	// stays: the address may stay where it is, which is as good.
	stays bool
	// planned: the machine needs no healing.
	planned bool
}

var faults = []fault{
	{
		name: "power", what: "the machine loses its power",
		do: func(_ *stage, m *machine) error { return m.lose() },
	},
	{
		name: "software", what: "all cluster software on it is killed", stays: true,
		// Stopped first: none sees another one end and starts it again.
		do: func(_ *stage, m *machine) error { return m.signal(everything, unix.SIGSTOP, unix.SIGKILL) },
	},
	{
		name: "daemon", what: "the process that decides is killed", stays: true,
		do: func(s *stage, m *machine) error { return m.signal(s.daemon(), unix.SIGKILL) },
	},
	{
		name: "move", what: "an operator moves the address", planned: true,
		do: func(s *stage, m *machine) error { return s.move(s, m) },
	},
}

const (
	// What a client does.
	probeEvery    = 2 * time.Millisecond
	probePatience = 100 * time.Millisecond
	// The address is where it belongs when it has answered from there for so
	// long.
	steady = time.Second
	// How often the watch asks who has the address, and how long it listens.
	watchEvery = 50 * time.Millisecond
	watchFor   = 10 * time.Millisecond
)

// Trial is one fault and what was noticed of it.
type Trial struct {
	Who    string  `json:"who"`
	Fault  string  `json:"fault"`
	From   string  `json:"from"`
	To     string  `json:"to"`
	Outage float64 `json:"outage_ms"` // the longest in which nobody answered the client
	Moved  float64 `json:"moved_ms"`  // until another machine answered it first; -1: none did
	Two    float64 `json:"two_ms"`    // for how long two machines said that they have the address
	// Refused is what a contender said that did not do as the operator told it.
	Refused string `json:"refused,omitempty"`
}

// try lets a fault happen. What has to be healed afterwards is fallen.
func (b *bench) try(s *stage, f fault) (t Trial, fallen *machine, err error) {
	t = Trial{Who: s.name, Fault: f.name, Moved: -1}
	client, err := lab.StartProber(lab.ProbeConfig{
		From: s.client, To: vip4, Interval: probeEvery, Patience: probePatience, For: 2 * time.Minute,
	})
	if err != nil {
		return t, nil, err
	}
	defer client.Stop()
	began := time.Now()
	err = until(20*time.Second, func() error {
		if err := s.stopped(); err != nil {
			return err
		}
		r := client.Report(began, time.Now())
		if n := len(r.Spans); n == 0 || r.Answering() == "" || r.Spans[n-1].Probes < 100 {
			return fmt.Errorf("nobody answers before the fault")
		}
		t.From = r.Answering()
		return nil
	})
	if err != nil {
		return t, nil, err
	}
	holder := s.machine(t.From)
	// When renewals, looks and tokens come has nothing to do with the fault.
	if err := b.pause(500*time.Millisecond + rand.N(time.Second)); err != nil {
		return t, nil, err
	}

	w := s.watching()
	at := time.Now()
	err = f.do(s, holder)
	if f.planned && err != nil {
		t.Refused, err = err.Error(), b.pause(steady)
	} else if err == nil {
		err = b.over(s, f, client, at, &t)
	}
	client.Settle()
	two, watchErr := w.stop()
	t.Two = ms(two)
	r := client.Report(at.Add(-50*time.Millisecond), time.Now())
	t.Outage, t.To = ms(r.Longest()), r.Answering()
	for _, span := range r.Spans {
		if span.Node != "" && span.Node != t.From {
			t.Moved = ms(span.From.Sub(at))
			break
		}
	}
	if !f.planned {
		fallen = holder
	}
	return t, fallen, errors.Join(err, watchErr)
}

// over returns when all has happened that belongs to the fault.
func (b *bench) over(s *stage, f fault, client *lab.Prober, at time.Time, t *Trial) error {
	for {
		if err := b.pause(20 * time.Millisecond); err != nil {
			return err
		}
		now := time.Now()
		r := client.Report(at, now)
		var last lab.Span
		if n := len(r.Spans); n > 0 {
			last = r.Spans[n-1]
		}
		moved := last.Node != "" && last.Node != t.From
		done := moved && now.Sub(last.From) > steady+probePatience
		if f.stays {
			// Late enough for everything that the software would still do.
			done = last.Node != "" && now.Sub(at) > s.worst && now.Sub(last.From) > steady+probePatience
		}
		if done {
			return nil
		}
		if now.Sub(at) > 60*time.Second {
			return fmt.Errorf("%s: %s: nobody has the address after %v", s.name, f.what, now.Sub(at))
		}
	}
}

// watch asks the LAN who has the address, again and again.
type watch struct {
	end chan struct{}
	all sync.WaitGroup
	two time.Duration
	err error
}

func (s *stage) watching() *watch {
	w := &watch{end: make(chan struct{})}
	w.all.Go(func() {
		var since, last time.Time // the first and the last question in a row that two answered
		for {
			asked := time.Now()
			answers, err := s.lan.WhoHas(s.watch, vip.Addr(), watchFor)
			if err != nil {
				w.err = err
				return
			}
			hosts := map[string]bool{}
			for _, a := range answers {
				hosts[a.Host] = true
			}
			if len(hosts) > 1 {
				if since.IsZero() {
					since, last = asked, asked
					w.two += watchEvery
				}
				w.two += asked.Sub(last)
				last = asked
			} else {
				since = time.Time{}
			}
			select {
			case <-w.end:
				return
			case <-time.After(time.Until(asked.Add(watchEvery))):
			}
		}
	})
	return w
}

func (w *watch) stop() (time.Duration, error) {
	close(w.end)
	w.all.Wait()
	return w.two, w.err
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
