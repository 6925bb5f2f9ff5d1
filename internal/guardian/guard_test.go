package guardian

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/engine"
)

// story is what a guardian did, in order.
type story struct {
	mu    sync.Mutex
	lines []string
	busy  int  // how often somebody is in the way
	taken bool // by a daemon
	turns int  // taken and not given back
}

func (s *story) add(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

func (s *story) Open(ifname string) (engine.Port, error) { s.add("open %s", ifname); return 7, nil }
func (s *story) CloseAll()                               { s.add("close the gates") }
func (s *story) Send(out []engine.Outgoing) {
	for _, o := range out {
		if o.Kind == engine.Message {
			s.add("port %d: %s", o.Port, o.Data)
			continue
		}
		s.add("port %d: priority %d for %d", o.Port, o.Data[priorityAt], o.Data[vridAt])
	}
}

func (s *story) Wait()        {}
func (s *story) Fate() string { return "signal: killed" }

func (s *story) Turn() (Turn, error) {
	if s.busy > 0 {
		s.busy--
		return nil, fmt.Errorf("cannot: %w", ErrBusy)
	}
	s.turns++
	return s, nil
}

func (s *story) do(what string) ([]string, error) {
	s.add("%s", what)
	return []string{"one", "two"}, nil
}

func (s *story) Quiet() ([]string, error)           { return s.do("addresses off") }
func (s *story) Sweep(dir string) ([]string, error) { return s.do("sweep " + dir) }
func (s *story) End()                               { s.turns-- }

// guarding starts a guardian; end is how it is ended.
func guarding(t *testing.T, change func(*Guard, *story)) (daemon *line, ended func() []string) {
	t.Helper()
	l, theirs, err := newLine()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	s := &story{}
	g := &Guard{
		Taken: func() bool { return s.taken }, Turn: s.Turn,
		Line: theirs, Sender: s, Settle: func(int) error { return errors.New("not punctual") },
		Leave: func(b []byte, _ time.Time, from string, v *Voice) []byte {
			return fmt.Appendf(b, "%s leaves to %s", from, v.Heir)
		},
		Again: func(h Hello) {
			if s.turns != 0 {
				s.add("it has the turn, and the daemon cannot begin")
			}
			s.add("start %s, died %d times", h.Program, h.Deaths)
		},
		Log: t.Logf,
	}
	if change != nil {
		change(g, s)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.Run()
	}()
	return l, func() []string {
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Fatal("it does not end")
		}
		return s.lines
	}
}

func say(t *testing.T, l *line, records ...Record) {
	t.Helper()
	var b []byte
	for _, r := range records {
		b = Append(b, r)
	}
	if !l.send(b) {
		t.Fatal("cannot be told")
	}
}

func TestGuard_InOrder(t *testing.T) {
	hello := Hello{Node: "lb1", Name: "x.sock", Restart: true, Program: "holdfast", Deaths: 2}
	gated := func(g *Guard, s *story) { g.Gate = s }
	elsewhere := func(g *Guard, s *story) {
		g.Gate = s
		g.Settle = func(int) error { g.hello.Restart = false; return nil }
	}
	for name, tt := range map[string]struct {
		change func(*Guard, *story)
		told   []Record
		want   []string
	}{
		"behind a gate":    {gated, []Record{sample(1)}, []string{"open eth0", "close the gates", "port 7: priority 0 for 51", "port 7: lb1 leaves to lb2", "sweep DIR", "start holdfast, died 2 times"}},
		"without a gate":   {nil, []Record{sample(1)}, []string{"open eth0", "addresses off", "port 7: priority 0 for 51", "port 7: lb1 leaves to lb2", "sweep DIR", "start holdfast, died 2 times"}},
		"nothing was held": {gated, []Record{sample(1), Silence{1}}, []string{"open eth0", "close the gates", "sweep DIR", "start holdfast, died 2 times"}},
		"the kernel is not done with the daemon": {
			func(g *Guard, s *story) { g.Gate, s.busy = s, 5 }, nil,
			[]string{"close the gates", "sweep DIR", "start holdfast, died 2 times"},
		},
		"farewell":                   {gated, []Record{sample(1), Silence{1}, Farewell{}}, []string{"open eth0"}},
		"farewell, and not in order": {gated, []Record{sample(1), Farewell{}}, []string{"open eth0", "close the gates", "port 7: priority 0 for 51", "port 7: lb1 leaves to lb2", "sweep DIR"}},
		"another daemon works already": {
			func(g *Guard, s *story) { g.Gate, s.busy, s.taken = s, 1<<20, true },
			[]Record{sample(1)},
			[]string{"open eth0", "close the gates"},
		},
		"somebody else cleans up, and is slow": {
			func(g *Guard, s *story) { g.Gate, s.busy = s, 200 },
			[]Record{sample(1)},
			[]string{"open eth0", "close the gates", "port 7: priority 0 for 51", "port 7: lb1 leaves to lb2", "sweep DIR", "start holdfast, died 2 times"},
		},
		"the voices have another home": {func(g *Guard, s *story) { g.Gate, s.taken = s, true }, []Record{sample(1), Farewell{LivesOn: true}}, []string{"open eth0"}},
		"somebody else starts it":      {elsewhere, nil, []string{"close the gates", "sweep DIR"}},
		"it lived for long": {
			func(g *Guard, s *story) {
				g.Gate, g.Daemon = s, nil
				again := g.Again
				g.Again = func(h Hello) { again(h) }
				g.Settle = func(int) error { g.begun = g.begun.Add(-soon); return nil }
			},
			nil,
			[]string{"close the gates", "sweep DIR", "start holdfast, died 0 times"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, ended := guarding(t, tt.change)
			h := hello
			h.Dir = t.TempDir()
			say(t, l, append([]Record{h}, tt.told...)...)
			l.close()
			got := ended()
			for i := range got {
				got[i] = strings.TrimSpace(strings.ReplaceAll(got[i], h.Dir, "DIR"))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// The process may be gone before the end of the line is heard, and what it
// said last counts.
func TestGuard_TheProcessIsGone(t *testing.T) {
	dead := make(chan struct{})
	l, ended := guarding(t, func(g *Guard, s *story) { g.Gate, g.Daemon = s, mortal{dead} })
	say(t, l, Hello{Dir: t.TempDir(), Name: "x"}, sample(1))
	close(dead)
	if got := ended(); !slices.Contains(got, "port 7: priority 0 for 51") {
		t.Errorf("%q", got)
	}
}

type mortal struct{ dead chan struct{} }

func (m mortal) Wait()        { <-m.dead }
func (m mortal) Fate() string { return "" }

func TestGuard_LeavesWord(t *testing.T) {
	dir := t.TempDir()
	l, ended := guarding(t, func(g *Guard, s *story) {
		g.Gate, g.Daemon = s, mortal{make(chan struct{})}
	})
	say(t, l, Hello{Dir: dir, Name: "x.sock"}, sample(1), sample(2))
	l.close()
	ended()
	d, died, err := LastDeath(dir, "x.sock")
	if err != nil || !died || d.Routers != 1 || d.Removed != 2 || !d.Closed || d.Said <= 0 || d.Swept < d.Said {
		t.Errorf("%+v, %t, %v", d, died, err)
	}
	for _, want := range []string{"died without a word", "the kernel does not say how", "closed the gates", "said priority 0 for 1 virtual routers"} {
		if !strings.Contains(d.String(), want) {
			t.Errorf("%q does not say %q", d, want)
		}
	}
	if _, died, err := LastDeath(dir, "x.sock"); died || err != nil {
		t.Errorf("told twice: %t, %v", died, err)
	}
}

func TestGuard_AnswersHello(t *testing.T) {
	l, ended := guarding(t, nil)
	say(t, l, Hello{Dir: t.TempDir()})
	b := make([]byte, maxDatagram)
	n, err := l.receive(b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(b[:n])
	if diff := cmp.Diff([]Record{Ready{Trouble: "not punctual"}}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	say(t, l, Farewell{})
	if err := l.hangUp(); err != nil {
		t.Error(err)
	}
	if got := ended(); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

// The daemon may die before it has read the answer; what it had said before
// that counts.
func TestGuard_TheAnswerIsNotRead(t *testing.T) {
	settled := make(chan struct{})
	l, ended := guarding(t, func(g *Guard, s *story) {
		g.Gate = s
		g.Settle = func(int) error { <-settled; return nil }
	})
	say(t, l, Hello{Dir: t.TempDir(), Name: "x"})
	for id := range uint32(20) {
		say(t, l, sample(id))
	}
	close(settled)
	if err := unread(l); err != nil {
		t.Fatal(err)
	}
	l.close()
	got := ended()
	if n := len(slices.DeleteFunc(got, func(s string) bool { return s != "port 7: priority 0 for 51" })); n != 20 {
		t.Errorf("priority 0 was said %d times: %q", n, got)
	}
}

// unread waits until something is there to be read.
func unread(l *line) error {
	return l.raw.Read(func(fd uintptr) bool {
		n, _, err := unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_PEEK)
		return n > 0 || !errors.Is(err, unix.EAGAIN)
	})
}

func TestDelay_GrowsToTenSeconds(t *testing.T) {
	var got []time.Duration
	for deaths := uint8(0); deaths < 7; deaths = next(deaths) {
		got = append(got, delay(deaths)/time.Second)
	}
	if want := []time.Duration{0, 1, 2, 4, 8, 10, 10}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if delay(next(255)) != 10*time.Second {
		t.Errorf("%v after 255 deaths", delay(next(255)))
	}
}
