package gate

import (
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// foreignLayout attaches the programs as a holdfast with another layout would
// have them, on maps of its own: all that they guard is closed.
func (l *lab) foreignLayout() {
	l.Helper()
	spec, err := loadKernel()
	must(l, err)
	for _, p := range spec.Programs {
		p.Name = strings.Replace(p.Name, "holdfast1", "holdfast9", 1)
	}
	for _, m := range spec.Maps {
		m.Name = strings.Replace(m.Name, "hf_", "hf9_", 1)
	}
	var objs kernelObjects
	must(l, spec.LoadAndAssign(&objs, nil))
	defer objs.Close()
	link, err := netlink.LinkByName(nodeIf)
	must(l, err)
	var h hook = tcxHook{}
	if l.line == Clsact {
		h = clsactHook{}
	}
	index := link.Attrs().Index
	for _, a := range []netip.Addr{vip4, vip6, vipLL} {
		must(l, objs.HfAddresses.Put(addressKey(a, index), kernelGuarded{}))
	}
	var hints kernelHints
	for i := range hints.Slot {
		hints.Slot[i] = many
	}
	must(l, objs.HfHints.Put(uint32(0), hints))
	must(l, h.attach(index, in, objs.Holdfast1In, "holdfast9_in"))
	must(l, h.attach(index, out, objs.Holdfast1Out, "holdfast9_out"))

	// Who inherits the files of such a gate must not take it over.
	g := &Gate{line: &kernel{objs: objs}}
	files, err := g.Files()
	must(l, err)
	for _, f := range files {
		defer f.Close()
	}
	if _, err := Open(Options{Inherit: files, Lines: []LineID{l.line}}); err == nil || !strings.Contains(err.Error(), "layout is 9") {
		l.Errorf("to inherit another layout: error %v, want one that names it", err)
	}
	if _, err := Adopt(files); err == nil || !strings.Contains(err.Error(), "layout is 9") {
		l.Errorf("to adopt another layout: error %v, want one that names it", err)
	}
}

// TestAnotherLayoutIsReplaced guards where another version of holdfast left
// programs that know nothing of our holds.
func TestAnotherLayoutIsReplaced(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			l := newLab(t, m)
			l.install()
			l.neighbours()
			questions := l.questions()
			for _, q := range questions {
				l.answered(q)
			}
			l.foreignLayout()
			if n := len(l.attached().strange()); n != 2 {
				t.Fatalf("%d programs of another layout are attached, want two", n)
			}
			l.open()
			l.guard()
			for _, q := range questions {
				l.refused(q)
			}
			if strange := l.attached().strange(); len(strange) != 0 {
				t.Errorf("still attached: %+v", strange)
			}
			l.set(wideOpen)
			for _, q := range questions {
				l.answered(q)
			}
		})
	}
}

// TestReplacedUnderTraffic has one gate after another take the place of the one
// before, while a client asks: while the hold is closed none of its questions
// is answered, and while it is open none is lost.
func TestReplacedUnderTraffic(t *testing.T) {
	replacements := 50 // of a closed gate, and as many of an open one
	if testing.Short() {
		replacements = 10
	}
	for _, m := range []mode{modes[0], modes[2]} {
		t.Run(m.name, func(t *testing.T) {
			l := newLab(t, m)
			l.open()
			l.guard()
			l.install()
			l.neighbours()
			q := l.questions()[0]
			l.set(wideOpen)
			l.answered(q) // the cable carries
			for _, open := range []bool{false, true} {
				if !open {
					must(t, l.gate.CloseAll())
					l.refused(q)
				} else {
					l.set(wideOpen)
				}
				l.there.clear()
				before := l.gate.Counters(l.slot4).ARPIn
				asked := l.asking(q, func() {
					for range replacements {
						g, err := Open(Options{Lines: []LineID{m.line}, Dir: l.dir})
						must(t, err)
						must(t, l.gate.Close())
						l.gate = g
					}
				})
				if n := len(l.attached()); n != 2 {
					t.Errorf("%d programs are attached, want two", n)
				}
				dropped := func() int { return int(l.gate.Counters(l.slot4).ARPIn - before) }
				answers := func() (n int) {
					for _, a := range l.there.seen() {
						if q.answer(a.frame) {
							n++
						}
					}
					return n
				}
				t.Logf("open %v: %d questions during %d replacements", open, asked, replacements)
				if asked < replacements {
					t.Errorf("asked %d times only", asked)
				}
				if open {
					eventually(t, "each question is answered", func() bool { return answers() >= asked })
				} else {
					eventually(t, "each question is dropped", func() bool { return dropped() >= asked })
				}
				if n := answers(); open && n != asked || !open && n != 0 {
					t.Errorf("open %v: %d of %d questions were answered", open, n, asked)
				}
				if n := dropped(); open && n != 0 || !open && n != asked {
					t.Errorf("open %v: %d of %d questions were dropped", open, n, asked)
				}
			}
		})
	}
}

// asking asks while do does something, and says how often.
func (l *lab) asking(q question, do func()) (asked int) {
	stop := make(chan struct{})
	var asker sync.WaitGroup
	asker.Go(func() {
		for ; ; time.Sleep(200 * time.Microsecond) {
			select {
			case <-stop:
				return
			default:
				l.there.send(l, q.frame)
				asked++
			}
		}
	})
	do()
	close(stop)
	asker.Wait()
	return asked
}
