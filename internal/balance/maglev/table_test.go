package maglev

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand"
	"net/netip"
	"testing"
)

var seed = [16]byte([]byte("a seed for tests"))

func named(i int, weight uint32) Backend {
	return Backend{Name: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 443), Weight: weight}
}

// farm gives n backends with those weights in turn.
func farm(n int, weights ...uint32) []Backend {
	out := make([]Backend, n)
	for i := range out {
		out[i] = named(i+1, weights[i%len(weights)])
	}
	return out
}

func table(t testing.TB, size uint32, backends []Backend) []uint16 {
	t.Helper()
	got, err := Table(seed, size, backends)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func shares(table []uint16, n int) []int {
	out := make([]int, n)
	for _, place := range table {
		out[place]++
	}
	return out
}

func TestTable_SharesFollowWeights(t *testing.T) {
	for _, tt := range []struct {
		size     uint32
		backends []Backend
	}{
		{65537, farm(10, 1)},
		{65537, farm(3, 1, 2, 3)},
		{65537, farm(10, 10, 20, 30)},
		{65537, farm(2, 1, 100)},
		{65537, farm(100, 100, 99, 7)},
		{16381, farm(10, 3, 1)},
		{131071, farm(500, 1, 5)},
		{251, farm(2, 1)},
	} {
		t.Run(fmt.Sprintf("%d of %d", len(tt.backends), tt.size), func(t *testing.T) {
			all := uint64(0)
			for _, b := range tt.backends {
				all += uint64(b.Weight)
			}
			for i, got := range shares(table(t, tt.size, tt.backends), len(tt.backends)) {
				want := float64(tt.size) * float64(tt.backends[i].Weight) / float64(all)
				// A backend is at most about one turn ahead of or behind its
				// share, by construction: no statistics.
				if d := float64(got) - want; d < -2 || d > 2 {
					t.Errorf("backend %d of weight %d has %d slots, want %.1f", i, tt.backends[i].Weight, got, want)
				}
			}
		})
	}
}

func TestTable_WhoHasAWeightHasASlot(t *testing.T) {
	backends := append(farm(200, 65535), named(999, 1))
	got := shares(table(t, 251, backends), len(backends))
	if got[200] != 1 {
		t.Errorf("the lightest backend has %d slots of 251, want 1", got[200])
	}
}

func TestTable_Guards(t *testing.T) {
	for _, tt := range []struct {
		name     string
		backends []Backend
		want     []int // slots by place; nil: no table
	}{
		{"no backend", nil, nil},
		{"all weights zero", farm(5, 0), nil},
		{"one backend", farm(1, 7), []int{251}},
		{"one with a weight", []Backend{named(1, 0), named(2, 9), named(3, 0)}, []int{0, 251, 0}},
		{"the heaviest weight there is", []Backend{named(1, 1<<32-1), named(2, 1<<32-1)}, []int{126, 125}},
		{"weights as far apart as can be", []Backend{named(1, 1<<32-1), named(2, 1)}, []int{250, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := table(t, 251, tt.backends)
			if tt.want == nil {
				if len(got) != 0 {
					t.Fatalf("a table of %d slots, want none", len(got))
				}
				return
			}
			if s := shares(got, len(tt.backends)); fmt.Sprint(s) != fmt.Sprint(tt.want) {
				t.Errorf("slots %d, want %d", s, tt.want)
			}
		})
	}
	if _, err := Table(seed, MinSize, make([]Backend, MaxBackends+1)); err == nil {
		t.Errorf("more backends than a slot can name are accepted")
	}
	for size, near := range map[uint32]uint32{0: 251, 250: 251, 65536: 65537, 65535: 65537, 1000: 997, 131072: 131071, 1<<32 - 1: 131071} {
		if err := CheckSize(size); err == nil {
			t.Errorf("a size of %d is accepted", size)
		}
		if got := Nearest(size); got != near {
			t.Errorf("Nearest(%d) = %d, want %d", size, got, near)
		}
	}
	for _, size := range []uint32{251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 65537, 131071} {
		if err := CheckSize(size); err != nil {
			t.Error(err)
		}
	}
}

// The bytes are a promise between nodes of different versions: a change of
// them breaks flows in the upgrade of a pair.
func TestTable_SameBytesForEver(t *testing.T) {
	for _, tt := range []struct {
		size     uint32
		backends []Backend
		want     string
	}{
		{251, farm(3, 1), "868c689484abbd27"},
		{65537, farm(10, 1), "e15c0eafe8186375"},
		{65537, farm(10, 1, 2, 3), "d158b961bbaab4dd"},
		{16381, append(farm(7, 100), Backend{netip.MustParseAddrPort("[2001:db8::1]:8443"), 33}), "efb5eea0fadd76c1"},
	} {
		sum := sha256.New()
		_ = binary.Write(sum, binary.LittleEndian, table(t, tt.size, tt.backends))
		if got := fmt.Sprintf("%x", sum.Sum(nil)[:8]); got != tt.want {
			t.Errorf("%d backends in %d slots: digest %s, want %s", len(tt.backends), tt.size, got, tt.want)
		}
	}
}

func TestTable_OrderOfTheListIsOfNoConsequence(t *testing.T) {
	backends := farm(50, 1, 2, 5, 0)
	first := table(t, 4093, backends)
	shuffled := append([]Backend(nil), backends...)
	rand.New(rand.NewSource(7)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	second := table(t, 4093, shuffled)
	for slot := range first {
		if backends[first[slot]] != shuffled[second[slot]] {
			t.Fatalf("slot %d is of %v in one order and of %v in the other", slot, backends[first[slot]], shuffled[second[slot]])
		}
	}
}

func TestTable_TheSeedDecides(t *testing.T) {
	backends := farm(10, 1)
	a := table(t, 65537, backends)
	b, err := Table([16]byte{1}, 65537, backends)
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	for i := range a {
		if a[i] == b[i] {
			same++
		}
	}
	if same > 65537/8 { // a tenth is what chance gives
		t.Errorf("%d of 65537 slots are the same with another seed", same)
	}
}

// moved counts the slots that went from one backend that is in both tables to
// another: none of them had to.
func moved(before, after []Backend, a, b []uint16) int {
	still := map[netip.AddrPort]bool{}
	for _, x := range after {
		still[x.Name] = x.Weight > 0
	}
	n := 0
	for slot := range a {
		if from := before[a[slot]].Name; still[from] && from != after[b[slot]].Name {
			n++
		}
	}
	return n
}

// Removal of one of ten may move half a percent of the others' flows, each of
// the ten; more backends move more (NSDI 2016 §5.3).
func TestTable_RemovalMovesHardlyAnyOther(t *testing.T) {
	for _, tt := range []struct {
		n       int
		size    uint32
		weights []uint32
		most    float64 // of other slots
	}{
		{3, 65537, []uint32{1}, 0.001},
		{10, 65537, []uint32{1}, 0.005},
		{10, 65537, []uint32{1, 2, 3}, 0.005},
		{10, 65537, []uint32{10, 100}, 0.005},
		{100, 65537, []uint32{1}, 0.01},
		{10, 4093, []uint32{1}, 0.03},
	} {
		t.Run(fmt.Sprintf("%d of %d by %v", tt.n, tt.size, tt.weights), func(t *testing.T) {
			before := farm(tt.n, tt.weights...)
			a := table(t, tt.size, before)
			worst := 0.0
			for gone := 0; gone < tt.n; gone += max(1, tt.n/10) {
				after := append(append([]Backend(nil), before[:gone]...), before[gone+1:]...)
				n := moved(before, after, a, table(t, tt.size, after))
				rest := int(tt.size) - shares(a, tt.n)[gone]
				worst = max(worst, float64(n)/float64(rest))
			}
			t.Logf("at worst %.3f %% of other slots move", 100*worst)
			if worst > tt.most {
				t.Errorf("%.3f %% of other slots move, want at most %.3f %%", 100*worst, 100*tt.most)
			}
		})
	}
}

func FuzzTable(f *testing.F) {
	f.Add(uint32(251), []byte{1, 1, 2, 2, 3, 3})
	f.Add(uint32(509), []byte{0, 0, 255, 255})
	f.Fuzz(func(t *testing.T, size uint32, raw []byte) {
		size = Nearest(MinSize + size%8192)
		var backends []Backend
		all := 0
		for i := 0; i+1 < len(raw) && i < 400; i += 2 {
			w := uint32(raw[i]) << (raw[i+1] % 24)
			backends = append(backends, named(i, w))
			if w > 0 {
				all++
			}
		}
		got := table(t, size, backends)
		if all == 0 {
			if len(got) != 0 {
				t.Fatal("a table of nobody")
			}
			return
		}
		if len(got) != int(size) {
			t.Fatalf("%d slots of %d", len(got), size)
		}
		for i, n := range shares(got, len(backends)) {
			if w := backends[i].Weight; w == 0 && n > 0 || w > 0 && n == 0 && all <= int(size) {
				t.Fatalf("backend of weight %d has %d slots", w, n)
			}
		}
	})
}

func BenchmarkTable(b *testing.B) {
	for _, n := range []int{2, 10, 100, 1000} {
		for _, weights := range [][]uint32{{1}, {1, 100}} {
			b.Run(fmt.Sprintf("%d by %d", n, weights), func(b *testing.B) {
				backends := farm(n, weights...)
				for b.Loop() {
					table(b, DefaultSize, backends)
				}
			})
		}
	}
}
