package steps

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/order"
	"github.com/holdfast-net/holdfast/internal/program"
)

// Spec is what order.Step.Spec holds: a step, and what it is told of its group.
type Spec struct {
	config.Step
	Addresses []netip.Prefix `json:",omitempty"`
	Interface string         `json:",omitempty"` // of the group
	Priority  int            `json:",omitempty"` // as configured
}

// argv is the program of a step, for one direction; nil: none.
func (s Spec) argv(run order.Run) []string {
	leaving := run.Direction == order.Leaving
	switch {
	case s.Notify != nil:
		return append(s.Notify[:len(s.Notify):len(s.Notify)], s.arguments(run)...)
	case s.Wait != nil && !leaving:
		return s.Wait
	case leaving:
		return s.Undo
	}
	return s.Exec
}

// arguments are those that keepalived adds to a program of its "notify":
// GROUP or INSTANCE, the name, the state in its own words, the priority
// (keepalived.conf(5)). A group here is what an instance is there.
func (s Spec) arguments(run order.Run) []string {
	state := map[string]string{"active": "MASTER", "backup": "BACKUP", "fault": "FAULT", "init": "STOP"}[run.Role]
	return []string{"INSTANCE", run.Group, state, strconv.Itoa(s.Priority)}
}

// environment is what a step finds in its environment:
//
//	HOLDFAST_GROUP      the group's name
//	HOLDFAST_STEP       the step's name
//	HOLDFAST_ACTION     take or leave
//	HOLDFAST_ROLE       active when taking; backup, fault or init when leaving
//	HOLDFAST_REASON     why, a sentence
//	HOLDFAST_EPOCH      a number that grows with every take: the fencing token
//	HOLDFAST_ADDRESSES  the group's addresses with their prefix lengths, separated by spaces
//	HOLDFAST_INTERFACE  the interface they are on
//	HOLDFAST_NODE       this node's name
//	HOLDFAST_DEADLINE   when the step is killed, in seconds since 1970
func (r *Runner) environment(s Spec, run order.Run) []string {
	var addresses []string
	for _, a := range s.Addresses {
		addresses = append(addresses, a.String())
	}
	return program.Environment(r.opt.Environ,
		"HOLDFAST_GROUP="+run.Group,
		"HOLDFAST_STEP="+printable(run.Step.Name),
		"HOLDFAST_ACTION="+run.Direction.String(),
		"HOLDFAST_ROLE="+run.Role,
		"HOLDFAST_REASON="+printable(run.Reason),
		"HOLDFAST_EPOCH="+strconv.FormatUint(run.Epoch, 10),
		"HOLDFAST_ADDRESSES="+strings.Join(addresses, " "),
		"HOLDFAST_INTERFACE="+s.Interface,
		"HOLDFAST_NODE="+r.opt.Node,
		"HOLDFAST_DEADLINE="+strconv.FormatInt(run.Deadline.Unix(), 10),
	)
}

// printable is a text without what cannot be in an environment.
func printable(s string) string { return strings.ReplaceAll(s, "\x00", "") }

// left is how long a step has yet.
func left(run order.Run) time.Duration { return max(time.Until(run.Deadline), time.Second) }

// milliseconds as OCF agents are told times.
func milliseconds(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }
