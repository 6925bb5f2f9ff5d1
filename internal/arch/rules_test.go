package arch

// module is the prefix of every import path of this tree.
const module = "github.com/holdfast-net/holdfast"

// layers name sets of packages. A path stands for itself and what is below;
// one that ends in "/." stands for itself alone.
var layers = map[string][]string{
	"pure":  {"vrrp", "hsrp", "carp", "bfd", "internal/hold", "internal/group", "internal/vote", "internal/sight", "internal/order", "internal/peer", "internal/tickle/.", "internal/check/.", "internal/balance/.", "internal/balance/flowhash", "internal/balance/maglev", "internal/balance/wheel", "internal/balance/model", "internal/balance/packets", "internal/balance/suite", "internal/balance/mirror/."},
	"doers": {"internal/engine", "internal/journal", "internal/guardian", "internal/check/local", "internal/check/probe", "internal/check/run", "internal/tickle/run", "internal/steps", "internal/announce", "internal/balance/bpf", "internal/balance/mirror/run", "internal/balance/pools", "internal/balance/proxy", "internal/fence", "internal/store", "internal/cluster", "internal/kube", "internal/config", "internal/keepalived"},
	// internal/api itself is not a face: it is the documents, plain values
	// that the journal keeps and the faces show.
	"faces": {"internal/api/server", "internal/api/client", "internal/cli", "internal/tui", "internal/web", "internal/metrics"},
	"cmd":   {"cmd"},
	"bench": {"bench", "interop", "scripts"},
	"any":   {""},
}

// edge forbids packages of one layer (or one path) to import those of
// another, except some.
type edge struct {
	from, to string
	except   []string // importers that may
	why      string
}

var edges = []edge{
	{
		from: "pure", to: "doers",
		why: "a pure package decides, it does nothing: it must run in the simulator without a machine",
	},
	{
		from: "pure", to: "faces",
		why: "a pure package is looked at, it does not look",
	},
	{
		from: "doers", to: "faces",
		why: "the daemon works without anybody watching: faces know the engine, never the other way round",
	},
	{
		from: "any", to: "internal/linux",
		except: []string{"cmd", "internal/daemon", "internal/lab", "internal/demo", "internal/linux", "interop", "bench"},
		why:    "only the composition root, the lab and the demo reach the kernel: declare the one to three methods that you need and let the root hand them in",
	},
	{
		from: "internal/config", to: "internal/engine",
		why: "a file can be checked where no daemon could run",
	},
	{
		from: "any", to: "cmd",
		why: "a command is an end, not a library",
	},
	{
		from: "any", to: "bench",
		except: []string{"bench", "interop", "scripts"},
		why:    "what measures or tests the product is no part of it",
	},
	{
		from: "any", to: "internal/lab",
		except: []string{"internal/lab", "internal/demo", "internal/cli", "cmd", "bench", "interop"},
		why:    "the lab makes network namespaces: the demo and the tests want them, the daemon never does",
	},
}

// impureStd are packages of the standard library that a pure package must not
// import. "net/netip" is not among them: it is values only.
var impureStd = map[string]string{
	"os":            "no files, no environment",
	"os/exec":       "no processes",
	"os/signal":     "no signals",
	"io/ioutil":     "no files",
	"net":           "no sockets: use net/netip for addresses",
	"net/http":      "no sockets",
	"syscall":       "no kernel",
	"log":           "return an Action or an error; the caller logs",
	"log/slog":      "return an Action or an error; the caller logs",
	"sync":          "one goroutine owns a router: there is nothing to lock",
	"sync/atomic":   "one goroutine owns a router: there is nothing to share",
	"context":       "Step never waits, so there is nothing to cancel",
	"runtime":       "no scheduler",
	"runtime/debug": "no scheduler",
	"unsafe":        "bytes are decoded by hand",
}

// contracts are imports that a pure package may have all the same, for an
// interface that others implement.
var contracts = map[string]string{"internal/check": "context"}

// impureCalls are functions that a pure package must not call: what they
// return is not an input of Step, so no run could be repeated.
var impureCalls = map[string]map[string]bool{
	"time": {
		"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true,
		"AfterFunc": true, "Tick": true, "NewTimer": true, "NewTicker": true,
	},
}

// pureRand are the only functions of math/rand and math/rand/v2 that a pure
// package may call: they make a source, the others share a global one.
var pureRand = map[string]bool{"New": true, "NewPCG": true, "NewSource": true, "NewChaCha8": true, "NewZipf": true}

// vagueNames are folders that say nothing about what is in them.
var vagueNames = map[string]bool{"util": true, "utils": true, "common": true, "helpers": true, "helper": true, "pkg": true, "misc": true, "lib": true}

// maxLines is where a file has outgrown one idea.
const maxLines = 450
