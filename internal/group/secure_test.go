package group

import (
	"testing"
	"time"
)

const unheardFor = "no advert heard within 3.609375s"

// Fencing comes when nobody else holds by the rules, and before the first step.
func TestSecure_ComesBeforeTheSteps(t *testing.T) {
	b := claimer(t, single(stepped, fenced))
	b.carried()
	b.listened("make it safe: " + unheardFor)
	b.wait(2500*time.Millisecond, "web ipv4: advert 100", "web ipv4: advert 100")
	b.do(Secured())
	b.wait(0, "take the steps: "+unheardFor)
	b.in(claiming)
}

func TestSecure_IsAskedForWithoutStepsToo(t *testing.T) {
	b := claimer(t, single(fenced))
	b.carried()
	b.listened("make it safe: " + unheardFor)
	b.do(Secured())
	b.wait(0, "web ipv4: hold holding 3s", "web ipv4: advert 100", "web: backup -> active: "+unheardFor, "web ipv4: announce")
}

// Without a watchdog, or with a node that cannot be fenced, it does not hold.
func TestSecure_ThatIsRefused(t *testing.T) {
	b := claimer(t, single(stepped, fenced))
	b.carried()
	b.listened("make it safe: " + unheardFor)
	b.do(Insecure("b could not be fenced"),
		"web ipv4: advert 0", "web ipv4: hold closed", "web ipv4: remove",
		"web: backup -> fault: b could not be fenced", "web ipv4: say that it yields")
	b.carried()
	b.do(Secured()) // an answer that nobody waits for
	b.in(unfit)
	first := b.retry.Sub(b.now)
	b.pass(first + 10*time.Second)
	b.in(claiming)
	b.reply(nil)
	b.pass(time.Second)
	b.feed(Insecure("b could not be fenced"))
	if again := b.retry.Sub(b.now); again != 2*first {
		t.Errorf("tried again after %s and %s", first, again)
	}
}

// A claim that was called off is not made safe by a late answer to it: the next
// one asks anew.
func TestSecure_IsAskedForInEachClaim(t *testing.T) {
	b := claimer(t, single(fenced))
	b.carried()
	b.listened("make it safe: " + unheardFor)
	b.feed(Failed("nothing", ""))
	b.feed(LinkDown(0, "eth0 is down"))
	b.in(unfit)
	if b.Securing() {
		t.Error("it still waits")
	}
	b.do(Secured())
	b.in(unfit)
}
