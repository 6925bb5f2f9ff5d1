package gate

import (
	"os"
	"testing"

	"github.com/holdfast-net/holdfast/internal/linux/netns/netnstest"
)

// TestMain gives the tests a network namespace: a gate works in the namespace
// of its threads. The tests also start this program as a child that holds a
// gate, see child_netns_test.go.
func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		os.Exit(child(role))
	}
	netnstest.Main(m)
}
