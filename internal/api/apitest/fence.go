package apitest

import (
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// fencing is that of a node which has cut another one off, and could not a third.
func fencing(now time.Time) *api.Fencing {
	fed, fenced, failed := now.Add(-time.Second), now.Add(-20*time.Minute), now.Add(-time.Minute)
	return &api.Fencing{
		Schema: api.SchemaFencing, Watchdog: "runs", Device: "/dev/watchdog", Timeout: api.Duration(10 * time.Second), Fed: &fed,
		Nodes: []api.FenceNode{
			{
				Node: "lb2", State: "fenced", Since: &fenced, Levels: [][]string{{"ipmi-lb2"}}, Why: "the lease of lb2 has run out", How: "reboot by ipmi-lb2",
				Last: &api.FenceAttempt{
					Began: fenced.Add(-4 * time.Second), Took: api.Duration(4 * time.Second), OK: true, Level: 1, Text: "reboot by ipmi-lb2", Why: "the lease of lb2 has run out",
				},
			},
			{
				Node: "lb3", State: "waiting", Since: &failed, Levels: [][]string{{"ipmi-lb3"}, {"pdu-1", "pdu-2"}}, Why: "the lease of lb3 has run out", Waiting: []string{"web"},
				Failure: "off of device pdu-1 failed: no route to host", Pending: true,
				Last: &api.FenceAttempt{
					Began: failed.Add(-30 * time.Second), Took: api.Duration(30 * time.Second), Level: 2, Text: "off of device pdu-1 failed: no route to host", Why: "the lease of lb3 has run out",
				},
			},
		},
	}
}
