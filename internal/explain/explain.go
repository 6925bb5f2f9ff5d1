package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// Input is what is known.
type Input struct {
	Status  *api.Status
	Events  []api.Event  // of the group, oldest first
	Fencing *api.Fencing // nil: not known
}

// lately is how many of the last changes are shown.
const lately = 5

// Group explains a group. It is false where there is no such group.
func Group(name string, in Input) (api.Explanation, bool) {
	i := slices.IndexFunc(in.Status.Groups, func(g api.Group) bool { return g.Name == name })
	if i < 0 {
		return api.Explanation{}, false
	}
	x := &view{Input: in, g: &in.Status.Groups[i]}
	x.gather()
	slices.SortStableFunc(x.facts, func(a, b api.Fact) int { return rank(a.Verdict) - rank(b.Verdict) })
	e := api.Explanation{
		Schema: api.SchemaExplanation, Node: in.Status.Node, Group: name,
		State: x.g.State, Since: x.g.Since, Holder: x.g.Holder, Reason: x.g.Reason,
		Summary: x.summary(), Decides: x.decides(), Facts: x.facts, Ways: x.ways(), Events: x.recent(),
	}
	return e, true
}

// view is a group while it is explained.
type view struct {
	Input
	g     *api.Group
	facts []api.Fact
}

func rank(verdict string) int {
	return slices.Index([]string{api.VerdictBars, api.VerdictWaits, api.VerdictLowers, api.VerdictOK}, verdict)
}

func (x *view) active() bool { return x.g.State == "active" }

// first is the first fact with a verdict.
func (x *view) first(verdict string) (api.Fact, bool) {
	i := slices.IndexFunc(x.facts, func(f api.Fact) bool { return f.Verdict == verdict })
	if i < 0 {
		return api.Fact{}, false
	}
	return x.facts[i], true
}

// summary is the answer in a sentence.
func (x *view) summary() string {
	g := x.g
	bars, barred := x.first(api.VerdictBars)
	if holders := g.Holders(); len(holders) > 1 {
		return fmt.Sprintf("more than one node holds it: %s", strings.Join(holders, " and "))
	}
	switch {
	case g.State == "init":
		return "this node takes no part in it: " + cmp.Or(g.Reason, "it has just started")
	case g.Leaving && g.Steps != nil && g.Steps.State != "clean":
		return "this node lets it go, and undoes its steps first"
	case g.Leaving:
		return "this node lets it go, and serves what still arrives until its successor is heard"
	case x.active() && barred:
		return fmt.Sprintf("this node holds it, and may have to let go: %s: %s", bars.Subject, bars.Text)
	case x.active():
		return "this node holds it"
	}
	who := "nobody is known to hold it"
	if g.Holder != "" {
		who = g.Holder + " holds it"
	}
	switch w, waits := x.first(api.VerdictWaits); {
	case barred:
		return fmt.Sprintf("%s; this node may not: %s: %s", who, bars.Subject, bars.Text)
	case waits:
		return fmt.Sprintf("%s; this node waits: %s: %s", who, w.Subject, w.Text)
	case g.Holder == "":
		return who + "; this node is about to claim it"
	}
	return who + "; this node is ready to take over"
}

// decides says who decides.
func (x *view) decides() string {
	g := x.g
	better := fmt.Sprintf("the highest priority wins; here it is %d", g.Priority)
	switch g.Guard.Kind {
	case api.GuardStrict:
		return "the store of leases: one record says who holds, and only who is named there may, for as long as it renews that"
	case api.GuardMajority:
		return fmt.Sprintf("a majority of %d voters, who promise it to one node at a time; VRRP decides which node asks them: %s", g.Guard.Of, better)
	case api.GuardGateway:
		return fmt.Sprintf("VRRP, among the nodes for which the gateway %s answers: %s", g.Guard.Gateway, better)
	}
	return "VRRP, by the adverts that each node hears: " + better + ". Nodes that do not hear each other may hold at the same time"
}

// recent are the last changes with their reasons.
func (x *view) recent() []api.Event {
	out := []api.Event{}
	for _, ev := range x.Events {
		if ev.Group == x.g.Name && ev.Kind != "hook" {
			out = append(out, ev)
		}
	}
	return out[max(0, len(out)-lately):]
}

// short is a time for people.
func short(d api.Duration) string { return round(time.Duration(d)).String() }

func round(d time.Duration) time.Duration {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second)
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(time.Millisecond)
}
