package cluster

import "time"

// Word is what a member says at its door.
type Word struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Seed    string `json:"seed"`
	List    string `json:"list"` // which members its file names
	State   State  `json:"state"`
	Text    string `json:"text,omitempty"` // what it waits for, in words
	// Formation are the seeds of the cluster that it is of; empty where it
	// joined one that was there.
	Formation map[string]string `json:"formation,omitempty"`

	// Of a Member only.
	Members []Info   `json:"members,omitempty"`
	Leader  string   `json:"leader,omitempty"` // name; empty: there is none
	Term    uint64   `json:"term,omitempty"`
	Applied uint64   `json:"applied,omitempty"`
	Size    int64    `json:"size,omitempty"`   // bytes of its database
	InUse   int64    `json:"in_use,omitempty"` // of these
	Alarms  []string `json:"alarms,omitempty"`
	Disk    Disk     `json:"disk"`
}

// Info is a member as another one knows it.
type Info struct {
	ID      uint64 `json:"id"`
	Name    string `json:"name"` // empty: it was never started
	PeerURL string `json:"peer_url"`
	Learner bool   `json:"learner,omitempty"`
}

// Disk is how long the disk took for what had to be on it, in the last
// minute.
type Disk struct {
	Average time.Duration `json:"average_ns"`
	Slowest time.Duration `json:"slowest_ns"` // at most; in steps of two
}

// State is how far a member is.
type State string

// The states of a member.
const (
	Waiting State = "waiting" // for the others, to form a cluster
	Apart   State = "apart"   // there is a cluster, and it does not know this member as it is
	Running State = "member"
)

// IsSlow says whether the disk is too slow for a heartbeat: a leader that
// writes for so long is taken for lost.
func (d Disk) IsSlow(heartbeat time.Duration) bool { return d.Slowest > 5*heartbeat }
