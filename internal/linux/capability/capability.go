// Package capability tells what this process may do, capabilities(7).
package capability

import "golang.org/x/sys/unix"

// Has says whether the process has a capability (unix.CAP_...) in effect.
func Has(c uint) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData // of 32 capabilities each, capget(2)
	if unix.Capget(&header, &sets[0]) != nil {
		return false
	}
	return sets[c/32].Effective&(1<<(c%32)) != 0
}
