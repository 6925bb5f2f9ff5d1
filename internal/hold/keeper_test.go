package hold

import (
	"testing"
	"time"
)

const (
	term = 3 * time.Second
	soon = time.Millisecond
)

// at is an instant some time after the machine came up.
func at(d time.Duration) Instant { return Instant(time.Hour).Add(d) }

// claiming is a keeper whose claim began at 0; holding one whose hold was
// extended last at 0.
func claiming() *Keeper {
	k := &Keeper{}
	k.Move(at(0), Claiming, term)
	return k
}

func holding() *Keeper {
	k := claiming()
	k.Move(at(0), Holding, term)
	k.Spoke(at(0), at(0))
	return k
}

func want(t *testing.T, k *Keeper, d Doors) {
	t.Helper()
	if k.Doors() != d {
		t.Errorf("the doors are %+v, want %+v", k.Doors(), d)
	}
}

func open(d time.Duration) Doors  { return Doors{Announced: at(d), Served: at(d)} }
func claim(d time.Duration) Doors { return Doors{Served: at(d), Advertised: at(d)} }

func TestKeeper_StartsClosed(t *testing.T) {
	var k Keeper
	want(t, &k, Doors{})
	if k.Level() != Closed || k.May(at(0)) || k.Lapsed(at(0)) || k.Until() != 0 {
		t.Error("a new keeper is not closed")
	}
	if d, ok := k.Spoke(at(0), at(soon)); ok || d != (Doors{}) {
		t.Error("a closed keeper was extended")
	}
}

// Adverts pass from the beginning of a claim; nothing is announced.
func TestMove_Claiming(t *testing.T) {
	var k Keeper
	if got := k.Move(at(soon), Claiming, term); got != claim(term+soon) || k.Level() != Claiming {
		t.Errorf("got %+v", got)
	}
}

// A hold opens with the next advert: until then the claim's door stays open.
func TestMove_HoldingAfterAClaim(t *testing.T) {
	k := claiming()
	if got := k.Move(at(soon), Holding, term); got != claim(term) {
		t.Errorf("got %+v", got)
	}
	if d, ok := k.Spoke(at(2*soon), at(3*soon)); !ok || d != open(term+2*soon) {
		t.Errorf("got %+v, %t", d, ok)
	}
}

// It lasts from before the advert, not from after it.
func TestSpoke_CountsFromBefore(t *testing.T) {
	k := holding()
	if d, ok := k.Spoke(at(time.Second), at(2*time.Second)); !ok || d != open(term+time.Second) {
		t.Errorf("got %+v, %t", d, ok)
	}
	want(t, k, open(term+time.Second))
}

// The gate has let the advert pass for certain only if the hold was still open
// after it was sent.
func TestSpoke_NeedsAnOpenDoor(t *testing.T) {
	for _, k := range []*Keeper{holding(), claiming()} {
		before := k.Doors()
		for _, after := range []time.Duration{term, term + 1, 10 * term} {
			if d, ok := k.Spoke(at(soon), at(after)); ok || d != before {
				t.Errorf("%s, after %s: got %+v, %t", k.Level(), after, d, ok)
			}
		}
		want(t, k, before)
		if _, ok := k.Spoke(at(soon), at(term-1)); !ok {
			t.Errorf("%s: an advert in time does not extend", k.Level())
		}
	}
}

func TestMay(t *testing.T) {
	for _, k := range []*Keeper{holding(), claiming()} {
		if !k.May(at(term - 1)) {
			t.Errorf("%s: no advert may be sent in time", k.Level())
		}
		if k.May(at(term)) {
			t.Errorf("%s: an advert may be sent late", k.Level())
		}
	}
	k := holding()
	k.Move(at(0), Serving, term)
	if k.May(at(0)) {
		t.Error("a node that only serves may send adverts")
	}
}

// A hold or a claim lapses. What was closed, or only serves, does not.
func TestLapsed(t *testing.T) {
	for _, k := range []*Keeper{holding(), claiming()} {
		if k.Lapsed(at(term - 1)) {
			t.Errorf("%s: lapsed too early", k.Level())
		}
		if !k.Lapsed(at(term)) {
			t.Errorf("%s: did not lapse", k.Level())
		}
		k.Move(at(0), Serving, term)
		if k.Lapsed(at(2 * term)) {
			t.Error("serving lapsed")
		}
		k.Move(at(0), Closed, 0)
		if k.Lapsed(at(2 * term)) {
			t.Error("what is closed lapsed")
		}
	}
}

// What closes does so at once, whatever was open.
func TestMove_Closes(t *testing.T) {
	for _, k := range []*Keeper{holding(), claiming()} {
		k.Move(at(soon), Closed, 0)
		want(t, k, Doors{})
		if _, ok := k.Spoke(at(soon), at(soon)); ok {
			t.Error("a closed hold was extended")
		}
	}
	k := holding()
	k.Move(at(soon), Serving, time.Second)
	want(t, k, Doors{Served: at(time.Second + soon)})
	if _, ok := k.Spoke(at(soon), at(soon)); ok {
		t.Error("a hold that was let go was extended")
	}
}

// After a hold was let go, only a claim leads to another. A router of an
// active set that was silent for a while gets the door of a claim.
func TestMove_HoldingAnew(t *testing.T) {
	k := holding()
	k.Move(at(0), Serving, term)
	k.Move(at(soon), Holding, term)
	want(t, k, claim(term+soon))
	if d, ok := k.Spoke(at(2*soon), at(3*soon)); !ok || d != open(term+2*soon) {
		t.Errorf("got %+v, %t", d, ok)
	}
}

// A shorter interval counts at once, as the peers may hear of it before the
// next store; a longer one with the next advert, which tells them.
func TestMove_HoldingWithAnotherTerm(t *testing.T) {
	k := holding()
	k.Spoke(at(time.Second), at(time.Second+soon))
	k.Move(at(time.Second+2*soon), Holding, term/3)
	want(t, k, open(time.Second+term/3))

	k = holding()
	k.Spoke(at(time.Second), at(time.Second))
	k.Move(at(time.Second+soon), Holding, 2*term)
	want(t, k, open(time.Second+term))
	k.Spoke(at(2*time.Second), at(2*time.Second))
	want(t, k, open(2*time.Second+2*term))

	// And nothing is longer for it: neither a shorter term that ends later
	// than the hold, nor one for a router that does not hold yet.
	k = holding()
	k.Move(at(soon), Holding, 2*term)
	k.Move(at(soon), Holding, 2*term-1)
	want(t, k, open(term))

	k = claiming()
	k.Move(at(soon), Holding, 2*term)
	k.Move(at(soon), Holding, term)
	want(t, k, claim(term))
}

// The routers of a set that wait for the leading one to claim are granted what
// it is granted.
func TestShare(t *testing.T) {
	k := claiming()
	if got := k.Share(at(time.Second)); got != claim(term+time.Second) {
		t.Errorf("got %+v", got)
	}
	k = holding()
	if got := k.Share(at(time.Second)); got != open(term) {
		t.Errorf("a hold was shared: %+v", got)
	}
}

// What a majority has promised limits every hold and every claim, and gives
// none that adverts do not.
func TestLimit(t *testing.T) {
	for _, c := range []struct {
		name string
		k    *Keeper
		all  Doors
		less Doors
	}{
		{"holding", holding(), open(term), open(time.Second)},
		{"claiming", claiming(), claim(term), claim(time.Second)},
		{"closed", &Keeper{}, Doors{}, Doors{}},
	} {
		if got := c.k.Limit(at(2 * term)); got != c.all {
			t.Errorf("%s: a limit beyond its end makes it %+v", c.name, got)
		}
		if got := c.k.Limit(at(time.Second)); got != c.less || c.k.Doors() != c.less {
			t.Errorf("%s: limited, it is %+v", c.name, got)
		}
		if got := c.k.Limit(0); got != c.all {
			t.Errorf("%s: without a limit it is %+v", c.name, got)
		}
	}
}

// A limit ends a hold as its adverts would, and is asked before each of them.
func TestLimit_Ends(t *testing.T) {
	k := holding()
	k.Limit(at(time.Second))
	if k.Until() != at(time.Second) || !k.May(at(time.Second-1)) || k.May(at(time.Second)) || !k.Lapsed(at(time.Second)) {
		t.Error("the hold goes on")
	}
	if _, ok := k.Spoke(at(soon), at(time.Second)); ok {
		t.Error("it was extended beyond its limit")
	}
	if d, ok := k.Spoke(at(soon), at(2*soon)); !ok || d != open(time.Second) {
		t.Errorf("got %+v, %t", d, ok)
	}
	k.Limit(at(2 * time.Second))
	want(t, k, open(2*time.Second)) // the adverts allow for it
}

// Who has let go serves what still arrives, whatever others have promised.
func TestLimit_OfServing(t *testing.T) {
	k := holding()
	k.Limit(at(time.Second))
	k.Move(at(soon), Serving, 2*time.Second)
	want(t, k, Doors{Served: at(2*time.Second + soon)})
}

func TestTerm(t *testing.T) {
	for _, c := range []struct {
		interval        time.Duration
		version         uint8
		patience, short time.Duration
	}{
		{time.Second, 3, 3*time.Second + 3906250*time.Nanosecond, 3503906 * time.Nanosecond},
		{10 * time.Millisecond, 3, 30*time.Millisecond + 39062*time.Nanosecond, 530039 * time.Nanosecond},
		{time.Second, 2, 3*time.Second + 3906250*time.Nanosecond, 3503906 * time.Nanosecond},
		{3 * time.Second, 2, 9*time.Second + 3906250*time.Nanosecond, 9503906 * time.Nanosecond},
	} {
		if got := Patience(c.interval, c.version); got != c.patience {
			t.Errorf("every %s, version %d: peers wait %s, want %s", c.interval, c.version, got, c.patience)
		}
		if got := Patience(c.interval, c.version) - Term(c.interval, c.version); got != c.short {
			t.Errorf("every %s, version %d: the margin is %s, want %s", c.interval, c.version, got, c.short)
		}
	}
}

func TestListen(t *testing.T) {
	for interval, want := range map[time.Duration]time.Duration{
		10 * time.Millisecond:  time.Millisecond,
		32 * time.Millisecond:  time.Millisecond,
		64 * time.Millisecond:  2 * time.Millisecond,
		160 * time.Millisecond: 5 * time.Millisecond,
		time.Second:            5 * time.Millisecond,
	} {
		if got := Listen(interval); got != want {
			t.Errorf("every %s: listens for %s, want %s", interval, got, want)
		}
	}
}

func TestLevel_HasAName(t *testing.T) {
	for l, want := range map[Level]string{Closed: "closed", Claiming: "claiming", Serving: "serving", Holding: "holding", 9: "level ?"} {
		if got := l.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Who has something to do before it can serve lets its adverts pass, and nothing
// else, until it holds.
func TestKeeper_Preparing(t *testing.T) {
	var k Keeper
	if d := k.Move(100, Preparing, 50); d != (Doors{Advertised: 150}) {
		t.Errorf("it lets pass %+v", d)
	}
	if d, ok := k.Spoke(110, 111); !ok || d != (Doors{Advertised: 160}) {
		t.Errorf("after an advert it lets pass %+v, %t", d, ok)
	}
	if d := k.Share(115); d != (Doors{Advertised: 165}) {
		t.Errorf("after an advert of another router it lets pass %+v", d)
	}
	if d := k.Move(120, Holding, 50); d != (Doors{Advertised: 165}) {
		t.Errorf("before the first advert of the hold it lets pass %+v", d)
	}
	if d, ok := k.Spoke(121, 122); !ok || d != (Doors{Announced: 171, Served: 171}) {
		t.Errorf("holding, it lets pass %+v, %t", d, ok)
	}
	k = Keeper{}
	k.Move(100, Preparing, 50)
	if k.Lapsed(149) || !k.Lapsed(150) {
		t.Error("it does not lapse when its claim is over")
	}
}
