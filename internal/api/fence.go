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
}
