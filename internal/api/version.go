package api

import "time"

// More schema names.
const (
	SchemaVersion = "holdfast/v1/Version"
	SchemaEvent   = "holdfast/v1/Event"
	SchemaCheck   = "holdfast/v1/Check"
)

// Version says which program this is and what it runs on.
type Version struct {
	Schema   string     `json:"schema"`
	Version  string     `json:"version"`            // the release, or "devel"
	Revision string     `json:"revision,omitempty"` // of the source
	Modified bool       `json:"modified"`           // the source differed from Revision
	Time     *time.Time `json:"time,omitempty"`     // of Revision
	Go       string     `json:"go"`
	Platform string     `json:"platform"` // "linux/amd64"
	Kernel   string     `json:"kernel"`   // release of the running kernel
}

// FollowedEvent is one line of `events -f -o json`: an Event that stands
// alone and so names its schema.
type FollowedEvent struct {
	Schema string `json:"schema"`
	Event
}

// FileCheck is what `check -o json` says about a file.
type FileCheck struct {
	Schema      string       `json:"schema"`
	Path        string       `json:"path"`
	OK          bool         `json:"ok"` // it can be used; there may be warnings
	Node        string       `json:"node,omitempty"`
	Hash        string       `json:"hash,omitempty"`
	Groups      []FileGroup  `json:"groups"`
	Notes       []string     `json:"notes"` // what the guards mean
	Diagnostics []Diagnostic `json:"diagnostics"`
}

// FileGroup is what a group of a file means.
type FileGroup struct {
	Name      string   `json:"name"`
	Interface string   `json:"interface,omitempty"`
	Addresses []string `json:"addresses"`
	Election  string   `json:"election"` // vrrp or lease
	VRID      uint8    `json:"vrid"`     // of vrrp
	Version   uint8    `json:"version"`  // of vrrp
	Priority  uint8    `json:"priority"`
	Interval  Duration `json:"interval"` // of adverts, or of renewals
	Takeover  Duration `json:"takeover"` // silence of the holder after which this node takes over
	Preempt   bool     `json:"preempt"`
	Guard     string   `json:"guard"` // available, guarded, {gateway: ADDRESS}, strict
}
