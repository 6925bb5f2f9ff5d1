package api

import "time"

// Fence asks for a node to be cut off, or with Confirm says that it is.
type Fence struct {
	Node    string `json:"node"`
	Confirm bool   `json:"confirm,omitempty"`
	Who     string `json:"who,omitempty"` // for the journal
}

// SchemaFencing is the schema of a Fencing.
const SchemaFencing = "holdfast/v1/Fencing"

// Fencing tells which nodes can be cut off, and whether the watchdog runs.
type Fencing struct {
	Schema   string      `json:"schema"`
	Watchdog string      `json:"watchdog"` // "runs", "stopped", "not asked for"
	Device   string      `json:"watchdog_device,omitempty"`
	Timeout  Duration    `json:"watchdog_timeout,omitempty"`
	Fed      *time.Time  `json:"watchdog_fed,omitempty"` // when last
	Nodes    []FenceNode `json:"nodes"`
}

// FenceNode is one of them.
type FenceNode struct {
	Node    string     `json:"node"`
	State   string     `json:"state"` // "not fenced", "waiting", "running", "fenced"
	Since   *time.Time `json:"since,omitempty"`
	Levels  [][]string `json:"levels"`
	Why     string     `json:"why,omitempty"`
	Waiting []string   `json:"waiting,omitempty"` // groups that wait for it
	How     string     `json:"how,omitempty"`     // it was fenced
	Failure string     `json:"failure,omitempty"` // the last one
	// Pending says that nothing which was tried has cut it off: it is tried
	// again, unless a person says that it is off.
	Pending bool          `json:"pending,omitempty"`
	Last    *FenceAttempt `json:"last,omitempty"`
}

// FenceAttempt is what came of the last fencing of a node.
type FenceAttempt struct {
	Began time.Time `json:"began"` // when it was asked for
	Took  Duration  `json:"took"`
	OK    bool      `json:"ok"`
	Level int       `json:"level,omitempty"` // that succeeded, or failed last; none: a person's word, or nothing could be tried
	Text  string    `json:"text"`            // by what, or why not
	Why   string    `json:"why"`
}
