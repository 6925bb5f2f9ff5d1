package group

import (
	"slices"
	"testing"
	"time"
)

// The steps are done when it is certain that nobody else holds, and the hold
// opens when they are: until then the node advertises, and answers nobody.
func TestSteps_AreTakenBeforeTheHoldOpens(t *testing.T) {
	b := claimer(t, single(stepped))
	b.carried()
	b.listened("take the steps: no advert heard within 3.609375s")
	b.in(claiming)
	b.wait(2500*time.Millisecond, "web ipv4: advert 100", "web ipv4: advert 100")
	b.do(Stepped(StepsTook, ""))
	b.wait(0, "web ipv4: hold holding 3s", "web ipv4: advert 100",
		"web: backup -> active: no advert heard within 3.609375s", "web ipv4: announce")
	b.in(holding)
}

// Where they cannot be done, the node is not fit, and tries again, later each
// time.
func TestSteps_ThatCannotBeDone(t *testing.T) {
	b := claimer(t, single(stepped))
	b.carried()
	b.listened("take the steps: no advert heard within 3.609375s")
	b.do(Stepped(StepsFailed, "unit db.service failed"),
		"web ipv4: advert 0", "web ipv4: hold closed", "web ipv4: remove",
		"web: backup -> fault: unit db.service failed", "web ipv4: say that it yields")
	b.in(unfit)
	b.carried()
	first := b.retry.Sub(b.now)
	b.pass(first + 10*time.Second)
	b.in(claiming)
	b.feed(Stepped(StepsFailed, "unit db.service failed"))
	if again := b.retry.Sub(b.now); again != 2*first {
		t.Errorf("tried again after %s and %s", first, again)
	}
}

// A leave undoes the steps first. The address is silent meanwhile, and nobody
// else may have it: priority 0 comes when nothing is taken any more.
func TestSteps_AreLeftBeforeTheHoldIsGivenBack(t *testing.T) {
	b := holder(t, single(stepped))
	b.do(Handover("b"), "web ipv4: hold claiming 3s", "leave the steps, to become backup: handover by an operator to b")
	b.in(demoting)
	if b.State() != Active {
		t.Errorf("it is %s while it may have the steps taken", b.State())
	}
	b.wait(2*time.Second, "web ipv4: advert 100", "web ipv4: advert 100")
	b.do(Stepped(StepsLeft, ""),
		"web ipv4: hold serving 2.7s", "web ipv4: advert 0", `web ipv4: tell "b" to take over`,
		"web: active -> backup: handover by an operator to b")
	b.in(leaving)
}

// Who cannot undo them in time does not say that it let go: the hold lapses.
func TestSteps_ThatCannotBeUndone(t *testing.T) {
	b := trusted(t)
	b.do(Failed("nothing", "")) // no group uses it
	b.do(Stop("the daemon was told to stop"), "web ipv4: hold claiming 3s",
		"leave the steps, to become init: the daemon was told to stop")
	b.do(Stepped(StepsStuck, "unit db.service does not stop"),
		"web: notice HF2027: could not let go in order: unit db.service does not stop; the hold lapses instead",
		"web ipv4: hold closed", "web ipv4: remove",
		"web: active -> fault: could not let go in order: unit db.service does not stop; the hold lapses instead",
		"forsake the mandate", "web: fault -> init: the daemon was told to stop")
	b.carried("stopped")
}

// trusted gives a guarded holder with steps and a mandate.
func trusted(t *testing.T) *bench {
	t.Helper()
	b := backup(t, single(stepped, guarded))
	b.feed(Mandate(b.now.Add(time.Hour)))
	b.pass(5 * time.Second)
	b.in(claiming)
	b.reply(nil)
	b.pass(time.Second)
	b.feed(Stepped(StepsTook, ""))
	b.pass(5 * time.Second)
	b.in(holding)
	return b
}

// It takes no part until they are undone after all.
func TestSteps_StuckIsAFault(t *testing.T) {
	b := holder(t, single(stepped))
	b.feed(Handover(""))
	b.feed(Stepped(StepsStuck, "unit db.service does not stop"))
	b.carried()
	b.pass(time.Minute)
	b.in(unfit)
	b.do(Stepped(StepsLeft, ""), "web ipv4: say that it yields",
		"web: fault -> backup: started as backup: listening for an active node")
}

// A hold that lapses leaves a node that still has the steps taken. It says
// nothing, keeps its mandate, and claims nothing, until they are undone.
func TestSteps_OfALapsedHold(t *testing.T) {
	b := trusted(t)
	b.do(Lapsed(0, 30*time.Millisecond), "web ipv4: hold closed", "web ipv4: remove",
		"web: notice HF2022: this node was late: its hold had ended 30ms before it could be renewed",
		"web: active -> backup: this node was late: its hold had ended 30ms before it could be renewed",
		"leave the steps, to become backup: this node was late: its hold had ended 30ms before it could be renewed")
	b.carried()
	b.wait(10 * time.Second)
	b.in(waiting)
	b.do(Stepped(StepsLeft, ""), "give the mandate back", "web ipv4: say that it yields", "ask for a mandate with 100")
	b.in(waiting)
}

// A claim that another one beats has the steps undone before it yields.
func TestSteps_OfAClaimThatIsBeaten(t *testing.T) {
	b := claimer(t, single(stepped))
	b.carried()
	b.listened("take the steps: no advert heard within 3.609375s")
	b.kin(higher, 110, "leave the steps, to become backup: another node has the better claim",
		"web ipv4: hold closed", "web ipv4: remove")
	b.in(waiting)
	b.do(Stepped(StepsTook, "")) // it was done before it heard that it is not wanted
	b.do(Stepped(StepsLeft, ""), "web ipv4: say that it yields")
}

// What a daemon that was killed left is undone before anything else.
func TestSteps_OfAnEarlierProcess(t *testing.T) {
	b := backup(t, single(stepped))
	b.do(Stepped(StepsUnfinished, ""))
	b.wait(20 * time.Second)
	b.in(waiting)
	b.do(Stepped(StepsLeft, ""), "web ipv4: hold preparing 3s", "web ipv4: ask who else has it",
		"web ipv4: advert 100", "web ipv4: install")
}

// Another vendor's router lets go when it hears a better advert, and the steps
// are taken after that.
func TestSteps_BesideAnotherVendor(t *testing.T) {
	b := backup(t, single(stepped))
	for b.phase == waiting && b.now.Sub(b.began) < 10*time.Second {
		b.hear(lower, 50)
		b.pass(900 * time.Millisecond)
	}
	b.carried("web ipv4: hold preparing 3s", "web ipv4: ask who else has it", "web ipv4: advert 100")
	b.hear(lower, 0, "web ipv4: advert 100")
	b.listened("take the steps: preempted 192.0.2.9: its priority 50 is below 100")
}

// Who can neither do them nor undo what was begun keeps nobody else from holding:
// it does not give its mandate back, and does not renew it.
func TestSteps_StuckInTheMiddle(t *testing.T) {
	b := backup(t, single(stepped, guarded))
	b.feed(Mandate(b.now.Add(time.Hour)))
	b.pass(5 * time.Second)
	b.in(claiming)
	b.reply(nil)
	b.pass(time.Second)
	b.do(Stepped(StepsStuck, "mount.sh failed, and umount.sh too"), "web ipv4: hold closed", "web ipv4: remove",
		"web: backup -> fault: mount.sh failed, and umount.sh too", "forsake the mandate")
	b.carried()
	b.wait(10 * time.Minute)
	b.in(unfit)
	if b.Wanting() {
		t.Error("it still asks for its mandate")
	}
}

// A mandate that has ended is not given back while the steps are taken: that
// would say that they are not.
func TestSteps_OfAMandateThatEnded(t *testing.T) {
	b := trusted(t)
	b.feed(Mandate(b.now))
	reason := "the hold has ended: who guards the group does not agree to this node any more"
	b.do(Lapsed(0, time.Millisecond), "web ipv4: hold closed", "forsake the mandate", "web ipv4: remove",
		"web: notice HF2026: "+reason, "web: active -> backup: "+reason, "leave the steps, to become backup: "+reason)
	b.carried()
	b.wait(time.Minute)
	b.do(Stepped(StepsLeft, ""), "web ipv4: say that it yields", "ask for a mandate with 100")
}

// A claim waits for steps that are being undone with its deadlines, too: a
// deadline that is never met would keep the caller busy for ever.
func TestSteps_AreWaitedForWithoutADeadline(t *testing.T) {
	b := claimer(t, single(stepped))
	b.carried()
	b.listened("take the steps: no advert heard within 3.609375s")
	for _, b.steps = range []steps{stepsTaking, stepsLeaving} {
		if at := b.clearAt(); !at.IsZero() {
			t.Errorf("steps %d: it wants to be stepped %s from now", b.steps, at.Sub(b.now))
		}
	}
}

// A holder that cannot go on where another process stopped leaves its steps.
func TestSteps_InheritedInVain(t *testing.T) {
	b := holder(t, single(stepped))
	e := b.Estate(b.now)
	h := place(t, single(stepped))
	h.feed(LinkDown(0, "eth0 is down"))
	acts := h.story(h.Inherit(h.now, h.now, &e, nil))
	if !slices.Contains(acts, "leave the steps, to become fault: eth0 is down") {
		t.Errorf("it does %q", acts)
	}
}
