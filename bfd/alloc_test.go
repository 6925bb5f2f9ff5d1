package bfd

import (
	"testing"
)

// paths are the steps that a session takes hundreds of times a second.
func paths(t testing.TB) map[string]func() {
	made := func(change ...func(*Config)) *Session {
		s, err := New(config(change...))
		if err != nil {
			t.Fatal(err)
		}
		s.Step(begin, Enable(), nil)
		return s
	}
	buf, acts := make([]byte, 0, 64), make([]Action, 0, 8)
	paths := map[string]func(){}
	for name, change := range map[string]func(*Config){
		"plain": func(*Config) {}, "keyed sha1": signed(AuthSHA1, 1), "meticulous sha1": signed(AuthSHA1Strict, 2),
	} {
		s, from := made(change), made(change)
		var table Table
		if err := table.Add(s); err != nil {
			t.Fatal(err)
		}
		c := says(Up, final)
		p := Packet{Src: thereAddr, Link: link, TTL: 255, Payload: from.AppendPacket(nil, says(Init))}
		now := begin
		s.Step(now, Received(&p), nil)
		paths["hear and send, "+name] = func() {
			now = now.Add(10 * ms)
			p.Payload = from.AppendPacket(p.Payload[:0], c)
			found, _ := table.Find(&p)
			if found != s {
				t.Fatal("lost its session")
			}
			acts = s.Step(now, Received(&p), acts[:0])
			acts = s.Step(now, Tick(), acts[:0])
			if len(acts) != 1 || s.State() != Up || s.PeerDetects() != 30*ms {
				t.Fatalf("%v in state %s", acts, s.State())
			}
			buf = s.AppendPacket(buf[:0], acts[0].Control)
			if !s.Deadline().After(now) {
				t.Fatal("due already")
			}
		}
	}
	s := made()
	bad := packet(says(Up))
	bad.TTL = 1
	paths["drop"] = func() { acts = s.Step(begin, Received(bad), acts[:0]) }
	return paths
}

// Nothing on these paths allocates.
func TestNoAllocations(t *testing.T) {
	for name, f := range paths(t) {
		f()
		if got := testing.AllocsPerRun(200, f); got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

func BenchmarkPaths(b *testing.B) {
	for name, f := range paths(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}
