package lab

import (
	"sort"
	"time"
)

// Report is what a client noticed during some time.
type Report struct {
	From, To  time.Time
	Interval  time.Duration // between probes
	Sent      int           // without the Pending ones
	Pending   int           // sent, and may still be answered in time
	Answered  int           // in time
	Lost      int           // never answered, or late
	Late      int           // those of Lost that were answered after the client lost patience
	Duplicate int           // answers beyond the first to one probe, since the prober's start
	Skipped   int           // probes not sent because the client itself did not run, since the prober's start
	Refused   int           // probes the client's own kernel would not send (part of Lost), since the prober's start

	// Spans is the whole story: who answered when, in the order of sending.
	Spans []Span
	// Outages are the stretches without an answer, in the order of time.
	Outages []Outage
	// By counts the answers of each host.
	By map[string]int
	// MACs is what the client's neighbour table had for the address: at
	// From, and every change after.
	MACs []Neighbour

	RTT      Distribution // of the answers, late ones too
	Lateness Distribution // of sending the probes: how far to trust the rest
}

// Span is a run of probes with the same fate.
type Span struct {
	Node     string    // the host that answered; "": nobody
	From, To time.Time // sending of the first and the last probe
	Probes   int
}

// Outage is a stretch of time in which nobody answered.
type Outage struct {
	// From is the sending of the last answered probe before, To that of the
	// first answered one after: the longest the outage can have been. Where
	// there is no such probe, the report's own limits count.
	From, To time.Time
	Lost     int
}

// Duration is the length of the outage.
func (o Outage) Duration() time.Duration { return o.To.Sub(o.From) }

// Longest is the longest outage, 0 when there was none.
func (r *Report) Longest() time.Duration {
	var longest time.Duration
	for _, o := range r.Outages {
		longest = max(longest, o.Duration())
	}
	return longest
}

// Answering is the host that answered last, "" when the last probes were lost.
func (r *Report) Answering() string {
	if len(r.Spans) == 0 {
		return ""
	}
	return r.Spans[len(r.Spans)-1].Node
}

// Report tells what became of the probes that were sent from one instant to
// another. Probes that may still be answered in time are only counted: as long
// as there are any, it is not known whether they will be an outage. See Settle.
func (p *Prober) Report(from, to time.Time) *Report {
	r := &Report{
		From:      from,
		To:        to,
		Interval:  p.cfg.Interval,
		By:        make(map[string]int),
		Duplicate: int(p.duplicates.Load()),
		Refused:   int(p.refused.Load()),
		Skipped:   int(p.skipped.Load()),
	}
	p.mu.Lock()
	r.MACs = macsBetween(p.macs, from, to)
	p.mu.Unlock()

	now := p.now()
	first := sort.Search(len(p.record), func(i int) bool {
		sent := p.record[i].sent.Load() // 0: not yet, so later than from
		return sent == 0 || !p.at(sent).Before(from)
	})
	var rtt, lateness []time.Duration
	for i := first; i < len(p.record); i++ {
		line := &p.record[i]
		sent, back := line.sent.Load(), line.back.Load()
		if sent == 0 || !p.at(sent).Before(to) {
			break
		}
		if back == 0 && now-sent < int64(p.cfg.Patience) {
			r.Pending++
			continue
		}
		node := ""
		if back != 0 {
			took := time.Duration(back - sent)
			rtt = append(rtt, took)
			if took <= p.cfg.Patience {
				node = p.name(line.node.Load())
			} else {
				r.Late++
			}
		}
		lateness = append(lateness, time.Duration(p.lateness[i].Load()))
		r.add(node, p.at(sent))
	}
	r.RTT, r.Lateness = Distribute(rtt), Distribute(lateness)
	r.findOutages()
	return r
}

func (r *Report) add(node string, sent time.Time) {
	r.Sent++
	if node == "" {
		r.Lost++
	} else {
		r.Answered++
		r.By[node]++
	}
	if n := len(r.Spans); n > 0 && r.Spans[n-1].Node == node {
		r.Spans[n-1].To = sent
		r.Spans[n-1].Probes++
		return
	}
	r.Spans = append(r.Spans, Span{Node: node, From: sent, To: sent, Probes: 1})
}

func (r *Report) findOutages() {
	for i, s := range r.Spans {
		if s.Node != "" {
			continue
		}
		o := Outage{From: s.From, To: r.To, Lost: s.Probes}
		if i > 0 {
			o.From = r.Spans[i-1].To
		}
		if i+1 < len(r.Spans) {
			o.To = r.Spans[i+1].From
		}
		r.Outages = append(r.Outages, o)
	}
}

// macsBetween is what the table had at from, and what changed until to.
func macsBetween(all []Neighbour, from, to time.Time) []Neighbour {
	var in []Neighbour
	for _, n := range all {
		switch {
		case !n.At.After(from):
			in = []Neighbour{n}
		case n.At.Before(to):
			in = append(in, n)
		}
	}
	return in
}
