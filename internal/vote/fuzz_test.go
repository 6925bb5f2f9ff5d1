package vote

import (
	"net/netip"
	"testing"
	"time"
)

// FuzzAgent gives a node what nobody signed, and, with a signature put under
// it, what only a mad voter would: neither may give it more than its own vote.
func FuzzAgent(f *testing.F) {
	x := newAgent(f, "a", 1, "a", "b", "c")
	var out Out
	x.Step(Instant(time.Hour), Event{Kind: Want, Subject: x.Open(1, 3*time.Second), Rank: 1}, &out)
	for _, p := range out.Packets {
		f.Add(p.Data[:len(p.Data)-tagSize])
	}
	h := header{kind: kindAnswer, session: 1, stamp: uint64(time.Hour), instance: 5}
	f.Add(appendEntry(appendHeader(nil, &h, "b", "a"), 0, &entry{key: 1, verb: granted, time: 3 * time.Second}))
	h.kind = kindToken
	f.Add(appendHeader(nil, &h, "b", "a"))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, signed := range []bool{false, true} {
			a := newAgent(t, "a", 1, "a", "b", "c")
			s := a.Open(1, 3*time.Second)
			now := Instant(time.Hour)
			var out Out
			a.Step(now, Event{Kind: Want, Subject: s, Rank: 1}, &out)
			b := append([]byte(nil), data...)
			if signed {
				keys := newSigner(modelKey)
				b = keys.sign(b, 0)
			}
			for range 3 {
				now += Instant(time.Millisecond)
				out.Reset()
				a.Step(now, Event{Kind: Heard, Src: netip.AddrPort{}, Data: b}, &out)
				out.Reset()
				a.Step(max(now, a.Deadline()), Event{Kind: Tick}, &out)
			}
			// One mad voter has one vote: with ours that is a majority of
			// three, but never for longer than a term can be.
			switch until := a.Until(s); {
			case !signed && until != 0:
				t.Errorf("unsigned bytes gave a majority until %d", until)
			case until > Instant(time.Hour).add(2*MaxTerm):
				t.Errorf("a majority for %s", until.sub(now))
			}
		}
	})
}

// FuzzVoter gives a witness signed nonsense.
func FuzzVoter(f *testing.F) {
	h := header{kind: kindAsk, session: 1, stamp: 5}
	f.Add(appendEntry(appendHeader(nil, &h, "a", "w"), 0, &entry{key: 1, verb: opAsk, time: 3 * time.Second}))
	f.Add(appendEntry(appendHeader(nil, &h, "a", "w"), 0, &entry{key: 1, verb: opRelease, node: 7}))
	f.Fuzz(func(t *testing.T, data []byte) {
		w := NewVoter(VoterConfig{Keys: modelKey, Seed: []byte("the witness has one"), Instance: 99})
		keys := newSigner(modelKey)
		b := keys.sign(append([]byte(nil), data...), 0)
		if w.Receive(1, data, nil) != nil && w.Counters().Signature == 0 {
			t.Error("an unsigned datagram was answered")
		}
		for i := range 3 {
			if out := w.Receive(Instant(i+1), b, nil); len(out) > MaxSize || len(out) > len(b) {
				t.Errorf("%d bytes in answer to %d", len(out), len(b))
			}
		}
		if w.Counters().Granted > 0 {
			t.Error("a promise without a token")
		}
	})
}
