package chaos

import (
	"flag"
	"fmt"
	"os/exec"
	"testing"
)

var leasesFlag = flag.Int("leases", 12, "how many seeds to run with leases")

// TestLeases runs plans made from seeds for groups whose election is a lease.
func TestLeases(t *testing.T) {
	for _, need := range []string{"etcd", "strace"} {
		if _, err := exec.LookPath(need); err != nil {
			t.Skipf("needs %s, which `make test` installs: %v", need, err)
		}
	}
	if *controlFlag {
		t.Skip("keepalived has no leases")
	}
	seeds := []uint64{*seedFlag}
	if *seedFlag == 0 {
		seeds = nil
		for i := range *leasesFlag {
			seeds = append(seeds, *firstFlag+uint64(i))
		}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			judged(t, RandomLease(seed))
		})
	}
}
