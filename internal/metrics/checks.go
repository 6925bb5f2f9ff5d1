package metrics

import (
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

func checkTable() []metric {
	by := []string{"check", "kind"}
	looks := append(by[:2:2], "result")
	return []metric{
		{"check_state", gauge, "1 for the state that a check has: pending, up, down.", append(by[:2:2], "state"), checks(func(c *api.CheckState, put put) {
			for _, state := range []string{"pending", "up", "down"} {
				put(truth(c.State == state), c.Name, c.Kind, state)
			}
		})},
		{"check_since_timestamp_seconds", gauge, "When the check got its state.", by, checks(func(c *api.CheckState, put put) { put(seconds(c.Since), c.Name, c.Kind) })},
		{"check_duration_seconds", gauge, "How long the last look took.", by, checks(func(c *api.CheckState, put put) {
			put(time.Duration(c.Took).Seconds(), c.Name, c.Kind)
		})},
		{"check_looks_total", counter, "Looks, by what came of them; those that timed out or hung are among the failed ones, too.", looks, checks(func(c *api.CheckState, put put) {
			put(float64(c.Passed), c.Name, c.Kind, "passed")
			put(float64(c.Failed), c.Name, c.Kind, "failed")
			put(float64(c.Timeouts), c.Name, c.Kind, "timed_out")
			put(float64(c.Hung), c.Name, c.Kind, "hung")
		})},
		{"check_changes_total", counter, "Changes of a check's state; the journal has the reason of each.", by, checks(func(c *api.CheckState, put put) {
			put(float64(c.Changes), c.Name, c.Kind)
		})},
		{"check_flapping", gauge, "Whether a check is kept down because it changed too often.", by, checks(func(c *api.CheckState, put put) { put(truth(c.Flapping), c.Name, c.Kind) })},
		{"check_hanging", gauge, "Whether a look was given up and has not come back.", by, checks(func(c *api.CheckState, put put) { put(truth(c.Hanging), c.Name, c.Kind) })},
	}
}

// checks reads one metric of every check.
func checks(read func(*api.CheckState, put)) func(*api.Status, put) {
	return func(s *api.Status, put put) {
		for i := range s.Checks {
			read(&s.Checks[i], put)
		}
	}
}
