package guardian

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// Sender sends adverts by interfaces that are open beforehand.
type Sender interface {
	Open(ifname string) (engine.Port, error)
	Send(out []engine.Outgoing)
}

// Gate closes every address of this machine at once.
type Gate interface{ CloseAll() }

// Daemon is the process that is guarded, as the kernel knows it.
type Daemon interface {
	// Wait returns when the process is no more.
	Wait()
	// Fate says how it ended, where the kernel tells: "signal: killed".
	Fate() string
}

// ErrBusy is the error of a turn that somebody else has.
var ErrBusy = errors.New("somebody else works here")

// Turn is the right to change this machine's addresses.
type Turn interface {
	// Quiet takes the addresses off, Sweep everything that the daemon added
	// to the kernel.
	Quiet() ([]string, error)
	Sweep(dir string) ([]string, error)
	End()
}

// Guard is what a guardian is made of.
type Guard struct {
	Line   *os.File // to the daemon
	Daemon Daemon   // nil: the end of the line alone tells of its death
	Sender Sender
	Gate   Gate // nil: there is none
	// Leave makes what holdfast nodes are told besides priority 0.
	Leave LeaveFunc
	// Settle makes the process punctual and says what it could not have.
	Settle func(priority int) error
	// Turn takes the turn. While the daemon is not quite dead yet its error
	// is ErrBusy.
	Turn func() (Turn, error)
	// Again starts the daemon again.
	Again func(Hello)
	// Taken says that another daemon works here by now.
	Taken func() bool
	Log   func(format string, args ...any)

	begun    time.Time
	hello    Hello
	farewell *Farewell // nil: none was said
	voices   Voices
	ports    map[string]engine.Port
}

// work is how long a guardian may be at it before it gives up.
const work = 20 * time.Second

// Run waits until the daemon is no more, and does what there is to do then.
func (g *Guard) Run() {
	g.ports, g.begun = map[string]engine.Port{}, time.Now()
	told := make(chan Record, 64)
	gone := make(chan struct{})
	go g.listen(told)
	if g.Daemon != nil {
		go func() {
			g.Daemon.Wait()
			close(gone)
		}()
	}
	for {
		select {
		case r, ok := <-told:
			if ok {
				g.take(r)
				continue
			}
		case <-gone:
			// What it said last is still in the socket: nobody else
			// holds the other end, or nobody who speaks.
			for more := true; more; {
				select {
				case r, ok := <-told:
					if more = ok; ok {
						g.take(r)
					}
				case <-time.After(time.Millisecond):
					more = false
				}
			}
		}
		break
	}
	g.over(time.Now())
}

// listen hands on what the daemon says, until it cannot say anything more.
func (g *Guard) listen(told chan<- Record) {
	defer close(told)
	b := make([]byte, maxDatagram)
	for {
		n, err := g.Line.Read(b)
		if errors.Is(err, syscall.ECONNRESET) {
			// It died before it had read all that it was told; what it
			// said itself is still there (unix(7)).
			continue
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				g.Log("cannot hear the daemon: %v", err)
			}
			return
		}
		records, err := Parse(b[:n])
		if err != nil {
			// Another build: it can take this one for dead and go on
			// without, which is better than half a guardian.
			g.Log("%v", err)
			os.Exit(1)
		}
		for _, r := range records {
			told <- r
		}
	}
}

// take makes ready for what the daemon told.
func (g *Guard) take(r Record) {
	switch r := r.(type) {
	case Hello:
		g.hello, g.farewell = r, nil
		var answer Ready
		if err := g.Settle(int(r.Priority)); err != nil {
			answer.Trouble = err.Error()
		}
		_, _ = g.Line.Write(Append(nil, answer)) // who is not there anymore needs no answer
	case Voice:
		// Also when it is open: the interface may be another one of the
		// same name.
		if p, err := g.Sender.Open(r.Interface); err == nil {
			g.ports[r.Interface] = p
		} else {
			g.Log("%v", err)
		}
		g.voices.Take(r)
	case Farewell:
		g.farewell = &r
	default:
		g.voices.Take(r)
	}
}

// over does what there is to do when the daemon is no more.
func (g *Guard) over(noticed time.Time) {
	switch {
	case g.farewell == nil:
	case g.farewell.LivesOn:
		if g.livesOn() {
			return
		}
		g.farewell = nil // both are dead
	case g.voices.Len() == 0:
		return
	}
	limit := time.AfterFunc(work, func() {
		g.Log("cannot finish within %s: giving up", work)
		os.Exit(1)
	})
	d := Death{Noticed: noticed}
	if g.Gate != nil {
		g.Gate.CloseAll()
		d.Closed = true
	}
	// From here on no daemon can begin to work here before the turn ends: what
	// is said and removed cannot be the next one's.
	turn, err := g.turn(brief)
	if turn == nil && g.Taken() {
		g.Log("the daemon is dead, and another one works here already: leaving everything to it")
		limit.Stop()
		return
	}
	quiet := d.Closed
	if !quiet {
		d.Removed, quiet = g.quiet(turn)
	}
	g.silence(&d, quiet)
	if turn == nil {
		turn, err = g.turn(work / 2)
	}
	if turn != nil {
		var did []string
		did, err = turn.Sweep(g.hello.Dir)
		d.Removed += len(did)
		turn.End()
	}
	if err != nil {
		d.Sweep = err.Error()
	}
	d.Swept = time.Since(noticed)
	if g.Daemon != nil {
		d.Fate = g.Daemon.Fate()
	}
	g.tellNext(d)
	limit.Stop() // starting it again may take for ever
	if g.farewell == nil && g.hello.Restart {
		if noticed.Sub(g.begun) >= soon {
			g.hello.Deaths = 0
		}
		g.Again(g.hello)
	}
}

// heirBound is how long a process that took everything over may need until it
// can be seen.
const heirBound = 3 * time.Second

// livesOn waits for the process that took over.
func (g *Guard) livesOn() bool {
	for begun := time.Now(); time.Since(begun) < heirBound; time.Sleep(time.Millisecond) {
		if g.Taken() {
			return true
		}
	}
	return false
}

// quiet takes the addresses off, where no gate keeps them from answering:
// nobody is invited to what still answers here. But a kernel that takes its
// time must not keep the addresses from everybody.
func (g *Guard) quiet(turn Turn) (removed int, done bool) {
	if turn == nil {
		return 0, false
	}
	off := make(chan int, 1)
	go func() {
		did, err := turn.Quiet()
		if err != nil {
			g.Log("%v", err)
		}
		off <- len(did)
	}()
	select {
	case n := <-off:
		return n, true
	case <-time.After(patience):
		return 0, false
	}
}

// brief is how long the kernel may be at taking back what the daemon had open
// before others are told without the turn.
const brief = 5 * time.Millisecond

// turn takes the turn once nobody else is in the way.
func (g *Guard) turn(most time.Duration) (Turn, error) {
	for begun := time.Now(); ; time.Sleep(100 * time.Microsecond) {
		t, err := g.Turn()
		if err == nil {
			return t, nil
		}
		if !errors.Is(err, ErrBusy) || g.Taken() || time.Since(begun) > most {
			return nil, err
		}
	}
}

// patience is how long priority 0 waits for addresses to be taken off, where
// no gate keeps them from answering.
const patience = 100 * time.Millisecond

// silence says priority 0 for all that was advertised, and, where nothing
// answers here any more, that the others need not wait.
func (g *Guard) silence(d *Death, quiet bool) {
	port := func(ifname string) engine.Port { return g.ports[ifname] }
	out, failed := g.voices.Retract(time.Now(), port)
	g.Sender.Send(out)
	d.Said = time.Since(d.Noticed)
	if quiet {
		g.Sender.Send(g.voices.Leave(time.Now(), g.hello.Node, port, g.Leave))
	}
	d.Routers, d.Failed = g.voices.Routers(), failed
	for i := range out {
		if out[i].Err != nil {
			d.Failed++
		}
	}
}

// tellNext leaves word for the daemon's next run.
func (g *Guard) tellNext(d Death) {
	g.Log("the daemon died without a word (%s): %s", d.fate(), d.did())
	if err := d.write(g.hello.Dir, g.hello.Name); err != nil {
		g.Log("%v", err)
	}
}
