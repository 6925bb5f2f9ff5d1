package bfd

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"
)

// What can be read can be written again, byte for byte, as far as its length
// says and without its authentication.
func FuzzDecode(f *testing.F) {
	b, err := hex.DecodeString(wireCase.wire)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{0x20, 0xc4, 3, 52})
	f.Fuzz(func(t *testing.T, b []byte) {
		var c, again Control
		auth, drop := c.Decode(b)
		if drop != DropNone {
			if c != (Control{}) && drop != DropMyDiscriminator || auth != nil {
				t.Fatalf("read %s of what is %s", c, drop)
			}
			return
		}
		out := c.Append(nil)
		want := bytes.Clone(b[:controlLen])
		want[1] &^= bitAuth
		want[3] = controlLen
		if !bytes.Equal(out, want) {
			t.Fatalf("wrote\n%x, read\n%x", out, want)
		}
		if _, drop := again.Decode(out); drop != DropNone || again != c {
			t.Fatalf("read back %s: %s, not %s", drop, again, c)
		}
	})
}

// Whatever arrives, a packet is accepted or dropped for one reason, and is not
// written to.
func FuzzReceive(f *testing.F) {
	peer, err := New(config(signed(AuthSHA1Strict, 1)))
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range []Control{says(Down, unnamed), says(Init), says(Up, poll), says(AdminDown), says(Up, final, demand)} {
		f.Add(c.Append(nil), uint8(255), uint8(0))
		f.Add(peer.AppendPacket(nil, c), uint8(255), uint8(1))
	}
	f.Fuzz(func(t *testing.T, b []byte, ttl, which uint8) {
		cfgs := []Config{config(), config(signed(AuthSHA1Strict, 1)), config(passive, signed(AuthSHA1, 2))}
		n := down(t, cfgs[int(which)%len(cfgs)])
		before := bytes.Clone(b)
		var table Table
		if err := table.Add(n.Session); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			p := &Packet{Src: thereAddr, Link: link, TTL: ttl, Payload: b}
			_, notFound := table.Find(p)
			n.Step(n.now, Received(p), nil)
			if c := n.Counters(); notFound != DropNone && c.Dropped[notFound] == 0 {
				t.Fatalf("the table says %s, the session counts %v", notFound, c.Dropped)
			}
		}
		if !bytes.Equal(b, before) {
			t.Fatal("the packet was written to")
		}
		c := n.Counters()
		total := c.Received
		for _, d := range c.Dropped {
			total += d
		}
		if total != 2 || c.Dropped[DropNone] != 0 {
			t.Fatalf("two packets, counters %+v", c)
		}
	})
}

// FuzzStep drives a session with any sequence of events and holds it to what
// is true of every session at any time.
func FuzzStep(f *testing.F) {
	f.Add([]byte{0, 0, 0x41, 0, 0, 0x81, 0, 3, 1, 0, 0xc1, 0, 3, 20, 4, 10, 20, 3})
	f.Add([]byte{1, 0, 0x80, 0, 3, 255, 1, 3, 9, 2})
	f.Add([]byte{2, 0, 0xe0, 0, 5, 3, 40, 0, 0xd0, 0, 4, 1, 1, 1})
	f.Fuzz(func(t *testing.T, script []byte) {
		in := script
		next := func() byte {
			if len(in) == 0 {
				return 0
			}
			b := in[0]
			in = in[1:]
			return b
		}
		change := []func(*Config){func(*Config) {}, passive, mult(1), rates(2*time.Second, 5*ms)}[next()%4]
		w := watcher{node: place(t, config(change))}
		for w.step(Enable()); len(in) > 0; {
			switch next() % 6 {
			case 0:
				flags, d := next(), next()
				c := says(State(flags>>6), hears(time.Duration(d)*5*ms))
				c.Poll, c.Final, c.Demand = flags&0x20 != 0, flags&0x10 != 0, flags&0x08 != 0
				if flags&0x04 != 0 {
					c.YourDiscriminator = 0
				}
				w.step(Received(packet(c)))
			case 1:
				w.step(Enable())
			case 2:
				w.step(Disable())
			case 3:
				w.now = w.now.Add(time.Duration(next()) * ms)
				w.step(Tick())
			case 4:
				w.step(Retime(Timing{time.Duration(next()) * ms, time.Duration(next()) * ms, next()}))
			case 5:
				w.step(Wake())
			}
		}
	})
}

// watcher steps a session and looks at what is true after every step.
type watcher struct {
	*node
	state State
}

func (w *watcher) step(ev Event) {
	t := w.t
	acts := w.Step(w.now, ev, nil)
	for _, a := range acts {
		switch a.Kind {
		case ActionTransition:
			if a.From != w.state || a.To == a.From || a.Reason == ReasonNone {
				t.Fatalf("on %s: %s from %s", ev.Kind, a, w.state)
			}
			w.state = a.To
		case ActionSend:
			c := a.Control
			if c.Poll && c.Final || c.Demand || c.Independent || c.RequiredMinEchoRx != 0 || c.MyDiscriminator != ours || c.DetectMult == 0 {
				t.Fatalf("on %s: %s", ev.Kind, a)
			}
			if c.State != Up && c.DesiredMinTx < time.Second {
				t.Fatalf("on %s: %s though not up", ev.Kind, a)
			}
			if w.Config().Passive && c.YourDiscriminator == 0 {
				t.Fatalf("on %s: %s though passive", ev.Kind, a)
			}
		}
	}
	if w.state != w.State() {
		t.Fatalf("on %s: state %s, but the story says %s", ev.Kind, w.State(), w.state)
	}
	if len(acts) > 4 {
		t.Fatalf("on %s: %v", ev.Kind, acts)
	}
	if d := w.PeerDetects(); d != 0 && !met(w.state) || d < 0 {
		t.Fatalf("promises %s in state %s", d, w.state)
	}
	// A tick does all that is due.
	if ev.Kind == EventTick {
		if at := w.Deadline(); !at.IsZero() && !at.After(w.now) {
			t.Fatalf("after a tick another one is due since %s", w.now.Sub(at))
		}
	}
}
