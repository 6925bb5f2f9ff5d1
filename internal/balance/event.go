package balance

import (
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// Event is one input of [Pool.Step].
type Event interface{ event() }

type (
	// Started is the first event of a pool.
	Started struct{}

	// Reached says that the pool's deadline has come.
	Reached struct{}

	// Checked is news of a check of that name ([Backend].Checks).
	Checked struct {
		Check  string
		Change check.Change
	}

	// Asked is an operator's word on a backend. It lasts until another one, also
	// over a reload.
	Asked struct {
		Backend netip.AddrPort
		Wish    Wish
		By      string // who asked, for the record
		// Within is after how long a drain is late; 0 is never. Cut makes the
		// backend down then (OnDown); otherwise it goes on draining.
		Within time.Duration
		Cut    bool
	}

	// Weighed is an operator's weight for a backend, until it is Reset to the
	// configured one.
	Weighed struct {
		Backend netip.AddrPort
		Weight  uint16
		Reset   bool
		By      string
	}

	// Configured is the service as it is after a reload. Backends whose address
	// stays keep all that is known of them.
	Configured struct{ Service *Service }

	// Counted is what the plane counted of each target, by ID; one that is missing
	// has no flows.
	Counted struct{ Usage map[uint32]Usage }

	// Followed is the view of the node that holds the service's addresses. From
	// then on it decides, and this node's own checks do not.
	Followed struct{ View View }

	// Led says that this node holds the addresses: its own checks decide again.
	// It is told to a pool that followed; one that never did leads.
	Led struct{}
)

func (Started) event()    {}
func (Reached) event()    {}
func (Checked) event()    {}
func (Asked) event()      {}
func (Weighed) event()    {}
func (Configured) event() {}
func (Counted) event()    {}
func (Followed) event()   {}
func (Led) event()        {}

// Wish is what an operator wants of a backend.
type Wish uint8

const (
	WishNone  Wish = iota // what its checks say
	WishDrain             // no new flows
	WishDown              // as if a check said so
)

func (w Wish) String() string { return [...]string{"none", "drain", "down"}[w] }

// ActionKind tells what an [Action] wants.
type ActionKind uint8

const (
	ActionPlan    ActionKind = iota // make Plan true; send the view to the nodes that follow
	ActionRecord                    // journal Code and Reason, of Backend if it is valid
	ActionDrained                   // tell who waits: Backend has Left flows, and drains no more or is late
	ActionRefused                   // what was asked of Backend cannot be: Reason
)

// Action is one output of [Pool.Step].
type Action struct {
	Kind    ActionKind
	Plan    *Plan
	Backend netip.AddrPort
	Code    string
	Reason  string
	Left    uint64
}

// Codes of what is recorded.
const (
	CodeUp       = "HF3001" // a backend gets new flows
	CodeDrain    = "HF3002" // a backend gets no new flows, and keeps those it has
	CodeDown     = "HF3003" // a backend is down
	CodeRemoved  = "HF3004" // a backend was removed by a reload, or its last flow ended after that
	CodeAdded    = "HF3005" // a backend was added by a reload
	CodeDrained  = "HF3006" // a backend that drains has no flow left
	CodeLate     = "HF3007" // a backend has flows at the end of the time that it was given
	CodeWeight   = "HF3008" // an operator changed a backend's weight
	CodeNobody   = "HF3009" // a service has no backend: new flows are refused
	CodeBackups  = "HF3010" // a service uses its backups, or its sorry backends
	CodePanic    = "HF3011" // so many backends are down that all of them are used
	CodeNormal   = "HF3012" // a service is served by its own backends again
	CodeDiverged = "HF3013" // this node and the holder make different tables of the same view
	CodeSilent   = "HF3016" // a backend passes its checks and answers no client, or does again
)
