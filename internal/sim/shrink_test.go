package sim

import "testing"

// A plan in which one fault of many is to blame shrinks to that one.
func TestShrink(t *testing.T) {
	plan := Random(7)
	plan.of = 99
	plan.add(plan.End, func(w *World) { w.judge.problem("this one") }, "the culprit")
	if len(plan.misfortunes()) < 3 {
		t.Fatalf("the plan has only %d faults", len(plan.misfortunes()))
	}
	small := plan.Shrink()
	if got := small.misfortunes(); len(got) != 1 || got[0] != 99 {
		t.Errorf("what is left is %v", got)
	}
	if len(small.Faults) >= len(plan.Faults) {
		t.Error("nothing was left out")
	}
}
