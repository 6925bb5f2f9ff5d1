package fence

import (
	"math/rand/v2"
	"time"
)

// Op is what a fence agent is asked for.
type Op string

const (
	Off    Op = "off"
	On     Op = "on"
	Reboot Op = "reboot"
)

// Device is one way to cut nodes off.
type Device struct {
	Action  Op            // Off or Reboot
	Timeout time.Duration // of one run of its agent
	Delay   time.Duration // before its first run
}

// Config is who is fenced, and how.
type Config struct {
	Devices map[string]Device
	Nodes   map[string][][]string // the levels of each node: devices by name
	// Random is the longest time by which a fencing is late, by chance.
	Random time.Duration
	// Priority is the time by which a node that holds nothing is later.
	Priority time.Duration
	Rand     *rand.Rand
}

// try is one run of an agent in a level.
type try struct {
	device string
	op     Op
	// spare says that it is not needed for the node to be fenced: power that
	// comes back.
	spare bool
}

// tries lists what has to succeed in a level, in order. Of several devices that
// reboot all are switched off before the first is switched on again: a machine
// with two power supplies would not notice one after the other.
func (c *Config) tries(level []string) []try {
	if len(level) == 1 {
		return []try{{device: level[0], op: c.Devices[level[0]].Action}}
	}
	var off, on []try
	for _, d := range level {
		off = append(off, try{device: d, op: Off})
		if c.Devices[d].Action == Reboot {
			on = append(on, try{device: d, op: On, spare: true})
		}
	}
	return append(off, on...)
}

// Times between two rounds through all levels.
const (
	firstPause   = 5 * time.Second
	longestPause = time.Minute
	// grace is how long an agent that was killed may take to be gone.
	grace = 10 * time.Second
)

func pause(rounds int) time.Duration {
	return min(firstPause<<min(rounds, 8), longestPause)
}
