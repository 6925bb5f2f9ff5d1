package agent

import (
	"context"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
)

// askFor is how long an agent may take to say what it is.
const askFor = 10 * time.Second

// Of is the agent of a device in the file.
func Of(d *config.FenceDevice) *Agent {
	return &Agent{Path: Find(d.Agent), Parameters: d.Given()}
}

// CheckDevice says what is wrong with a device in the file: its agent is asked
// what it takes.
func CheckDevice(d config.FenceDevice) []error {
	ctx, cancel := context.WithTimeout(context.Background(), askFor)
	defer cancel()
	m, err := ReadMetadata(ctx, Find(d.Agent))
	if err != nil {
		return []error{err}
	}
	actions := []string{"monitor", "off"}
	if d.Action == "reboot" {
		actions = append(actions, "reboot", "on")
	}
	return m.Check(d.Given(), actions...)
}
