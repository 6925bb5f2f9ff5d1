package daemon

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/linux/bpffs"
	"github.com/holdfast-net/holdfast/internal/linux/capability"
)

// kernelNeeds are the capabilities that forwarding in the kernel takes.
var kernelNeeds = [...]struct {
	bit  uint
	name string
}{
	{unix.CAP_NET_ADMIN, "CAP_NET_ADMIN"}, // programs on interfaces
	{unix.CAP_BPF, "CAP_BPF"},
	{unix.CAP_PERFMON, "CAP_PERFMON"}, // without it the kernel refuses what programs do with pointers
}

// Forwards says why services cannot be forwarded in the kernel here; nil: they
// can, as far as can be told without trying.
func Forwards() error {
	for _, c := range kernelNeeds {
		// CAP_SYS_ADMIN contains the last two, capabilities(7).
		if !capability.Has(c.bit) && (c.bit == unix.CAP_NET_ADMIN || !capability.Has(unix.CAP_SYS_ADMIN)) {
			return fmt.Errorf("this process lacks %s (holdfast.service.d/services.conf gives it)", c.name)
		}
	}
	if !bpffs.Shared() && !capability.Has(unix.CAP_SYS_ADMIN) {
		return errors.New("there is no BPF file system at /sys/fs/bpf")
	}
	return nil
}

// here is what is known of this machine, for its file.
func here(links []config.Link) config.Facts {
	f := config.Here(links)
	if err := Forwards(); err != nil {
		f.NoKernel = err.Error()
	}
	return f
}
