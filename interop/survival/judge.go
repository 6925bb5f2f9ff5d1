package survival

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/interop/survival/load"
)

// Phase is one fault and what clients have seen of it, on the clock of the load.
type Phase struct {
	Name        string
	From, To    time.Duration // of the fault, and when all that it could do was done
	Struck      time.Duration // it has happened, and who had the address before has stopped
	Outage      time.Duration // of the address, the longest
	Over        time.Duration // the address answers from then on
	Late        time.Duration // the clients themselves did not run for so long
	Connections int           // that were open
	Rate        int           // new connections a second
}

// Verdict is what a fault did.
type Verdict struct {
	Phase
	Reset     int           // connections that were reset, ended, or got wrong bytes
	Silent    int           // connections that nobody answered any more
	Stalled   int           // exchanges that took longer than the outage explains
	Longest   time.Duration // exchange on a connection that stayed
	Requests  int
	Flying    int           // requests that failed and were on their way when it happened
	Told      int           // of those: by a RST; the others waited for as long as they were patient
	Learned   time.Duration // the longest that one of them took to be told
	Failed    int           // that began then, and before the address had moved
	After     int           // and that failed though they began after it
	SlowAfter int           // that began after it and took longer than a SYN takes that is sent again
	Unserved  time.Duration // for how long no request that began was answered at once
	Why       map[string]int
}

const (
	// prompt is an answer that nothing has delayed: a SYN that is lost is sent
	// again after a second.
	prompt = 500 * time.Millisecond
	// slack is what TCP's timers may add to twice an outage.
	slack = 500 * time.Millisecond
)

// flying is how many requests may be lost that were being answered when the
// balancer was gone at once: it tells the other one of a connection when that is
// made, and what it has told in the last instant does not arrive.
func (p Phase) flying() int { return 1 + p.Rate/20 }

// bound is how long an exchange may take that an outage befalls.
func (p Phase) bound() time.Duration { return 2*p.Outage + slack + p.Late }

// judge tells what the records of a phase say.
func judge(p Phase, records []load.Record) Verdict {
	v := Verdict{Phase: p, Why: map[string]int{}}
	served := []time.Duration{p.From}
	for _, r := range records {
		if r.Kind == load.Request {
			v.Requests++
			switch {
			case r.Outcome != load.Done && r.Began < p.Struck:
				v.Flying++
				if r.Outcome == load.Reset {
					v.Told++
					v.Learned = max(v.Learned, r.Took)
				}
			case r.Outcome != load.Done && r.Began < p.Over:
				v.Failed++
			case r.Outcome != load.Done:
				v.After++
			case r.Took < prompt+p.Late:
				served = append(served, r.Began)
			case r.Began >= p.Over:
				v.SlowAfter++
			}
		} else {
			switch r.Outcome {
			case load.Done:
				v.Longest = max(v.Longest, r.Took)
				if r.Took > p.bound() {
					v.Stalled++
				}
			case load.Silence:
				v.Silent++
			default:
				v.Reset++
			}
		}
		if r.Outcome != load.Done {
			v.Why[fmt.Sprintf("%v: %v", r.Kind, r.Outcome)]++
		}
	}
	slices.Sort(served)
	for i := 1; i < len(served); i++ {
		v.Unserved = max(v.Unserved, served[i]-served[i-1])
	}
	return v
}

// Broken says what was lost that need not be.
func (v Verdict) Broken() (broken []string) {
	say := func(n int, format string, args ...any) {
		if n > 0 {
			broken = append(broken, fmt.Sprintf("%s: %d "+format, append([]any{v.Name, n}, args...)...))
		}
	}
	say(v.Reset, "of %d connections were reset", v.Connections)
	say(v.Silent, "of %d connections got no answer any more", v.Connections)
	say(v.Stalled, "exchanges took longer than %v, though the address was away for %v", v.bound(), v.Outage)
	say(max(0, v.Flying-v.flying()), "more requests failed that had begun before it than can have been on their way")
	say(v.Failed, "requests failed that began before the address had moved")
	say(v.After, "requests failed that began after it had")
	if len(broken) > 0 {
		broken = append(broken, v.String())
	}
	return broken
}

// String is the verdict in a line.
func (v Verdict) String() string {
	var why []string
	for what, n := range v.Why {
		why = append(why, fmt.Sprintf("%s %d", what, n))
	}
	slices.Sort(why)
	ms := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	return fmt.Sprintf("%-20s address away %v, nobody served for %v; of %d connections %d reset, %d silent, %d stalled, the longest %v; of %d requests %d on their way failed (%d were told, after %v at most), then %d, after it %d, and %d were slow; clients late by %v %s",
		v.Name, ms(v.Outage), ms(v.Unserved), v.Connections, v.Reset, v.Silent, v.Stalled, ms(v.Longest), v.Requests, v.Flying, v.Told, ms(v.Learned), v.Failed, v.After, v.SlowAfter, ms(v.Late), strings.Join(why, ", "))
}
