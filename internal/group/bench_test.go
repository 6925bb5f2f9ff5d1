package group

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/hold"
	"github.com/holdfast-net/holdfast/vrrp"
)

// bench is a set with a clock moved by hand. Everything that the set does is
// read as a story, one line for each action.
type bench struct {
	*Set
	t      *testing.T
	now    time.Time
	began  time.Time
	orders []Action // not answered
}

// noon is when every test begins. Only differences matter.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// This node is 192.0.2.10 and fe80::10; a peer is the last byte of its
// addresses, so that 9 loses and 20 wins a tie.
const (
	self   = 10
	lower  = 9
	higher = 20
)

func addr(f vrrp.Family, last byte) netip.Addr {
	if f == vrrp.IPv6 {
		return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 15: last})
	}
	return netip.AddrFrom4([4]byte{192, 0, 2, last})
}

// web is a group with both families; others are made from it.
func web(change ...func(*Config)) Config {
	c := Config{Name: "web", Priority: 100, Routers: []vrrp.Config{router(51, vrrp.IPv4), router(51, vrrp.IPv6)}}
	for _, f := range change {
		f(&c)
	}
	return c
}

// dns is a second group, of one family.
func dns(change ...func(*Config)) Config {
	c := Config{Name: "dns", Priority: 100, Routers: []vrrp.Config{router(53, vrrp.IPv4)}}
	for _, f := range change {
		f(&c)
	}
	return c
}

// single is a group of one router, where the family does not matter.
func single(change ...func(*Config)) Config {
	c := Config{Name: "web", Priority: 100, Routers: []vrrp.Config{router(51, vrrp.IPv4)}}
	for _, f := range change {
		f(&c)
	}
	return c
}

func router(vrid uint8, f vrrp.Family) vrrp.Config {
	return vrrp.Config{
		VRID: vrid, Family: f, Interval: time.Second,
		Addresses: []netip.Addr{addr(f, 100+vrid)}, Source: addr(f, self),
	}
}

// stepped gives a group steps.
func stepped(c *Config) { c.Steps = true }

func fenced(c *Config) { c.Fenced = true }

func priority(p uint8) func(*Config) { return func(c *Config) { c.Priority = p } }

func uses(u ...Use) func(*Config) { return func(c *Config) { c.Uses = u } }

func routers(change func(*vrrp.Config)) func(*Config) {
	return func(c *Config) {
		for i := range c.Routers {
			change(&c.Routers[i])
		}
	}
}

func noPreempt(c *vrrp.Config) { c.NoPreempt = true }

// place puts a set on the bench, in phase resting.
func place(t *testing.T, groups ...Config) *bench {
	t.Helper()
	s, err := New(groups)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{Set: s, t: t, now: noon, began: noon}
}

// started gives a set that has started: it waits, unless it is an owner.
func started(t *testing.T, groups ...Config) *bench {
	t.Helper()
	b := place(t, groups...)
	for i := range b.members {
		b.feed(LinkUp(i, netip.Addr{}))
	}
	b.feed(Start())
	return b
}

// backup gives a set that waits.
func backup(t *testing.T, groups ...Config) *bench {
	t.Helper()
	b := started(t, groups...)
	b.in(waiting)
	return b
}

// claimer gives a set whose addresses are being installed.
func claimer(t *testing.T, groups ...Config) *bench {
	t.Helper()
	b := started(t, groups...)
	for i := 0; b.phase == waiting && i < 100; i++ {
		b.now = b.Deadline()
		b.feed(Tick())
	}
	b.in(claiming)
	return b
}

// holder gives a set that holds its addresses, for so long that its first
// announcements are over.
func holder(t *testing.T, groups ...Config) *bench {
	t.Helper()
	b := claimer(t, groups...)
	b.reply(nil)
	b.pass(5 * time.Second)
	if b.ordered() {
		b.feed(Stepped(StepsTook, ""))
		b.pass(5 * time.Second)
	}
	b.in(holding)
	b.began = b.now
	return b
}

// feed steps the set and does without the story. A claim is told that its
// adverts were handed to the kernel, as the engine does after sending.
func (b *bench) feed(ev Event) []Action {
	out := b.Step(b.now, ev, nil)
	b.collect(out)
	if b.phase == claiming && slices.ContainsFunc(out, spoken) {
		out = append(out, b.feed(Spoke())...)
	}
	return out
}

func spoken(a Action) bool { return a.Kind == ActionSend && a.Priority != 0 }

func (b *bench) collect(out []Action) {
	for _, a := range out {
		if a.Kind == ActionOrder {
			b.orders = append(b.orders, a)
		}
	}
}

// do steps the set and compares what it does with the story wanted.
func (b *bench) do(ev Event, want ...string) {
	b.t.Helper()
	b.compare(label(ev), b.feed(ev), want)
}

// reply answers every order that is open, in their order.
func (b *bench) reply(err error) []Action {
	var out []Action
	for len(b.orders) > 0 {
		o := b.orders[0]
		b.orders = b.orders[1:]
		out = append(out, b.feed(Done(o.Router, o.Op, err))...)
		if err != nil {
			break // each further order may be an answer to the refusal
		}
	}
	return out
}

// carried says that the kernel did what was ordered.
func (b *bench) carried(want ...string) {
	b.t.Helper()
	b.compare("carried out", b.reply(nil), want)
}

// listened lets the time pass that a claim listens after its first advert, or
// less if it is over before.
func (b *bench) listened(want ...string) {
	b.t.Helper()
	var got []Action
	end := b.now.Add(hold.Listen(b.Router(b.lead).Config().Interval))
	for at := b.Deadline(); b.phase == claiming && !at.IsZero() && !at.After(end); at = b.Deadline() {
		b.now = at
		got = append(got, b.feed(Tick())...)
	}
	if b.phase == claiming {
		b.now = end
	}
	b.compare("listening", got, want)
}

var errBusy = errors.New("device is busy")

// refused says that the kernel refused the oldest open order.
func (b *bench) refused(want ...string) {
	b.t.Helper()
	b.compare("refused", b.reply(errBusy), want)
}

// wait lets time pass, with a tick at each deadline.
func (b *bench) wait(d time.Duration, want ...string) {
	b.t.Helper()
	b.compare("waiting "+d.String(), b.pass(d), want)
}

func (b *bench) pass(d time.Duration) []Action {
	b.t.Helper()
	end := b.now.Add(d)
	var got []Action
	for ticks := 0; ; ticks++ {
		at := b.Deadline()
		if at.IsZero() || at.After(end) {
			break
		}
		if ticks > 10_000 {
			b.t.Fatalf("the deadline stays at %s", at.Sub(b.began))
		}
		if at.After(b.now) {
			b.now = at
		}
		got = append(got, b.feed(Tick())...)
	}
	b.now = end
	return got
}

// hear delivers, a millisecond later, a peer's advert to every router, as the
// peer's set would send them.
func (b *bench) hear(from byte, prio uint8, want ...string) {
	b.t.Helper()
	b.now = b.now.Add(time.Millisecond)
	b.compare(fmt.Sprintf("adverts of %d with priority %d", from, prio), b.adverts(from, prio), want)
}

// hearOn delivers a peer's advert to one router.
func (b *bench) hearOn(i int, from byte, prio uint8, want ...string) {
	b.t.Helper()
	b.now = b.now.Add(time.Millisecond)
	b.compare(fmt.Sprintf("an advert of %d with priority %d", from, prio), b.feed(Received(i, b.packet(i, from, prio, nil))), want)
}

// kin delivers, a millisecond later, another holdfast node's adverts to every
// router.
func (b *bench) kin(from byte, prio uint8, want ...string) {
	b.t.Helper()
	b.now = b.now.Add(time.Millisecond)
	b.compare("adverts of a holdfast node", b.kinAdverts(from, prio), want)
}

// yields delivers that node's word that it does not hold or claim any more.
func (b *bench) yields(from byte, want ...string) {
	b.t.Helper()
	var got []Action
	for i := range b.members {
		got = append(got, b.feed(Yielded(i, addr(b.Router(i).Config().Family, from)))...)
	}
	b.compare("a holdfast node yields", got, want)
}

func (b *bench) packet(i int, from byte, prio uint8, change func(*vrrp.Advert)) *vrrp.Packet {
	c := b.Router(i).Config()
	a := vrrp.Advert{Version: c.Version, VRID: c.VRID, Priority: prio, Interval: c.Interval, Addresses: c.Addresses}
	if change != nil {
		change(&a)
	}
	src, dst := addr(c.Family, from), c.Family.Group()
	return &vrrp.Packet{Src: src, Dst: dst, TTL: 255, Payload: a.Append(nil, src, dst, vrrp.ChecksumAuto)}
}

func (b *bench) reconfigure(groups []Config, want ...string) {
	b.t.Helper()
	out, err := b.Reconfigure(b.now, groups, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	b.collect(out)
	b.compare("reconfigured", out, want)
}

func (b *bench) compare(what string, got []Action, want []string) {
	b.t.Helper()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, b.story(got)); diff != "" {
		b.t.Errorf("after %s, %s (-want +got):\n%s", b.now.Sub(b.began), what, diff)
	}
}

// story is what a set did, one line for each action.
func (b *bench) story(acts []Action) []string {
	out := make([]string, 0, len(acts))
	for _, a := range acts {
		out = append(out, b.line(a))
	}
	return out
}

func (b *bench) line(a Action) string {
	who := func(i int) string {
		return fmt.Sprintf("%s %s", b.groups[b.members[i].group].Name, b.Router(i).Config().Family)
	}
	switch a.Kind {
	case ActionSend:
		return fmt.Sprintf("%s: advert %d", who(a.Router), a.Priority)
	case ActionOrder:
		return fmt.Sprintf("%s: %s", who(a.Router), a.Op)
	case ActionAnnounce:
		return who(a.Router) + ": announce"
	case ActionHold:
		if a.Level == hold.Closed {
			return who(a.Router) + ": hold closed"
		}
		return fmt.Sprintf("%s: hold %s %s", who(a.Router), a.Level, a.For.Round(time.Millisecond))
	case ActionAsk:
		return fmt.Sprintf("%s: ask the holder with %d", who(a.Router), a.Priority)
	case ActionYield:
		return who(a.Router) + ": say that it yields"
	case ActionProbe:
		return who(a.Router) + ": ask who else has it"
	case ActionWant:
		return fmt.Sprintf("ask for a mandate with %d", a.Priority)
	case ActionRelease:
		return strings.TrimRight("give the mandate back "+a.Name, " ")
	case ActionForsake:
		return "forsake the mandate"
	case ActionTake:
		return "take the steps: " + a.Text
	case ActionSecure:
		return "make it safe: " + a.Text
	case ActionLeave:
		return fmt.Sprintf("leave the steps, to become %s: %s", a.Name, a.Text)
	case ActionTell:
		if !a.Chosen {
			return strings.TrimRight(who(a.Router)+": tell the next to take over "+a.Name, " ")
		}
		return fmt.Sprintf("%s: tell %q to take over", who(a.Router), a.Name)
	case ActionResult:
		return fmt.Sprintf("result %t: %s", a.OK, a.Text)
	case ActionStopped:
		return "stopped"
	case ActionRecord:
		r := a.Record
		if r.Kind == "transition" {
			return fmt.Sprintf("%s: %s -> %s: %s", r.Group, r.From, r.To, r.Reason)
		}
		return fmt.Sprintf("%s: %s %s: %s", r.Group, r.Kind, r.Code, r.Reason)
	}
	return fmt.Sprintf("action %d", a.Kind)
}

// label names an event.
func label(ev Event) string {
	word := map[EventKind]string{
		EventTick: "tick", EventPacket: "packet", EventStart: "start", EventStop: "stop", EventCheck: "check",
		EventLink: "link", EventDone: "done", EventLost: "lost", EventHandover: "handover",
		EventMaintenance: "maintenance", EventTake: "take", EventSuspend: "suspend",
		EventAsked: "asked", EventYielded: "yielded", EventSpoke: "spoke", EventDeaf: "deaf", EventLapsed: "lapsed",
		EventSighted: "sighted", EventRests: "rests", EventMandate: "mandate", EventSteps: "steps",
	}[ev.Kind]
	switch {
	case ev.Kind == EventDone:
		return fmt.Sprintf("%s %s: %v", word, ev.Op, ev.Err)
	case ev.Up:
		word += " up"
	}
	return strings.TrimSpace(word + " " + ev.Name + " " + ev.Text)
}

func (p phase) String() string {
	return name([]string{"resting", "unfit", "waiting", "claiming", "holding", "demoting", "leaving"}, int(p), "phase")
}

func (b *bench) in(want phase) {
	b.t.Helper()
	if b.phase != want {
		b.t.Fatalf("after %s: %s, want %s", b.now.Sub(b.began), b.phase, want)
	}
}

// due compares the time until the deadline.
func (b *bench) due(want time.Duration) {
	b.t.Helper()
	if at := b.Deadline(); at.IsZero() {
		b.t.Errorf("after %s: no deadline, want one in %s", b.now.Sub(b.began), want)
	} else if got := at.Sub(b.now); got != want {
		b.t.Errorf("after %s: deadline in %s, want in %s", b.now.Sub(b.began), got, want)
	}
}
