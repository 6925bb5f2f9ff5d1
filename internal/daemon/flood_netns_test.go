package daemon_test

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/peer"
	"github.com/holdfast-net/holdfast/interop/wire"
)

var vip3 = netip.MustParsePrefix("192.0.2.30/24")

const signed = "auth: {hmac: {keys: {7: {hex: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef}}}}"

// flooded is a site with a forger in its LAN. Its groups are web (51), which is
// signed, plain (52), which is not, and seen (53), whose nodes watch each other
// by BFD.
type flooded struct {
	*site
	evil *forger
}

func newFlooded(t *testing.T) *flooded {
	f := &flooded{site: newSite(t)}
	f.evil = f.forger()
	// Of the adverts only those from a virtual MAC are of interest, which the
	// forger does not use.
	f.must(f.capture.Close())
	var err error
	f.capture, err = wire.Start(f.lan.Switch(), "switch", append(wire.Filter{
		bpf.LoadAbsolute{Off: 6, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x00005e00, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
	}, wire.VRRPOnly()...))
	f.must(err)
	file := func(priority int) string {
		return group("web", 51, priority, one(vip), signed) + group("plain", 52, priority, one(vip2)) +
			group("seen", 53, priority, one(vip3), signed, "bfd: {interval: 100ms, multiplier: 3}")
	}
	f.a.start(file(200))
	for _, g := range floodGroups {
		f.a.becomes(g, "active")
	}
	f.b.start(file(100))
	for _, g := range floodGroups {
		f.b.becomes(g, "backup")
	}
	f.answers(vip, "a")
	return f
}

var floodGroups = []string{"web", "plain", "seen"}

// cpu is how long a node's daemon has worked.
func (n *node) cpu() time.Duration {
	n.s.t.Helper()
	stat := read(n.s.t, fmt.Sprintf("/proc/%d/stat", n.proc.PID()))
	words := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	user, err := strconv.Atoi(words[11])
	n.s.must(err)
	system, err := strconv.Atoi(words[12])
	n.s.must(err)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// longest is the longest time without an advert of the holder, between two
// instants: it waits for the first after them.
func (f *flooded) longest(id uint8, since, until time.Time) time.Duration {
	f.t.Helper()
	var gap time.Duration
	f.within("the holder is heard", func() error {
		gap = 0
		last := since
		for _, a := range f.adverts(id, since) {
			gap, last = max(gap, a.At.Sub(last)), a.At
		}
		if last.Before(until) {
			return errNotYet
		}
		return nil
	})
	return gap
}

// floodRate is the rate that is tried, in packets a second.
const floodRate = 100_000

// A hundred thousand forged packets a second, of every kind: no address moves,
// and no hold comes to its end.
func TestFlood(t *testing.T) {
	f := newFlooded(t)
	wrong := peer.Key{ID: 7, Keys: map[uint8][]byte{7: []byte("not the key that the groups have")}}
	var every [][]byte
	for _, kind := range []struct {
		name string
		make func(i int) []byte
	}{
		{"malformed VRRP", func(i int) []byte {
			return raw(liar(i), 255, forged(liar(i), 51+uint8(i%3), 254, vip.Addr())[:2+i%9])
		}},
		{"wrong checksum", func(i int) []byte {
			p := forged(liar(i), 51+uint8(i%3), 254, vip.Addr())
			p[6]++
			return raw(liar(i), 255, p)
		}},
		{"other VRID", func(i int) []byte { return raw(liar(i), 255, forged(liar(i), 1+uint8(i%50), 254, vip.Addr())) }},
		{"through a router", func(i int) []byte {
			return raw(liar(i), 254, forged(liar(i), 51+uint8(i%3), 254, vip.Addr()))
		}},
		{"lower priority", func(i int) []byte { // not in the name of b, which a would believe: see docs/holds.md
			return raw(node4(77), 255, forged(node4(77), 52, 1+uint8(i%199), vip2.Addr()))
		}},
		{"higher priority, unsigned", func(i int) []byte { return raw(liar(i), 255, forged(liar(i), 51, 254, vip.Addr())) }},
		{"priority 0, unsigned", func(i int) []byte { return raw(liar(i), 255, forged(liar(i), 51, 0, vip.Addr())) }},
		{"calls, unsigned", func(i int) []byte {
			return call(i, peer.KindTake+peer.Kind(i/4%4), 51, peer.Key{})
		}},
		{"calls, wrongly signed", func(i int) []byte { return call(i, peer.KindTake+peer.Kind(i/4%4), 51, wrong) }},
		{"hellos", greeting},
		{"messages cut off", func(i int) []byte { return message4(liar(i), []byte("HFP1 and so on and on and on")[:i%28]) }},
		{"BFD", control},
		{"ARP", func(i int) []byte { return claim4(i, vip.Addr()) }},
		{"neighbour advertisements", func(i int) []byte { return claim6(i, vip6.Addr()) }},
	} {
		frames := several(kind.make)
		every = append(every, frames...)
		f.floods(kind.name, frames)
	}
	f.answers(vip, "a")

	// And a node that dies in the midst of it is followed.
	guardian := f.a.guardian()
	st := f.evil.flood(floodRate, aimed(every, 2))
	p := f.probe(vip)
	killed := time.Now()
	f.must(unix.Kill(guardian, unix.SIGKILL))
	f.must(f.a.proc.Signal(unix.SIGKILL))
	f.a.proc = nil
	f.b.becomes("web", "active")
	f.within("the client is answered again", func() error {
		if got := p.Report(killed.Add(5*interval), time.Now()); got.Answered == 0 {
			return errNotYet
		}
		return nil
	})
	rate, err := st.stop()
	f.must(err)
	p.Settle()
	p.Stop()
	t.Logf("holder killed under %d packets a second: %v without an answer (interval %v)", rate, p.Report(killed, time.Now()).Longest(), interval)
}

// aimed sends most of what is for all to one host alone: the switch and all
// hosts are one machine here, which a frame for one of them costs less.
func aimed(frames [][]byte, host byte) [][]byte {
	out := make([][]byte, len(frames))
	for i, f := range frames {
		out[i] = slices.Clone(f)
		if i%16 != 0 {
			copy(out[i], []byte{2, 0, 0, 0, 0, host})
		}
	}
	return out
}

// floods lets one kind of packet come for a while.
func (f *flooded) floods(name string, frames [][]byte) {
	f.t.Helper()
	before := map[string]uint64{}
	for _, n := range []*node{f.a, f.b} {
		for _, g := range floodGroups {
			before[n.name+g] = n.transitions(g)
		}
	}
	size := journalSize(f.a)
	cpuA, cpuB := f.a.cpu(), f.b.cpu()
	begun := time.Now()
	st := f.evil.flood(floodRate, aimed(frames, 1))
	time.Sleep(2 * time.Second) // a time to be flooded in, not to wait for something
	rate, err := st.stop()
	f.must(err)
	took := time.Since(begun)
	cpuA, cpuB = f.a.cpu()-cpuA, f.b.cpu()-cpuB
	gap := time.Duration(0)
	for id := range uint8(3) {
		gap = max(gap, f.longest(51+id, begun, begun.Add(took)))
	}
	f.t.Logf("%-26s %6d/s: longest without an advert %4v of %v, processor a %2.0f %%, b %2.0f %%, journal %d bytes", name, rate,
		gap.Round(time.Millisecond), interval, 100*cpuA.Seconds()/took.Seconds(), 100*cpuB.Seconds()/took.Seconds(),
		journalSize(f.a)-size)
	for _, n := range []*node{f.a, f.b} {
		for _, g := range floodGroups {
			if got := n.transitions(g); got != before[n.name+g] {
				f.t.Errorf("%s: %s was moved on %s", name, g, n.name)
			}
			v, err := n.group(g)
			f.must(err)
			if v.Lapses.Count > 0 {
				f.t.Errorf("%s: a hold of %s lapsed on %s: %+v", name, g, n.name, v.Lapses)
			}
		}
	}
}

func journalSize(n *node) int64 {
	var total int64
	entries, _ := os.ReadDir(n.state())
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasPrefix(e.Name(), "journal") {
			total += info.Size()
		}
	}
	return total
}

// What a forger can do to a group without a key, as docs/security.md has it:
// the address goes, while he goes on, and comes back by itself.
func TestForged_Unsigned(t *testing.T) {
	f := newFlooded(t)
	for _, kind := range []struct {
		name  string
		every time.Duration
		make  func(i int) []byte
	}{
		{"adverts of a higher priority", interval, func(i int) []byte {
			return raw(node4(forgerNumber), 255, forged(node4(forgerNumber), 52, 254, vip2.Addr()))
		}},
		{"one advert of a higher priority", 0, func(i int) []byte {
			return raw(node4(forgerNumber), 255, forged(node4(forgerNumber), 52, 254, vip2.Addr()))
		}},
		{"one ask", 0, func(i int) []byte { return call(1, peer.KindAsk, 52, peer.Key{}) }},
		{"one take", 0, func(i int) []byte { return call(1, peer.KindTake, 52, peer.Key{}) }},
		{"one next", 0, func(i int) []byte { return call(1, peer.KindNext, 52, peer.Key{}) }},
		{"one yield", 0, func(i int) []byte { return call(1, peer.KindYield, 52, peer.Key{}) }},
		{"one priority 0 of the holder's", 0, func(i int) []byte { return raw(node4(1), 255, forged(node4(1), 52, 0, vip2.Addr())) }},
	} {
		f.a.becomes("plain", "active")
		f.answers(vip2, "a")
		moved := f.a.transitions("plain")
		p := f.probe(vip2)
		begun := time.Now()
		rate := 1
		if kind.every > 0 {
			rate = int(time.Second / kind.every)
		}
		st := f.evil.flood(rate, [][]byte{kind.make(0)})
		time.Sleep(900 * time.Millisecond) // as long as the forger goes on
		_, err := st.stop()
		f.must(err)
		ended := time.Now()
		f.within("a client is answered again", func() error {
			if got := p.Report(ended.Add(3*time.Second), time.Now()); got.Answered == 0 {
				return errNotYet
			}
			return nil
		})
		p.Settle()
		p.Stop()
		f.a.becomes("plain", "active")
		t.Logf("%-32s longest without an answer from its first to its last %v after %v; %d transitions of the holder", kind.name,
			p.Report(begun, time.Now()).Longest().Round(time.Millisecond), ended.Sub(begun).Round(time.Millisecond), f.a.transitions("plain")-moved)
	}
}
