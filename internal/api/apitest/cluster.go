package apitest

import (
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// Cluster is a store of three members, of which one has lost its data.
func Cluster() api.Cluster {
	return api.Cluster{
		Schema: api.SchemaCluster, Node: "lb1", Leader: "lb1", Majority: true,
		Members: []api.Member{
			{
				Name: "lb1", Address: "192.0.2.11:9113", State: "member", Version: "1.2.3", Leader: "lb1", Term: 4, Applied: 81234,
				Size: 212992, InUse: 106496, DiskAverage: api.Duration(1200 * time.Microsecond), DiskSlowest: api.Duration(8 * time.Millisecond), Alarms: []string{},
			},
			{
				Name: "lb2", Address: "192.0.2.12:9113", State: "member", Version: "1.2.3", Leader: "lb1", Term: 4, Applied: 81233,
				Size: 212992, InUse: 106496, DiskAverage: api.Duration(240 * time.Millisecond), DiskSlowest: api.Duration(1024 * time.Millisecond), Alarms: []string{},
				Trouble: "its disk is slow: a write took up to 1.024s in the last minute, and an election begins after 500ms",
				Hint:    "put state: on a faster disk, or give the cluster a longer heartbeat",
			},
			{
				Name: "w1", Address: "203.0.113.9:9113", State: "apart", Version: "1.2.3", Alarms: []string{},
				Trouble: "w1 was a member of the cluster's store, and its data is gone from /var/lib/holdfast/store: bring it back, or run `holdfast cluster replace w1` on another node",
				Hint:    "run holdfast cluster replace w1",
			},
		},
	}
}
