package wheel

import (
	"fmt"
	"math"
	"math/rand"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// letters writes a wheel as a is the first backend, b the second.
func letters(wheel []uint16) string {
	out := make([]byte, len(wheel))
	for i, place := range wheel {
		out[i] = 'a' + byte(place)
	}
	return string(out)
}

func TestExpand_SmallWheels(t *testing.T) {
	for _, tt := range []struct {
		weights []uint32
		want    string
	}{
		{nil, ""},
		{[]uint32{0, 0}, ""},
		{[]uint32{0, 9, 0}, "b"},
		{[]uint32{1, 1, 1}, "abc"},
		{[]uint32{100, 100, 100}, "abc"},
		{[]uint32{10, 20, 30}, "cbcbca"},
		{[]uint32{5, 1, 1}, "aaabaac"},
		{[]uint32{3, 0, 1}, "aaac"},
		{[]uint32{1, 2, 0, 3, 0}, "dbdbda"},
	} {
		if got := letters(Expand(tt.weights, 4096)); got != tt.want {
			t.Errorf("Expand(%d) = %q, want %q", tt.weights, got, tt.want)
		}
	}
}

// In the first k slots, for every k, no backend is ahead of or behind its share
// by a whole turn; so in any stretch of the wheel, also over its end, by less
// than two.
func TestExpand_IsEven(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	for range 300 {
		weights := make([]uint32, 1+r.Intn(40))
		for i := range weights {
			weights[i] = uint32(r.Intn(1 << r.Intn(12)))
		}
		even(t, weights, Expand(weights, 1+r.Intn(4096)))
	}
}

func even(t *testing.T, weights []uint32, wheel []uint16) {
	t.Helper()
	slots, seen := make([]int, len(weights)), make([]int, len(weights))
	for _, place := range wheel {
		slots[place]++
	}
	for k, place := range wheel {
		seen[place]++
		for i := range weights {
			if ahead := seen[i]*len(wheel) - slots[i]*(k+1); ahead >= len(wheel) || -ahead >= len(wheel) {
				t.Fatalf("weights %d: backend %d had %d of its %d turns in the first %d of %d slots", weights, i, seen[i], slots[i], k+1, len(wheel))
			}
		}
	}
}

func TestSlots_NearestToTheWeights(t *testing.T) {
	for _, tt := range []struct {
		weights []uint32
		limit   int
		want    []int
		wrong   float64 // at most, in parts of a share
	}{
		{[]uint32{65535, 65534}, 4096, []int{1024, 1024}, 0.00001},
		{[]uint32{31416, 10000}, 4096, nil, 0.00001}, // π: 355/113 and the like
		{[]uint32{1000, 999, 998, 997}, 1000, nil, 0.0035},
		{[]uint32{65535, 1}, 4096, []int{4095, 1}, 15.01}, // it has a slot all the same
		{[]uint32{1, 1, 1, 1}, 2, []int{1, 1, 1, 1}, 0},
	} {
		t.Run(fmt.Sprint(tt.weights), func(t *testing.T) {
			got := Slots(tt.weights, tt.limit)
			if tt.want != nil {
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			}
			sum, all := 0, 0.0
			for i, n := range got {
				sum += n
				all += float64(tt.weights[i])
			}
			for i, n := range got {
				share := float64(n) / float64(sum) / (float64(tt.weights[i]) / all)
				if math.Abs(share-1) > tt.wrong {
					t.Errorf("weight %d has %d of %d slots, %.5f of its share", tt.weights[i], n, sum, share)
				}
			}
		})
	}
}

func FuzzExpand(f *testing.F) {
	f.Add(uint16(7), []byte{5, 0, 1, 0, 1, 0})
	f.Add(uint16(4096), []byte{255, 16, 255, 1, 0, 0})
	f.Fuzz(func(t *testing.T, limit uint16, raw []byte) {
		most := 1 + int(limit)%4096
		var weights []uint32
		count := 0
		for i := 0; i+1 < len(raw) && i < 100; i += 2 {
			w := uint32(raw[i]) << (raw[i+1] % 24)
			weights = append(weights, w)
			if w > 0 {
				count++
			}
		}
		wheel := Expand(weights, most)
		if len(wheel) > max(most, count) {
			t.Fatalf("%d slots where %d are allowed", len(wheel), most)
		}
		has := map[uint16]bool{}
		for _, place := range wheel {
			has[place] = true
			if weights[place] == 0 {
				t.Fatalf("a slot of weight 0")
			}
		}
		if len(has) != count {
			t.Fatalf("%d of %d weights have a slot", len(has), count)
		}
		even(t, weights, wheel)
	})
}

func BenchmarkExpand(b *testing.B) {
	r := rand.New(rand.NewSource(1))
	for _, n := range []int{3, 100, 1000} {
		weights := make([]uint32, n)
		for i := range weights {
			weights[i] = 1 + uint32(r.Intn(1000))
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				Expand(weights, 4096)
			}
		})
	}
}
