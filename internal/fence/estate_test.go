package fence

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What another process has to know of a node, and what it has not: a field that
// is in neither list was forgotten.
func TestEstate_ForgetsNothing(t *testing.T) {
	left := map[string]string{
		"due": "nothing is waited for", "killed": "no agent runs", "level": "no round is under way", "step": "no round is under way",
		"tries": "no round is under way", "run": "no agent runs", "waiters": "nobody waits",
	}
	cfg := twoLevels()
	a := New(cfg)
	at := time.Unix(1000, 0).UTC()
	b := a.target("b")
	*b = target{
		name: "b", state: Fenced, why: "gone", fenced: "off by ipmi", failure: "before that", since: at, asked: at.Add(-time.Minute), rounds: 3,
		last: Attempt{Began: at, Took: time.Second, OK: true, Level: 1, Text: "off by ipmi", Why: "gone"},
	}
	a.target("d").failure = "not in the file, and not fenced"
	text, err := json.Marshal(a.Estate())
	if err != nil {
		t.Fatal(err)
	}
	var e Estate
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	h := New(cfg)
	h.Inherit(e)
	if len(h.nodes) != 2 {
		t.Errorf("%d nodes", len(h.nodes))
	}
	was := reflect.ValueOf(*b)
	for i := range was.NumField() {
		name := was.Type().Field(i).Name
		if left[name] != "" {
			continue
		}
		if was.Field(i).IsZero() {
			t.Errorf("%s: say what becomes of it in another process", name)
		}
	}
	if diff := cmp.Diff(*b, *h.target("b"), cmp.AllowUnexported(target{}, try{})); diff != "" {
		t.Error(diff)
	}
}
