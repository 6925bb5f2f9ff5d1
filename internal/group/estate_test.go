package group

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"testing"
	"time"
)

// What becomes of every field of a set in another process. A new field has to be
// said something of here: whether it is in the Estate, or why it need not be.
var setInherited = map[string]string{
	"groups": "from the file", "phase": "carried", "reason": "carried", "since": "carried", "transitions": "carried",
	"started": "it has", "stopping": "it is not still", "stopText": "it is not still", "stopped": "it is not still",
	"maintenance": "carried", "forced": "carried", "down": "told before", "awaited": "told before", "worth": "told before",
	"retry": "carried", "retryText": "carried", "refusals": "carried",
	"lead": "from the file and the checks", "taking": "it is not still", "missing": "of a claim", "resuming": "of a claim", "half": "of a claim",
	"contest": "it is not still", "leave": "of a leave", "said": "of a claim", "listening": "of a claim",
	"ticked": "of one event", "tickedAt": "only later news count", "unsure": "begins anew", "commands": "it is not still",
	"dispute": "what goes on is seen again", "disputes": "carried", "disputedFor": "carried", "lapses": "carried",
	"verified": "from the age of the hold", "security": "of a claim", "steps": "carried", "stuckText": "carried",
	"failures": "carried", "withheld": "carried", "wanting": "carried", "mandate": "carried", "granted": "of a claim", "tenant": "told again",
	"suspended": "carried", "humbled": "carried", "lacks": "carried", "tempered": "follows from these", "announces": "carried",
	"lastHolder": "from the routers", "departed": "carried", "departedAt": "carried",
	"members": "see below", "now": "of one event", "out": "of one event", "acts": "of one event",
}

var memberInherited = map[string]string{
	"group": "from the file", "router": "carried", "config": "from the file", "misfit": "told again", "preempt": "from the file",
	"reason": "of a claim", "cause": "of a claim", "asked": "of a claim", "lost": "of a claim", "from": "of a claim",
	"contenders": "begin anew, see unsure", "owed": "carried", "linkUp": "told before", "linkWhy": "told before",
	"level": "carried", "ordered": "given again", "attempts": "given again", "pending": "it is not still", "failed": "it is not still", "again": "it is not still",
}

func TestEstate_EveryFieldHasAFate(t *testing.T) {
	for _, x := range []struct {
		of   any
		fate map[string]string
	}{{Set{}, setInherited}, {member{}, memberInherited}} {
		typ := reflect.TypeOf(x.of)
		for i := range typ.NumField() {
			if name := typ.Field(i).Name; x.fate[name] == "" {
				t.Errorf("%s.%s: what becomes of it in another process?", typ.Name(), name)
			}
		}
		if typ.NumField() != len(x.fate) {
			t.Errorf("%s has %d fields, and %d have a fate", typ.Name(), typ.NumField(), len(x.fate))
		}
	}
}

// A set that could not undo its steps leaves all of that to the next process.
func TestEstate_CarriesEveryField(t *testing.T) {
	b := backup(t, single(stepped))
	at := b.now
	b.reason, b.transitions, b.maintenance, b.forced = "it hangs", 7, false, true
	b.retry, b.retryText, b.refusals = at.Add(time.Minute), "no", 2
	b.steps, b.stuckText, b.failures = stepsStuck, "it hangs", 3
	b.withheld = withholding{Mandate: true, Yield: true}
	b.wanting, b.mandate = true, at.Add(time.Hour)
	b.disputes, b.disputedFor, b.lapses = 4, time.Second, Lapses{Count: 5, Last: at.UTC(), Late: time.Millisecond}
	b.departed, b.departedAt = netip.MustParseAddr("192.0.2.20"), at.Add(-time.Second)
	b.suspended = suspension{on: true, to: "lb2", begun: at.Add(-time.Second), holder: b.departed}
	b.lacks = []lacking{{"web", true, Lack{What: "flows", For: Preempting, Until: at.Add(time.Second), Again: time.Hour, Why: "3 of 4"}}}
	b.humble(true)
	b.phase, b.since = unfit, at.Add(-time.Hour)
	b.members[0].owed = 2

	text, err := json.Marshal(b.Estate(at))
	if err != nil {
		t.Fatal(err)
	}
	var e Estate
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	// The new one is placed, and lives by another clock: two seconds later.
	h := place(t, single(stepped))
	h.feed(LinkUp(0, netip.Addr{}))
	drawn := at.Add(2 * time.Second)
	h.Inherit(drawn, drawn, &e, nil)

	was, is := reflect.ValueOf(*b.Set), reflect.ValueOf(*h.Set)
	for i := range was.NumField() {
		f := was.Type().Field(i)
		if setInherited[f.Name] != "carried" {
			continue
		}
		switch f.Name {
		case "retry", "mandate", "since", "departedAt", "suspended", "lacks", "announces", "phase":
			continue // compared below
		}
		if zero := was.Field(i).IsZero(); zero && f.Name != "maintenance" {
			t.Errorf("%s: give it a value here", f.Name)
		}
		if a, b := fmt.Sprintf("%+v", was.Field(i)), fmt.Sprintf("%+v", is.Field(i)); a != b {
			t.Errorf("%s was %s, and is %s", f.Name, a, b)
		}
	}
	for name, x := range map[string][2]time.Time{
		"retry": {b.retry, h.retry}, "mandate": {b.mandate, h.mandate}, "since": {b.since, h.since}, "departedAt": {b.departedAt, h.departedAt},
		"suspended": {b.suspended.begun, h.suspended.begun}, "lacks": {b.lacks[0].Until, h.lacks[0].Until},
	} {
		if got := x[1].Sub(x[0]); got != 2*time.Second {
			t.Errorf("%s moved by %s", name, got)
		}
	}
	b.lacks[0].Until = h.lacks[0].Until
	if !reflect.DeepEqual(b.lacks, h.lacks) {
		t.Errorf("lacks was %+v, and is %+v", b.lacks, h.lacks)
	}
	if h.phase != unfit || h.suspended.to != "lb2" || h.suspended.holder != b.departed {
		t.Errorf("it is %d, suspended %+v", h.phase, h.suspended)
	}
	if h.members[0].owed != 2 {
		t.Errorf("it owes %d yields", h.members[0].owed)
	}
	// What was withheld is said when the steps are undone at last.
	acts := h.story(h.Step(drawn, Stepped(StepsLeft, ""), nil))
	if len(acts) == 0 || h.withheld != (withholding{}) {
		t.Errorf("it says %q and withholds %+v", acts, h.withheld)
	}
}
