package bfd

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// The state machine of RFC 5880 §6.2 and §6.8.6, every state against every
// state heard.
//
//conformance:5880-6.2-admin positive
//conformance:5880-6.2-down positive
//conformance:5880-6.2-init positive
//conformance:5880-6.2-up positive
//conformance:5880-6.8.6-states positive
//conformance:5880-6.8.6-states negative
//conformance:5880-6.8.6-admindown positive
//conformance:5880-6.8.6-admindown negative
func TestSession_EveryStateHearsEveryState(t *testing.T) {
	start := map[State]func(t *testing.T) *node{
		AdminDown: func(t *testing.T) *node {
			n := up(t, config())
			n.Step(n.now, Disable(), nil)
			return n
		},
		Down: func(t *testing.T) *node { return down(t, config()) },
		Init: func(t *testing.T) *node {
			n := down(t, config())
			n.hear(says(Down, unnamed))
			n.in(Init)
			return n
		},
		Up: func(t *testing.T) *node { return up(t, config()) },
	}
	type end struct {
		state  State
		diag   Diag
		reason Reason
	}
	stays := func(s State, d Diag) end { return end{s, d, ReasonNone} }
	tests := map[State]map[State]end{
		AdminDown: {
			AdminDown: stays(AdminDown, DiagAdminDown), Down: stays(AdminDown, DiagAdminDown),
			Init: stays(AdminDown, DiagAdminDown), Up: stays(AdminDown, DiagAdminDown),
		},
		Down: {
			AdminDown: stays(Down, DiagNone), Down: {Init, DiagNone, ReasonHeard},
			Init: {Up, DiagNone, ReasonHeard}, Up: stays(Down, DiagNone),
		},
		Init: {
			AdminDown: {Down, DiagNeighbourDown, ReasonNeighbourAdminDown}, Down: stays(Init, DiagNone),
			Init: {Up, DiagNone, ReasonHeard}, Up: {Up, DiagNone, ReasonHeard},
		},
		Up: {
			AdminDown: {Down, DiagNeighbourDown, ReasonNeighbourAdminDown}, Down: {Down, DiagNeighbourDown, ReasonNeighbourDown},
			Init: stays(Up, DiagNone), Up: stays(Up, DiagNone),
		},
	}
	for from, heard := range tests {
		for word, want := range heard {
			t.Run(from.String()+" hears "+word.String(), func(t *testing.T) {
				n := start[from](t)
				acts := n.hear(says(word))
				got := end{n.State(), n.Diag(), ReasonNone}
				for _, a := range acts {
					if a.Kind == ActionTransition {
						got.reason = a.Reason
						equal(t, "from", a.From, from)
						equal(t, "to", a.To, n.State())
						equal(t, "lost", a.Lost(), from == Up)
						equal(t, "up", a.Up(), n.State() == Up)
					}
				}
				equal(t, "end", got, want)
				// A change of state is told at once, and nothing else is.
				equal(t, "packets", len(sent(acts)), len(acts)/2)
				for _, c := range sent(acts) {
					equal(t, "told", c.State, n.State())
				}
			})
		}
	}
}

// Silence ends a session in Init and Up, after the Detection Time and not
// before, and changes nothing in the others.
//
//conformance:5880-6.8.4-expire positive
//conformance:5880-6.8.4-expire negative
func TestSession_SilenceEndsIt(t *testing.T) {
	for _, s := range []State{Init, Up} {
		n := down(t, config())
		n.hear(says(Down, unnamed))
		if s == Up {
			n.hear(says(Up))
		}
		n.in(s)
		n.wait(30*time.Millisecond - 1)
		n.in(s)
		acts := n.wait(1)
		n.in(Down)
		equal(t, "diagnostic", n.Diag(), DiagExpired)
		equal(t, "reason", acts[0].Reason, ReasonExpired)
		equal(t, "lost", acts[0].Lost(), s == Up)
		equal(t, "told", sent(acts)[0].Diag, DiagExpired)
	}
	n := down(t, config())
	n.hear(says(Up)) // changes nothing in Down
	n.wait(time.Minute)
	n.in(Down)
	equal(t, "diagnostic", n.Diag(), DiagNone)
}

// A packet that is discarded is no sign of life.
//
//conformance:5880-6.8.6-received positive
//conformance:5880-6.8.6-received negative
func TestSession_DiscardedPacketsDoNotCount(t *testing.T) {
	n := up(t, config())
	for range 29 {
		n.wait(time.Millisecond)
		p := packet(says(Up))
		p.TTL = 254
		n.Step(n.now, Received(p), nil)
	}
	n.in(Up)
	n.wait(time.Millisecond)
	n.in(Down)

	n = up(t, config())
	for range 100 {
		n.wait(29 * time.Millisecond)
		n.hear(says(Up))
	}
	n.in(Up)
}

// RFC 5880 §6.8.1: after a Detection Time of silence the neighbour's
// discriminator is forgotten, in every state; §6.8.18: and the rate at which it
// wanted to hear us.
//
//conformance:5880-6.8.1-remotediscr positive
//conformance:5880-6.8.1-remotediscr negative
//conformance:5880-6.8.18-reset positive
func TestSession_ForgetsASilentNeighbour(t *testing.T) {
	n := up(t, config())
	n.Step(n.now, Disable(), nil)
	n.hear(says(Up, hears(time.Hour)))
	equal(t, "interval", n.Interval(), time.Hour)
	n.wait(30*time.Millisecond - 1)
	equal(t, "discriminator", n.remote.discriminator, theirs)
	n.wait(1)
	equal(t, "discriminator", n.remote.discriminator, 0)
	equal(t, "interval", n.Interval(), time.Second)
	equal(t, "peer's state", n.PeerState(), Down)
	equal(t, "names", sent(n.wait(time.Second))[0].YourDiscriminator, 0)
}

// What the neighbour says last about itself is gone by, also where it has
// another discriminator suddenly.
//
//conformance:5880-6.8.6-learn positive
func TestSession_LearnsFromEveryPacket(t *testing.T) {
	n := up(t, config())
	n.hear(says(Up, demand, forgives(7), hears(40*time.Millisecond), sends(50*time.Millisecond), func(c *Control) {
		c.MyDiscriminator, c.Diag = 99, DiagPathDown
	}))
	equal(t, "discriminator", n.remote.discriminator, 99)
	equal(t, "state", n.PeerState(), Up)
	equal(t, "diagnostic", n.PeerDiag(), DiagPathDown)
	equal(t, "demand", n.remote.demand, true)
	equal(t, "interval", n.Interval(), 40*time.Millisecond)
	equal(t, "detection", n.DetectionTime(), 350*time.Millisecond)
}

// RFC 5880 §6.8.16: disabled, a session says so at once, goes on saying so, and
// hears nothing; enabled again it begins with Down.
//
//conformance:5880-6.8.16-disable positive
//conformance:5880-6.8.16-enable positive
//conformance:5880-6.8.16-enable negative
//conformance:5880-6.8.16-tell positive
//conformance:5880-6.8.6-own-admindown positive
//conformance:5880-6.8.6-own-admindown negative
func TestSession_Disable(t *testing.T) {
	n := up(t, config())
	acts := n.Step(n.now, Disable(), nil)
	n.told(acts, "up -> admin down: disabled",
		"send admin down (administratively down) x3 tx 1s rx 10ms 11>22")
	n.told(n.Step(n.now, Disable(), nil))
	n.told(n.hear(says(Up, poll)))
	equal(t, "dropped", n.Counters().Dropped[DropAdminDown], 1)
	if got := len(sent(n.wait(10 * time.Second))); got < 10 {
		t.Errorf("said so %d times in ten seconds", got)
	}
	n.in(AdminDown)
	n.told(n.Step(n.now, Enable(), nil), "admin down -> down: enabled",
		"send down x3 tx 1s rx 10ms 11>0")
	n.told(n.Step(n.now, Enable(), nil))
	n.hear(says(Up)) // says nothing to a session that is Down
	n.in(Down)
}

// A session is silent and deaf until it is enabled.
//
//conformance:5880-6.8.1-initial positive
func TestSession_NewIsSilent(t *testing.T) {
	n := place(t, config())
	n.in(AdminDown)
	if at := n.Deadline(); !at.IsZero() {
		t.Errorf("wants a tick at %s", at)
	}
	n.told(n.Step(n.now, Tick(), nil))
	n.told(n.hear(says(Down, unnamed, poll)))
	n.told(n.Step(n.now, Received(nil), nil))
	equal(t, "dropped", n.Counters().Dropped[DropAdminDown], 1)
	n.Step(n.now, Wake(), nil)
	n.told(n.Step(n.now, Enable(), nil), "admin down -> down: enabled", "send down x3 tx 1s rx 10ms 11>0")
}

// RFC 5880 §6.1, §6.8.7: the passive side says nothing until it is spoken to,
// and again nothing when the neighbour is gone.
//
//conformance:5880-6.8.7-passive positive
//conformance:5880-6.8.7-passive negative
//conformance:5880-6.1-active positive
func TestSession_Passive(t *testing.T) {
	n := place(t, config(passive))
	n.told(n.Step(n.now, Enable(), nil), "admin down -> down: enabled")
	n.told(n.wait(time.Hour))
	n.told(n.hear(says(Down, unnamed)), "down -> init: the neighbour is heard", "send init x3 tx 1s rx 10ms 11>22")
	n.told(n.hear(says(Init)), "init -> up: the neighbour is heard", "send up x3 tx 10ms rx 10ms 11>22")
	if len(sent(n.wait(20*time.Millisecond))) == 0 {
		t.Error("says nothing though spoken to")
	}
	n.wait(10 * time.Millisecond)
	n.in(Down)
	n.told(n.wait(time.Hour))
	n.told(n.Step(n.now, Disable(), nil), "down -> admin down: disabled")

	n = down(t, config())
	if len(sent(n.wait(time.Minute))) < 60 {
		t.Error("the active side does not go on sending")
	}
}

// A freeze between two steps: what arrived meanwhile is heard before the
// silence is judged.
func TestSession_FrozenProcessHearsFirst(t *testing.T) {
	n := up(t, config())
	n.now = n.now.Add(10 * time.Second)
	n.hear(says(Up))
	n.Step(n.now, Tick(), nil)
	n.in(Up)

	// The neighbour has given us up meanwhile, and says so.
	n.now = n.now.Add(10 * time.Second)
	n.hear(says(Up))
	acts := n.hear(says(Down, func(c *Control) { c.Diag = DiagExpired }))
	equal(t, "reason", acts[0].Reason, ReasonNeighbourDown)
	equal(t, "neighbour's diagnostic", acts[0].PeerDiag, DiagExpired)
}

// A paused machine had nothing to hear: it listens for one Detection Time
// more, and for one only.
func TestSession_Wake(t *testing.T) {
	n := up(t, config())
	n.now = n.now.Add(10 * time.Second)
	n.Step(n.now, Wake(), nil)
	n.Step(n.now, Tick(), nil)
	n.in(Up)
	n.wait(20 * time.Millisecond)
	n.Step(n.now, Wake(), nil)
	n.wait(10*time.Millisecond - 1)
	n.in(Up)
	n.wait(1)
	n.in(Down)

	n = up(t, config())
	for range 5 {
		n.now = n.now.Add(time.Second)
		n.Step(n.now, Wake(), nil)
		n.Step(n.now, Tick(), nil)
		n.in(Up)
		n.hear(says(Up))
	}
}

//conformance:5880-6.7.4-key-length negative
//conformance:5880-6.7-both negative
func TestSession_RefusesBadConfig(t *testing.T) {
	tests := map[string]func(*Config){
		"discriminator 0 names no session":           func(c *Config) { c.Discriminator = 0 },
		"is not the address of a neighbour":          func(c *Config) { c.Peer = netip.Addr{} },
		"there is no source of randomness":           func(c *Config) { c.Rand = nil },
		"desired min tx 1.5µs is not a whole number": rates(1500*time.Nanosecond, time.Second),
		"required min rx 2h0m0s is not in 1µs..":     rates(time.Second, 2*time.Hour),
		"desired min tx -1s is not in":               rates(-time.Second, time.Second),
		"keyed md5 is not offered":                   signed(AuthMD5, 1),
		"active key 3 is not among the keys":         signed(AuthSHA1, 3),
		"key 5 has 21 bytes, not 1..20":              func(c *Config) { signed(AuthSHA1, 1)(c); c.Auth.Keys[5] = make([]byte, 21) },
		"key 5 has 0 bytes, not 1..20":               func(c *Config) { signed(AuthSHA1, 1)(c); c.Auth.Keys[5] = nil },
	}
	for want, change := range tests {
		_, err := New(config(change))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	s, err := New(config(func(c *Config) { c.Timing = Timing{} }))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "defaults", s.Config().Timing, Timing{time.Second, time.Second, 3})
}
