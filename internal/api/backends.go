package api

import "time"

// SchemaBackends is the schema of Backends.
const SchemaBackends = "holdfast/v1/Backends"

// Backends is the services of a node and what stands behind them.
type Backends struct {
	Schema   string    `json:"schema"`
	Node     string    `json:"node"`
	Now      time.Time `json:"now"`
	Services []Service `json:"services"`
	Flows    *Mirror   `json:"flows,omitempty"` // absent: nodes do not tell each other
	Hooks    []Hook    `json:"hooks,omitempty"` // of the interfaces on which the kernel looks at packets
}

// Hook is where on an interface the kernel looks at packets, and why there.
type Hook struct {
	Interface string `json:"interface"`
	Hook      string `json:"hook"` // tc, xdp
	Why       string `json:"why"`
}

// Service is one of them.
type Service struct {
	Name       string   `json:"name"`
	Listen     []string `json:"listen"`
	Scheduler  string   `json:"scheduler"`
	Forward    string   `json:"forward"`
	ForwardWhy string   `json:"forward_why,omitempty"` // of forward: auto
	Served     string   `json:"served"`                // "its own backends", "its backups", "nobody", …
	Unserved   string   `json:"unserved,omitempty"`    // why no data plane serves it, whatever its backends could do
	Following  bool     `json:"following"`             // the view of the node that holds its addresses
	Generation uint64   `json:"generation"`            // of what the data plane was told
	Refused    uint64   `json:"refused"`               // new flows that nobody got
	Limited    uint64   `json:"limited"`               // and those over a limit, or not allowed
	Flows      uint64   `json:"flows"`                 // now
	// Drops is packets (of proxies: connections) that were not served, by reason.
	Drops    map[string]uint64 `json:"drops,omitempty"`
	Backends []Backend         `json:"backends"`
}

// Backend is a server of a service.
type Backend struct {
	Address    string            `json:"address"`
	State      string            `json:"state"` // up, drain, down, removed
	Why        string            `json:"why"`
	Silent     string            `json:"silent,omitempty"` // that it answers no client, though it is up, and why that may be
	Weight     uint16            `json:"weight"`
	Share      float64           `json:"share"` // of new flows, in percent, as the table has it
	Backup     bool              `json:"backup,omitempty"`
	Sorry      bool              `json:"sorry,omitempty"`
	MaxFlows   uint32            `json:"max_flows,omitempty"`
	DrainsTo   *time.Time        `json:"drains_to,omitempty"` // until when it may
	Flows      uint64            `json:"flows"`               // now
	New        uint64            `json:"new"`                 // since the data plane began
	BytesIn    uint64            `json:"bytes_in"`            // from clients
	BytesOut   uint64            `json:"bytes_out"`
	PacketsIn  uint64            `json:"packets_in"`
	PacketsOut uint64            `json:"packets_out"`
	Failures   uint64            `json:"failures"`        // to connect, or to send
	Drops      map[string]uint64 `json:"drops,omitempty"` // by reason
}

// Plane is a data plane that serves services of this node.
type Plane struct {
	Name   string  `json:"name"`           // kernel, proxy
	Hook   string  `json:"hook,omitempty"` // of the kernel: tcx, clsact, …
	Tables []Table `json:"tables"`
	Ports  []Ports `json:"ports,omitempty"` // of full NAT
}

// Table is memory of a data plane that is bounded.
type Table struct {
	Name string `json:"name"`
	Used uint64 `json:"used"`
	Size uint64 `json:"size"`
}

// Ports is how many ports of an address full NAT uses towards a backend.
type Ports struct {
	Service string `json:"service"`
	Address string `json:"address"`
	Backend string `json:"backend"`
	Used    uint64 `json:"used"`
	Size    uint64 `json:"size"`
}

// What an operator can want of a backend.
const (
	BackendDrain  = "drain"  // no new flows
	BackendDown   = "down"   // as if a check said so
	BackendUp     = "up"     // what its checks say
	BackendWeight = "weight" // another weight than the configured one
)

// BackendOrder asks for a change of one backend.
type BackendOrder struct {
	Service string   `json:"service"`
	Backend string   `json:"backend"` // address and port
	Want    string   `json:"want"`
	Within  Duration `json:"within,omitempty"` // of a drain: after how long it is late; 0 is never
	Cut     bool     `json:"cut,omitempty"`    // and is down then
	Weight  *uint16  `json:"weight,omitempty"` // absent: the configured one again
	Who     string   `json:"who,omitempty"`    // for the journal
}

// SchemaFlowExplanation is the schema of a FlowExplanation.
const SchemaFlowExplanation = "holdfast/v1/FlowExplanation"

// FlowExplanation is which backend a flow has or gets, and why.
type FlowExplanation struct {
	Schema  string     `json:"schema"`
	Node    string     `json:"node"`
	Now     time.Time  `json:"now"`
	Service string     `json:"service"`
	Forward string     `json:"forward"`
	From    string     `json:"from"`
	To      string     `json:"to"`
	Outcome string     `json:"outcome"` // has, gets, could, nowhere
	Backend string     `json:"backend"` // "": nowhere
	Summary string     `json:"summary"` // the answer in a sentence
	Flow    *FlowState `json:"flow,omitempty"`
	Facts   []Fact     `json:"facts"` // in the order in which they are looked at
}

// FlowState is a flow that there is.
type FlowState struct {
	Backend     string   `json:"backend"`
	Source      string   `json:"source,omitempty"` // what the backend takes for the client; absent: not known
	Established bool     `json:"established"`      // false: half open
	Idle        Duration `json:"idle"`             // for how long nobody has said anything
	Lasts       Duration `json:"lasts"`            // after how long without a packet it is forgotten
}
