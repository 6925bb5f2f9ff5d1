package api

// SchemaCluster is the schema of a Cluster.
const SchemaCluster = "holdfast/v1/Cluster"

// Cluster is what `holdfast cluster status -o json` says about a cluster's
// store.
type Cluster struct {
	Schema   string   `json:"schema"`
	Node     string   `json:"node"`             // where it was asked
	Leader   string   `json:"leader,omitempty"` // absent: there is none
	Majority bool     `json:"majority"`         // the store can agree on something
	Members  []Member `json:"members"`
}

// Member is one member of a store.
type Member struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	// State is member, learner (no vote yet), waiting (for others), apart (it
	// has to be replaced or added) or silent.
	State       string   `json:"state"`
	Version     string   `json:"version,omitempty"` // of holdfast
	Leader      string   `json:"leader,omitempty"`  // as it has it
	Term        uint64   `json:"term,omitempty"`    // number of elections
	Applied     uint64   `json:"applied,omitempty"` // how much of what was written it has
	Size        int64    `json:"size,omitempty"`    // bytes of its database
	InUse       int64    `json:"in_use,omitempty"`  // of these
	DiskAverage Duration `json:"disk_average"`      // of writes in the last minute
	DiskSlowest Duration `json:"disk_slowest"`      // at most
	Alarms      []string `json:"alarms"`            // etcd's names for them
	Trouble     string   `json:"trouble,omitempty"` // what is wrong
	Hint        string   `json:"hint,omitempty"`    // what to do about it
}

// OK says whether nothing is wrong.
func (c *Cluster) OK() bool {
	for i := range c.Members {
		if c.Members[i].Trouble != "" {
			return false
		}
	}
	return c.Majority
}
