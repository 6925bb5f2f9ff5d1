package daemon

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/linux/capability"
)

// needed are the capabilities without which no group can work, and what for.
// CAP_NET_BIND_SERVICE is not among them: most files need none, and one that
// does fails with the port's number.
var needed = [...]struct {
	bit  uint
	name string
}{
	{unix.CAP_NET_ADMIN, "CAP_NET_ADMIN"}, // addresses, macvlans, their settings
	{unix.CAP_NET_RAW, "CAP_NET_RAW"},     // protocol 112, ARP and neighbour discovery
}

// Unprivileged is the error of a daemon that may not do its work. A node that
// takes part in elections and cannot hold anything would be worse than none.
type Unprivileged struct{ Missing []string }

func (e *Unprivileged) Error() string {
	return fmt.Sprintf("cannot run: this process lacks %s", strings.Join(e.Missing, " and "))
}

// Hint says what to do about it.
func (e *Unprivileged) Hint() string {
	return "run it as root, or give it AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW CAP_BPF as the unit does"
}

// privileged looks whether the process has what it needs, by name: later the
// kernel would only say that something is not permitted.
func privileged() error {
	var missing []string
	for _, c := range needed {
		if !capability.Has(c.bit) {
			missing = append(missing, c.name)
		}
	}
	if len(missing) > 0 {
		return &Unprivileged{Missing: missing}
	}
	return nil
}
