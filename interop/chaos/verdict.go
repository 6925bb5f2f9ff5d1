package chaos

import (
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/interop/chaos/measure"
	"github.com/holdfast-net/holdfast/interop/peer"
)

// Verdict is what came out of one run.
type Verdict struct {
	Plan     Plan
	Who      peer.Kind
	Happened []Happened

	Two     time.Duration // two nodes answered, and clients heard both
	Unheard time.Duration // two nodes answered, and no client heard both of them
	// Overlaps are those that clients heard.
	Overlaps []measure.Overlap
	// Silent are all, heard or not.
	Silent []measure.Overlap

	None   time.Duration // no client was answered, from the first fault to peace
	Beyond time.Duration // the part of it that neither the timers nor the machine explain
	Worst  time.Duration // the longest stretch of that part
	Noise  time.Duration // the client got no answer from a host that no fault concerned: the machine was too busy

	Left       []string // what the daemons left behind
	Unreasoned []string // transitions without a reason
	Holds      int      // of a lease, in the journals of all nodes
	Disorder   []string // what of them contradicts their epochs
	Spinning   []string // processes that never stopped working
	Unsettled  error    // why there was no peace in the end; nil: exactly one holder

	Questions int           // that were asked
	Late      time.Duration // how late the latest was
	Logs      string

	from, to  time.Duration // of the judgement about outages
	recording measure.Recording
	receipts  []measure.Receipt
	outages   []measure.Span
	noise     []measure.Span // nobody answered whom no fault concerned either
}

// judge computes the figures from what was seen.
func (v *Verdict) judge() {
	v.Overlaps = v.recording.Heard(v.receipts).Overlaps()
	v.Two = measure.Total(v.Overlaps)
	v.Silent = v.recording.Overlaps()
	v.Unheard = max(0, measure.Total(v.Silent)-v.Two)
	v.None = measure.Sum(v.outages)
	v.Noise = measure.Sum(v.noise)
	v.Beyond = measure.Sum(v.unexplained())
	for _, s := range v.unexplained() {
		v.Worst = max(v.Worst, s.Length())
	}
}

// unexplained lists the outages that neither the timers allow nor the machine
// made.
func (v *Verdict) unexplained() []measure.Span {
	explained := allowed(v.Plan.Mode, v.Happened)
	for _, n := range v.noise {
		explained = append(explained, measure.Span{From: n.From - disturbed, To: n.To + disturbed})
	}
	return measure.Without(v.outages, explained)
}

// stuck is what a busy machine can do to a lease beyond all that is allowed for:
// two elections of its store, say. Where nobody answers for longer than this and
// a failover, nobody would have.
const stuck = 2 * time.Second

// During is for how long nobody answered from a fault's beginning until a failover
// after its end, whatever else went wrong at the same time.
func (v *Verdict) During(h Happened) time.Duration {
	outside := []measure.Span{{From: -time.Hour, To: h.From - grain}, {From: h.To + failover(v.Plan.Mode), To: time.Hour}}
	return measure.Sum(measure.Without(v.outages, outside))
}

// disturbed is how far from one lost probe a busy machine may lose others.
const disturbed = 20 * time.Millisecond

// Broken lists the promises that the run broke, see promises.
func (v *Verdict) Broken() []string {
	var broken []string
	say := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	if promised := promises(v.Plan); promised.One {
		overlaps := v.Silent
		if promised.HeardOnly {
			overlaps = v.Overlaps
		}
		for _, o := range overlaps {
			say("%s and %s answered at the same time, from %.3f ms on for %.3f ms", o.Nodes[0], o.Nodes[1], ms(o.From), ms(o.Length()))
		}
	}
	for _, l := range v.Left {
		say("left behind: %s", l)
	}
	for _, u := range v.Unreasoned {
		say("not explained: %s", u)
	}
	if bound := failover(v.Plan.Mode) + stuck; v.Plan.Mode.Guard == Leased && v.Worst > bound {
		say("nobody answered for %.0f ms, and nothing explains it", ms(v.Worst))
	}
	for _, d := range v.Disorder {
		say("not in the order of the epochs: %s", d)
	}
	for _, p := range v.Spinning {
		say("a process spins: %s", p)
	}
	if v.Unsettled != nil {
		say("no peace in the end: %v", v.Unsettled)
	}
	return broken
}

func (v *Verdict) String() string {
	peace := "one holder"
	if v.Unsettled != nil {
		peace = "NO PEACE"
	}
	return fmt.Sprintf("two %8.1f ms in %d (unheard %.1f), none %8.1f ms, beyond %7.1f, noise %5.1f, left %d, unreasoned %d, holds %d, %s",
		ms(v.Two), len(v.Overlaps), ms(v.Unheard), ms(v.None), ms(v.Beyond), ms(v.Noise), len(v.Left), len(v.Unreasoned), v.Holds, peace)
}

// Story tells what happened and what was seen, around the overlaps where there
// are any.
func (v *Verdict) Story() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%v", &v.Plan)
	line("what happened:")
	for _, h := range v.Happened {
		line("  %v", h)
	}
	told := time.Duration(-1)
	for i, o := range v.Silent {
		if i == 5 {
			line("and %d further overlaps", len(v.Silent)-i)
			break
		}
		line("%s and %s answer from %.3f ms to %.3f ms", o.Nodes[0], o.Nodes[1], ms(o.From), ms(o.To))
		if o.From <= told {
			continue
		}
		told = o.To + around(v.Plan.Mode)
		for _, l := range v.recording.Excerpt(o.From-around(v.Plan.Mode), told) {
			line("  %s", l)
		}
	}
	if beyond := v.unexplained(); len(beyond) > 0 {
		line("no answer, and no reason in the timers:")
		for _, s := range beyond {
			line("  %9.1f ms to %.1f ms", ms(s.From), ms(s.To))
		}
	}
	return b.String()
}

// around is how much before and after an overlap is told.
func around(m Mode) time.Duration { return min(failover(m), 400*time.Millisecond) }
