package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/linux/capability"
	"github.com/holdfast-net/holdfast/internal/linux/hands"
	"github.com/holdfast-net/holdfast/internal/linux/realtime"
)

// Examine looks at the machine, and with a file at what the file wants of it.
// It changes this process: it asks for the real-time class.
func Examine(cfg *config.Config) api.Diagnosis {
	e := examination{out: api.Diagnosis{Schema: api.SchemaDoctor, Kernel: release()}}
	e.kernel()
	e.capabilities()
	e.try()
	e.clock()
	e.leftovers(cfg)
	e.settings(cfg)
	if cfg != nil {
		e.groups(cfg)
		e.fencing(cfg)
		e.clients(cfg)
		e.stores(cfg)
		e.clients(cfg)
		e.services(cfg)
	}
	e.punctual(cfg) // last: nothing else is done in the real-time class
	e.out.Judge()
	return e.out
}

type examination struct{ out api.Diagnosis }

func (e *examination) ok(subject, format string, args ...any) {
	e.add(api.FindingOK, subject, "", format, args...)
}

func (e *examination) add(result, subject, do, format string, args ...any) {
	e.out.Findings = append(e.out.Findings, api.Finding{Subject: subject, Result: result, Text: fmt.Sprintf(format, args...), Do: do})
}

func release() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// kernel compares the version with what the lines of defence need.
func (e *examination) kernel() {
	var major, minor int
	_, _ = fmt.Sscanf(e.out.Kernel, "%d.%d", &major, &minor) // what is no version is 0.0
	switch at := major*1000 + minor; {
	case at >= 6006:
		e.ok("kernel", "Linux %s has tcx hooks for the gate", e.out.Kernel)
	case at >= 5008:
		e.ok("kernel", "Linux %s has eBPF for the gate, by the clsact qdisc", e.out.Kernel)
	default:
		e.add(api.FindingWeaker, "kernel", "run Linux 5.8 or later", "Linux %s is too old for the gate's programs", e.out.Kernel)
	}
}

// capabilities are those of this process. The daemon's own are those of its
// unit.
func (e *examination) capabilities() {
	for _, c := range []struct {
		bit    uint
		name   string
		result string
		what   string
	}{
		{unix.CAP_NET_ADMIN, "CAP_NET_ADMIN", api.FindingMissing, "addresses, macvlans and their settings"},
		{unix.CAP_NET_RAW, "CAP_NET_RAW", api.FindingMissing, "VRRP, ARP and neighbour discovery"},
		{unix.CAP_BPF, "CAP_BPF", api.FindingWeaker, "the gate's programs: without it a weaker line of defence is used"},
	} {
		// Before Linux 5.8, and in effect since, CAP_SYS_ADMIN contains it.
		if capability.Has(c.bit) || c.bit == unix.CAP_BPF && capability.Has(unix.CAP_SYS_ADMIN) {
			e.ok("capabilities", "%s: %s", c.name, c.what)
			continue
		}
		e.add(c.result, "capabilities", "run this as root to see what the machine can do; the unit gives the daemon AmbientCapabilities="+c.name,
			"this process lacks %s: %s", c.name, c.what)
	}
}

// clock looks for a time namespace, in which clocks differ from those of the
// kernel's programs (time_namespaces(7)).
func (e *examination) clock() {
	offsets, err := os.ReadFile("/proc/self/timens_offsets")
	switch {
	case os.IsNotExist(err):
		e.ok("clock", "the kernel has no time namespaces: the gate and this process have one clock")
	case err != nil:
		e.add(api.FindingWeaker, "clock", "mount /proc in the container", "whether this process is in a time namespace cannot be read: %v. If it is, holds are wrong", err)
	default:
		if offset := bootOffset(string(offsets)); offset != "0s" {
			e.ok("clock", "this process is in a time namespace, %s from the machine's clock; holds are kept by the machine's", offset)
			return
		}
		e.ok("clock", "the gate and this process have one clock")
	}
}

// leftovers finds what a dead run left.
func (e *examination) leftovers(cfg *config.Config) {
	dir := "/run/holdfast"
	if cfg != nil {
		dir = filepath.Dir(cfg.Control.Socket)
	}
	found, busy, err := hands.Leftovers(dir)
	switch {
	case err != nil:
		e.add(api.FindingWeaker, "leftovers", "run it as root", "what an earlier run left cannot be seen: %v", err)
	case busy:
		e.ok("leftovers", "a daemon works here; what is in the kernel is its own (%d things)", len(found))
	case len(found) > 0:
		e.add(api.FindingWeaker, "leftovers", "holdfast release, or start the daemon: it removes them", "left by a run that died: %s", strings.Join(found, ", "))
	case !capability.Has(unix.CAP_SYS_ADMIN):
		e.add(api.FindingWeaker, "leftovers", "run it as root", "no addresses or interfaces were left by an earlier run; whether programs of its gate were cannot be seen")
	default:
		e.ok("leftovers", "nothing was left by an earlier run")
	}
}

// punctual asks for what the daemon asks for.
func (e *examination) punctual(cfg *config.Config) {
	priority := 50
	if cfg != nil {
		if cfg.Realtime.Mode == config.RealtimeOff {
			e.add(api.FindingWeaker, "realtime", "remove realtime: off from the file", "switched off in the file: on a busy machine adverts are late, and holds lapse")
			return
		}
		priority = cfg.Realtime.Priority
	}
	means := [...]string{
		"on a busy machine adverts are late, and holds lapse",
		"when memory is short adverts are late, and holds lapse",
		"the kernel may choose the daemon first when memory runs out; its guardian then says so to the peers",
	}
	for i, s := range realtime.Raise(priority) {
		if s.Err == nil {
			e.ok("realtime", "%s", s.What)
			continue
		}
		e.add(api.FindingWeaker, "realtime", s.Hint, "%s: refused (%v): %s", s.What, s.Err, means[min(i, len(means)-1)])
	}
}
