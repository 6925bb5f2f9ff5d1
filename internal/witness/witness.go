// Package witness is a voter of a cluster that never holds: one loop, one UDP
// port, and the Voter of package vote between them.
//
// It knows nothing of the nodes but the key that it shares with them, and
// keeps nothing: a witness that starts anew abstains for the longest that a
// promise can last (vote.MaxTerm). Losing it changes nothing as long as the
// nodes have a majority without it.
//
// The loop reads its clock after the datagrams: a promise must last as long
// from when it is made as the asker counts from before it asked. Everybody
// else asks the loop by a function that it runs between two batches.
package witness

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/vote"
)

// Wire carries datagrams: the part of engine.Wire that a witness needs.
type Wire interface {
	Wait(until time.Time, in []engine.Datagram) (int, time.Time, error)
	Wake()
	Send(out []engine.Outgoing)
}

// Options is what a witness is made of.
type Options struct {
	Wire  Wire
	Port  engine.Port // of votes, open
	Voter *vote.Voter
	// Clock goes on while the machine sleeps, and is that of Voter.
	Clock func() vote.Instant
	// Note takes what a person may want to know. It does not block.
	Note func(Note)
	// Beat is called about once a second; nil: nothing to do.
	Beat func()
}

// Note is one piece of news.
type Note struct {
	Warning bool
	Code    string
	Text    string
}

// batch is how many datagrams are read at once.
const batch = 128

// Witness is a running voter.
type Witness struct {
	opt    Options
	in     []engine.Datagram
	out    []engine.Outgoing
	buf    []byte
	posts  chan func()
	known  map[string]bool // askers, and whether they were heard lately
	forged uint64          // as of the last note
	noted  time.Time
}

// New starts nothing.
func New(opt Options) *Witness {
	return &Witness{
		opt: opt, in: make([]engine.Datagram, batch), out: make([]engine.Outgoing, 0, batch),
		// An answer is not longer than what it answers, so this never grows.
		buf: make([]byte, 0, batch*vote.MaxSize), posts: make(chan func(), 16), known: map[string]bool{},
	}
}

// pause is how often the loop looks around without a datagram.
const pause = time.Second

// Run votes until ctx ends.
func (w *Witness) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, w.opt.Wire.Wake)
	defer stop()
	next := time.Now()
	for ctx.Err() == nil {
		n, _, err := w.opt.Wire.Wait(next, w.in)
		if err != nil {
			return fmt.Errorf("cannot wait for votes: %w", err)
		}
		w.vote(w.opt.Clock(), w.in[:n])
		w.answerPosts()
		if now := time.Now(); !now.Before(next) {
			w.lookAround(now)
			next = now.Add(pause)
		}
	}
	return nil
}

// vote answers a batch.
func (w *Witness) vote(now vote.Instant, in []engine.Datagram) {
	w.out, w.buf = w.out[:0], w.buf[:0]
	for i := range in {
		d := &in[i]
		if d.Kind != engine.Vote {
			continue
		}
		at := len(w.buf)
		if w.buf = w.opt.Voter.Receive(now, d.Data, w.buf); len(w.buf) == at {
			continue
		}
		w.out = append(w.out, engine.Outgoing{
			Port: w.opt.Port, Kind: engine.Vote, Src: d.Dst, Dst: d.Src, DstPort: d.SrcPort,
			Data: w.buf[at:len(w.buf):len(w.buf)],
		})
	}
	if len(w.out) > 0 {
		w.opt.Wire.Send(w.out) // an answer that cannot be sent is one that was lost
	}
}

func (w *Witness) answerPosts() {
	for {
		select {
		case f := <-w.posts:
			f()
		default:
			return
		}
	}
}

// silence is how long a node may say nothing before that is news. Nodes greet
// every voter once a second.
const silence = 5 * time.Second

// lookAround tells of nodes that came or fell silent, and of forgeries.
func (w *Witness) lookAround(now time.Time) {
	if w.opt.Beat != nil {
		w.opt.Beat()
	}
	lately := map[string]bool{}
	for _, a := range w.opt.Voter.Askers(w.opt.Clock(), silence) {
		lately[a.Name] = true
		if !w.known[a.Name] {
			w.opt.Note(Note{Text: fmt.Sprintf("node %s asks for votes", a.Name)})
		}
	}
	for name, was := range w.known {
		if was && !lately[name] {
			w.opt.Note(Note{Text: fmt.Sprintf("node %s has not asked for %s", name, silence)})
		}
		if !lately[name] {
			lately[name] = false
		}
	}
	w.known = lately
	if forged := w.opt.Voter.Counters().Signature; forged > w.forged && now.Sub(w.noted) >= time.Minute {
		w.opt.Note(Note{Warning: true, Code: "HF2120", Text: fmt.Sprintf("%d datagrams were signed with another key: a node has the wrong one, or somebody tries", forged-w.forged)})
		w.forged, w.noted = forged, now
	}
}

// View is a witness as it is now.
type View struct {
	Abstains time.Duration // how long it makes no promise yet
	Askers   []vote.Asker  // heard within a minute
	Counters vote.Counters
}

// View asks the loop.
func (w *Witness) View(ctx context.Context) (View, error) {
	reply := make(chan View, 1)
	ask := func() {
		now := w.opt.Clock()
		reply <- View{w.opt.Voter.Abstains(now), w.opt.Voter.Askers(now, time.Minute), w.opt.Voter.Counters()}
	}
	select {
	case w.posts <- ask:
		w.opt.Wire.Wake()
	case <-ctx.Done():
		return View{}, ctx.Err()
	}
	select {
	case v := <-reply:
		return v, nil
	case <-ctx.Done():
		return View{}, ctx.Err()
	}
}

// Host reads the address of an address and port to listen on: not valid means
// all.
func Host(listen string) (host netip.Addr, port uint16, err error) {
	ap, err := netip.ParseAddrPort(listen)
	if err == nil {
		return ap.Addr().Unmap(), ap.Port(), nil
	}
	var number uint16
	if _, err := fmt.Sscanf(listen, ":%d", &number); err == nil {
		return netip.Addr{}, number, nil
	}
	if _, err := fmt.Sscanf(listen, "localhost:%d", &number); err == nil {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), number, nil
	}
	return netip.Addr{}, 0, fmt.Errorf("cannot listen on %q: not an address and a port", listen)
}
