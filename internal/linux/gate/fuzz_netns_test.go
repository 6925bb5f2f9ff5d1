package gate

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/holdfast-net/holdfast/internal/linux/netns/netnstest"
)

// lasting is what a bench is made with that outlives the run it was made in:
// it ends with its process, whose namespace takes everything with it.
type lasting struct {
	testing.TB
	dir string
}

func (lasting) Cleanup(func())           {}
func (lasting) Context() context.Context { return context.Background() }
func (l lasting) TempDir() string        { return l.dir }

// What an Ethernet carries: a header at least.
const shortestFrame, longestFrame = 14, 1514

// FuzzFrames lets programs and model judge any frame, in each direction and
// with doors open and closed.
func FuzzFrames(f *testing.F) {
	netnstest.Need(f)
	r := rand.New(rand.NewPCG(5, 227))
	for i := range 300 {
		f.Add(byte(i), randomFrame(r))
	}
	var b *bench
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, how byte, frame []byte) {
		if len(frame) < shortestFrame || len(frame) > longestFrame {
			return
		}
		if b == nil {
			b = newBench(lasting{t, dir}, true)
		}
		b.TB = t
		b.hold(holds[int(how>>1)%len(holds)])
		b.same(direction(how&1), frame)
	})
}
