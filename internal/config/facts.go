package config

import (
	"io/fs"
	"net/netip"
	"os"

	"github.com/holdfast-net/holdfast/internal/program"
)

// Facts is what is known about the machine that the file is for. What is left
// out is not checked.
type Facts struct {
	Hostname string // default of node:
	Links    []Link // the interfaces; nil: not known
	// Files is the file system from its root, for secrets and programs; nil:
	// not known, and secrets in files stay empty.
	Files fs.FS
	Dir   string // where relative paths start; empty: at the directory of the file
	// LookupEnv finds environment variables, for secrets; nil: not known.
	LookupEnv func(string) (string, bool)
	// Agent says what is wrong with the use of an OCF agent; nil: not known.
	Agent func(OCF) []error
	// FenceAgent says the same of a fence device; nil: not known.
	FenceAgent func(FenceDevice) []error
	// Forwards is the ways to backends that this program serves; nil: not known.
	Forwards []string
	// NoKernel is why this machine cannot forward in the kernel; empty: it can,
	// or that is not known.
	NoKernel string
}

// Link is one interface. Addresses are the node's own ones (not those of
// groups), each with its prefix length.
type Link struct {
	Name      string
	Addresses []netip.Prefix
}

// Here is this machine, with the given interfaces (nil: not known).
func Here(links []Link) Facts {
	name, _ := os.Hostname() // without one, node: must be written, and a diagnostic says so
	return Facts{Hostname: name, Links: links, Files: program.Disk(), LookupEnv: os.LookupEnv, Forwards: forwardWords}
}
