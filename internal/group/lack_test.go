package group

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func (b *bench) misses(f For, d time.Duration) []Action {
	return b.feed(Unready("web", Lack{What: "flows", For: f, Until: b.now.Add(d), Why: "3 of 4"}))
}

// asks reports whether a set asks a live holder of lower priority to hand over
// within a while.
func (b *bench) asks(for_ time.Duration) bool {
	for end := b.now.Add(for_); b.now.Before(end); {
		b.now = b.now.Add(500 * time.Millisecond)
		acts := append(b.feed(Tick()), b.kinAdverts(lower, 50)...)
		if slices.ContainsFunc(acts, func(a Action) bool { return a.Kind == ActionAsk }) {
			return true
		}
	}
	return false
}

// said is the codes of notices.
func said(acts []Action) (codes []string) {
	for _, a := range acts {
		if a.Kind == ActionRecord && a.Record.Kind == "notice" {
			codes = append(codes, a.Record.Code)
		}
	}
	return codes
}

func TestLack_ClaimsNothingBeforeItIsThere(t *testing.T) {
	for name, g := range map[string]Config{"vrrp": single(), "guarded": single(guarded), "leased": single(leased)} {
		t.Run(name, func(t *testing.T) {
			b := backup(t, g)
			b.misses(Claiming, time.Hour)
			if acts := b.pass(time.Minute); slices.ContainsFunc(acts, func(a Action) bool { return a.Kind == ActionOrder }) || b.Wanting() {
				t.Errorf("it does %q", b.story(acts))
			}
			b.in(waiting)
			b.feed(Take("b"))
			b.in(waiting)
			acts := b.feed(Ready("web", "flows"))
			if b.Wanting() {
				b.feed(Leased(b.now.Add(time.Hour), "nobody had it"))
			}
			b.in(claiming)
			if got := said(acts); !slices.Equal(got, []string{"HF2032"}) {
				t.Errorf("it says %v", got)
			}
		})
	}
}

func TestLack_DoesNotPreempt(t *testing.T) {
	for name, g := range map[string]Config{"vrrp": single(), "owner": single(func(c *Config) { c.Priority = 255 })} {
		t.Run(name, func(t *testing.T) {
			b := place(t, g)
			b.misses(Preempting, time.Hour)
			b.feed(LinkUp(0, addr(0, self)))
			b.feed(Start())
			b.kinAdverts(lower, 50)
			if b.asks(time.Minute) {
				t.Error("it asks the holder to hand over")
			}
			b.in(waiting)
			if got := b.View().Lacks; len(got) != 1 || got[0].Why != "3 of 4" {
				t.Errorf("the view shows %+v", got)
			}
			b.feed(Ready("web", "flows"))
			if !b.asks(time.Minute) {
				t.Error("it does not preempt once it may")
			}
		})
	}
}

// It is better than nobody: the holder falls silent, or says that it leaves.
func TestLack_ClaimsWhereNobodyHolds(t *testing.T) {
	for name, leave := range map[string]func(*bench){
		"silence":    func(b *bench) { b.pass(10 * time.Second) },
		"priority 0": func(b *bench) { b.adverts(lower, 0); b.pass(time.Second) },
		"its word":   func(b *bench) { b.feed(Next("b")) },
	} {
		t.Run(name, func(t *testing.T) {
			b := backup(t, single())
			b.misses(Preempting, time.Hour)
			if b.asks(10 * time.Second) {
				t.Fatal("it asks")
			}
			leave(b)
			if b.phase < claiming {
				t.Errorf("it is %s", b.phase)
			}
		})
	}
}

func TestLack_ALeaseIsAskedForAsTheLeastOfAll(t *testing.T) {
	b := backup(t, single(leased))
	acts := strings.Join(b.story(b.misses(Preempting, time.Hour)), "\n")
	if !strings.Contains(acts, "ask for a mandate with 1\n") && !strings.HasSuffix(acts, "ask for a mandate with 1") {
		t.Errorf("it does %s", acts)
	}
	b.feed(Leased(b.now.Add(time.Hour), "nobody had it"))
	b.in(claiming)
	b.reply(nil)
	acts = strings.Join(b.story(b.pass(time.Second)), "\n")
	b.in(holding)
	if !strings.Contains(acts, "ask for a mandate with 100") {
		t.Errorf("a holder lacks nothing, and it does %s", acts)
	}
}

// What has not come by then is waited for no more, and that is said.
func TestLack_IsBounded(t *testing.T) {
	b := backup(t, single())
	b.misses(Claiming, 20*time.Second)
	acts := b.pass(19 * time.Second)
	b.in(waiting)
	acts = append(acts, b.pass(2*time.Second)...)
	if b.phase < claiming {
		t.Errorf("it is %s", b.phase)
	}
	if got := said(acts); !slices.Contains(got, "HF2033") {
		t.Errorf("it says %v", got)
	}
}

// A holder goes on, whatever is said that it lacks.
func TestLack_DoesNotTakeAHolderAway(t *testing.T) {
	for _, f := range []For{Claiming, Preempting} {
		b := holder(t, single())
		if acts := b.misses(f, time.Hour); len(acts) > 0 {
			t.Errorf("%s: it does %q", f, b.story(acts))
		}
		b.pass(10 * time.Second)
		b.in(holding)
		if got := b.View().Lacks; len(got) > 0 {
			t.Errorf("the view shows %+v", got)
		}
	}
}

// What gets old is lacking anew when another node may have held: after a hold
// of its own, when it takes part again, when a link was down. The bound begins
// anew with that.
func TestLack_ComesAgain(t *testing.T) {
	standing := func(b *bench) {
		b.feed(Unready("web", Lack{What: "flows", For: Preempting, Until: b.now.Add(time.Minute), Again: time.Minute}))
	}
	lacks := func(b *bench) bool { return len(b.View().Lacks) > 0 }
	for name, away := range map[string]func(*bench){
		"a handover": func(b *bench) { b.feed(Handover("")) },
		"a fault": func(b *bench) {
			b.feed(LinkDown(0, "no carrier"))
			b.pass(10 * time.Minute)
			b.feed(LinkUp(0, addr(0, self)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := holder(t, single())
			standing(b)
			b.pass(time.Hour)
			if lacks(b) {
				t.Error("a holder lacks something")
			}
			away(b)
			if !lacks(b) {
				t.Fatal("it lacks nothing afterwards")
			}
			if got := b.View().Lacks[0].Until.Sub(b.now); got != time.Minute {
				t.Errorf("it waits for %s", got)
			}
			b.feed(Ready("web", "flows"))
			if lacks(b) {
				t.Error("it is there, and still lacking")
			}
		})
	}
	b := backup(t, single())
	standing(b)
	b.feed(Ready("web", "flows"))
	b.kinAdverts(lower, 50)
	b.feed(Unready("web", Lack{What: "flows", For: Preempting, Until: b.now.Add(time.Minute)})) // no more
	b.feed(Ready("web", "flows"))
	b.feed(LinkDown(0, "no carrier"))
	b.feed(LinkUp(0, addr(0, self)))
	if lacks(b) {
		t.Error("what was ended comes again")
	}
}
