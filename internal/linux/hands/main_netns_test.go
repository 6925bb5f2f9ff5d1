package hands

import (
	"testing"

	"github.com/holdfast-net/holdfast/internal/linux/netns/netnstest"
)

// TestMain gives the tests a network namespace: the Hands work in the
// namespace of their process.
func TestMain(m *testing.M) { netnstest.Main(m) }
