package hook

import (
	"strings"

	"github.com/holdfast-net/holdfast/internal/program"
)

// environment is what a program finds in its environment, beside the daemon's:
//
//	HOLDFAST_GROUP      the group's name
//	HOLDFAST_STATE      the new state: active, backup or fault
//	HOLDFAST_FROM       the old one: init, active, backup or fault
//	HOLDFAST_REASON     why, a sentence
//	HOLDFAST_ADDRESSES  the group's addresses with their prefix lengths, separated by spaces
//	HOLDFAST_INTERFACE  the interface they are on
//	HOLDFAST_NODE       this node's name
//	HOLDFAST_RUN        what marks this run (package program)
func environment(base []string, ev Event) []string {
	var addresses []string
	for _, a := range ev.Addresses {
		addresses = append(addresses, a.String())
	}
	return program.Environment(base,
		"HOLDFAST_GROUP="+ev.Group,
		"HOLDFAST_STATE="+ev.State,
		"HOLDFAST_FROM="+ev.From,
		"HOLDFAST_REASON="+strings.ReplaceAll(ev.Reason, "\x00", ""),
		"HOLDFAST_ADDRESSES="+strings.Join(addresses, " "),
		"HOLDFAST_INTERFACE="+ev.Interface,
		"HOLDFAST_NODE="+ev.Node,
	)
}
