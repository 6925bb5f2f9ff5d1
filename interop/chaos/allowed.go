package chaos

import (
	"slices"
	"time"

	"github.com/holdfast-net/holdfast/interop/chaos/measure"
)

const (
	// slack is what a busy machine may add to every failover.
	slack = 150 * time.Millisecond
	// grain is how fine a client sees an outage: probeEvery, and as much as
	// one may be late.
	grain = 5 * time.Millisecond
	// repair is how long an address may be missing that somebody deleted.
	repair = time.Second
	// comeback is what a program takes from its start to its first advert.
	comeback = time.Second
	// abstain is how long a witness does not vote after its start, as it has
	// forgotten what it promised.
	abstain = 10 * time.Second
)

// allowed lists when the address may go unanswered, by what has happened.
//
//   - A fault that takes the holder away allows one failover from its
//     beginning: Active_Down_Interval of the least eager backup (RFC 9568
//     §6.1), and slack; where nodes vote, what they promised to it has to end,
//     too.
//   - A fault of the network allows one from its beginning and one from its
//     end; while packets are lost at random, nothing is promised at all.
//   - A fault that hits a backup, or a process that holds nothing, allows none.
//   - A witness that is gone allows none by itself. While a node is gone, too,
//     the other one has no majority, and until a majority is back.
//   - A store that has lost a member may have lost its leader, and a lease that
//     is shorter than two elections with it; one that has lost its majority has
//     nobody renew until it is back.
//   - While there is no node that could answer, none need answer, and for a
//     start and a failover after.
func allowed(mode Mode, happened []Happened) []measure.Span {
	move, comeback := failover(mode)+slack, comeback
	if mode.Guard == Guarded {
		move, comeback = move+term(mode), comeback+term(mode)
	}
	var spans []measure.Span
	for _, h := range happened {
		k := kindOf(h.Fault)
		switch {
		case h.Skipped != "" || !k.outage:
		case h.Fault == Lose, h.Fault == Starve, h.Fault == Rolling, h.Fault == RestartAll:
			spans = append(spans, measure.Span{From: h.From, To: h.To + comeback + move})
		case h.Fault == DeleteAddress:
			spans = append(spans, measure.Span{From: h.From, To: h.From + repair})
		case k.class == OfNetwork:
			spans = append(spans, measure.Span{From: h.From, To: h.From + move}, measure.Span{From: h.To, To: h.To + move})
		case h.Held:
			spans = append(spans, measure.Span{From: h.From, To: h.From + move})
		}
	}
	for _, s := range nobody(mode, happened, comeback) {
		spans = append(spans, measure.Span{From: s.From, To: s.To + move})
	}
	if mode.Guard == Leased {
		for _, s := range storeless(mode, happened) {
			spans = append(spans, measure.Span{From: s.From, To: s.To + move})
		}
	}
	if mode.Guard == Guarded {
		for _, s := range minority(happened, comeback) {
			spans = append(spans, measure.Span{From: s.From, To: s.To + move})
		}
	}
	for i := range spans {
		// An outage is counted from the last probe that was answered.
		spans[i].From -= grain
		spans[i].To += grain
	}
	return spans
}

// term is how long voters promise a guarded group to a node, see
// docs/witness.md. What they promised to a node that is gone has to end first,
// and a candidate that was refused waits for that. A node that starts does not
// vote for as long.
func term(m Mode) time.Duration { return min(max(3*m.Interval, 100*time.Millisecond), abstain) }

// nobody lists when every node was out of order, or had just begun to run
// again.
func nobody(mode Mode, happened []Happened, comeback time.Duration) []measure.Span {
	var common []measure.Span
	for i := range mode.Nodes {
		var out []measure.Span
		for _, h := range happened {
			k := kindOf(h.Fault)
			hit := k.outage && h.Nodes[0] == names[i]
			if h.Fault == Split {
				hit = !h.reaches(mode, names[i])
			}
			if h.Skipped != "" || !hit || h.To <= h.From {
				continue
			}
			out = append(out, measure.Span{From: h.From, To: h.To + comeback})
		}
		if i == 0 {
			common = out
			continue
		}
		// What both lists cover: the first one without what the second one
		// leaves of it.
		common = measure.Without(common, measure.Without(common, out))
	}
	return slices.DeleteFunc(common, func(s measure.Span) bool { return s.Length() <= 0 })
}

// minority lists when the witness and a node were out of order, or had just begun
// to run again.
func minority(happened []Happened, comeback time.Duration) []measure.Span {
	var witness, nodes []measure.Span
	for _, h := range happened {
		k := kindOf(h.Fault)
		switch {
		case h.Skipped != "" || h.To <= h.From:
		case h.Fault == KillWitness:
			witness = append(witness, measure.Span{From: h.From, To: h.To + comeback + abstain})
		case k.class == OfWitness:
			witness = append(witness, measure.Span{From: h.From, To: h.To + slack})
		case k.outage:
			nodes = append(nodes, measure.Span{From: h.From, To: h.To + comeback})
		}
	}
	// What both lists cover: the first one without what the second one leaves
	// of it.
	return measure.Without(witness, measure.Without(witness, nodes))
}
