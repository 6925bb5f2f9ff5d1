package group

import (
	"slices"
	"testing"
	"time"
)

func leased(c *Config) { c.Guarded, c.Leased = true, true }

// tenant gives a leased set that holds, by a mandate for a long time.
func tenant(t *testing.T, groups ...Config) *bench {
	t.Helper()
	b := backup(t, groups...)
	b.feed(Leased(b.now.Add(time.Hour), "nobody held the lease"))
	b.in(claiming)
	b.reply(nil)
	b.pass(time.Second)
	b.in(holding)
	return b
}

// A leased set has nobody to listen for: it asks for its lease at once.
func TestLeased_AsksAtOnce(t *testing.T) {
	b := place(t, single(leased))
	b.feed(LinkUp(0, addr(0, self)))
	acts := b.story(b.feed(Start()))
	if !slices.Contains(acts, "ask for a mandate with 100") {
		t.Errorf("it does %q", acts)
	}
	b.in(waiting)
	b.pass(time.Hour)
	b.in(waiting)
}

// It claims for the reason that it was given the lease for.
func TestLeased_ClaimsWithItsLease(t *testing.T) {
	b := tenant(t, single(leased))
	if got := b.View().Reason; got != "nobody held the lease" {
		t.Errorf("the reason is %q", got)
	}
}

// Its lease is given back when nothing is announced any more, for the node
// that was named; and that node ends the leave when the store tells of it.
func TestLeased_HandsOver(t *testing.T) {
	b := tenant(t, single(leased))
	acts := b.feed(Handover("beta"))
	i := slices.IndexFunc(acts, func(a Action) bool { return a.Kind == ActionHold })
	j := slices.IndexFunc(acts, func(a Action) bool { return a.Kind == ActionRelease && a.Name == "beta" })
	if i < 0 || j < i {
		t.Errorf("the doors move with action %d, the lease is given back with %d", i, j)
	}
	b.in(leaving)
	b.now = b.now.Add(20 * time.Millisecond)
	b.feed(Holder("beta"))
	acts = b.pass(leaveGrace)
	if !slices.ContainsFunc(acts, func(a Action) bool { return a.Kind == ActionWant }) {
		t.Error("it does not ask for the lease again")
	}
	b.in(waiting)
}

// A handover that nobody takes up is taken back, once the lease is here again.
func TestLeased_TakesBack(t *testing.T) {
	b := tenant(t, single(leased))
	b.feed(Handover("beta"))
	acts := b.pass(time.Minute)
	if !slices.ContainsFunc(acts, func(a Action) bool { return a.Kind == ActionWant }) {
		t.Error("it does not ask for the lease again")
	}
	b.in(claiming)
	b.feed(Leased(b.now.Add(time.Hour), "nobody held the lease"))
	b.reply(nil)
	b.pass(time.Second)
	b.in(holding)
}

// A lease that was given back is waited for until everybody must have read it,
// also who is not told of it.
func TestLeased_WaitsForWhoMustRead(t *testing.T) {
	b := tenant(t, single(leased, func(c *Config) { c.Unwatched = 5 * time.Second }))
	b.feed(Handover(""))
	b.pass(5 * time.Second)
	b.in(leaving)
	b.pass(leaveSlack)
	b.in(claiming)
}

// The one that was named comes late: what was about to be taken back is not.
func TestLeased_SuccessorComesLate(t *testing.T) {
	b := tenant(t, single(leased))
	b.feed(Handover("beta"))
	b.pass(b.patience())
	b.in(claiming)
	b.feed(Holder("beta"))
	b.in(waiting)
}

// A lease that is not renewed in time ends the hold, and a priority that
// changes is asked for anew.
func TestLeased_Lapses(t *testing.T) {
	b := tenant(t, single(leased, uses(Use{Check: "disk", Weight: 30})))
	acts := b.story(b.feed(Failed("disk", "full")))
	if !slices.Contains(acts, "ask for a mandate with 70") {
		t.Errorf("it does %q", acts)
	}
	b.feed(Leased(b.now, ""))
	b.feed(Lapsed(0, time.Millisecond))
	b.in(waiting)
	if got := b.View().Reason; got != "the hold has ended: its lease was not renewed in time" {
		t.Errorf("the reason is %q", got)
	}
}

// So is one that a reload changes.
func TestLeased_PriorityOfAReload(t *testing.T) {
	b := tenant(t, single(leased))
	acts, err := b.Reconfigure(b.now, []Config{single(leased, priority(70))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if story := b.story(acts); !slices.Contains(story, "ask for a mandate with 70") {
		t.Errorf("it does %q", story)
	}
}
