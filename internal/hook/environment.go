package hook

import (
	"strings"
)

// environment is what a program finds in its environment:
//
//	HOLDFAST_GROUP      the group's name
//	HOLDFAST_STATE      the new state: active, backup or fault
//	HOLDFAST_FROM       the old one: init, active, backup or fault
//	HOLDFAST_REASON     why, a sentence
//	HOLDFAST_ADDRESSES  the group's addresses with their prefix lengths, separated by spaces
//	HOLDFAST_INTERFACE  the interface they are on
//	HOLDFAST_NODE       this node's name
func environment(base []string, ev Event) []string {
	env := make([]string, 0, len(base)+7)
	for _, kv := range base {
		if !private(kv) {
			env = append(env, kv)
		}
	}
	var addresses []string
	for _, a := range ev.Addresses {
		addresses = append(addresses, a.String())
	}
	return append(env,
		"HOLDFAST_GROUP="+ev.Group,
		"HOLDFAST_STATE="+ev.State,
		"HOLDFAST_FROM="+ev.From,
		"HOLDFAST_REASON="+strings.ReplaceAll(ev.Reason, "\x00", ""),
		"HOLDFAST_ADDRESSES="+strings.Join(addresses, " "),
		"HOLDFAST_INTERFACE="+ev.Interface,
		"HOLDFAST_NODE="+ev.Node,
	)
}

// private says whether a variable is between the daemon and systemd: a
// program with NOTIFY_SOCKET could speak for the daemon. Variables of our own
// name are replaced.
func private(kv string) bool {
	for _, prefix := range []string{
		"NOTIFY_SOCKET=", "WATCHDOG_PID=", "WATCHDOG_USEC=", "LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=",
		"FDSTORE=", "MAINPID=", "CREDENTIALS_DIRECTORY=", "HOLDFAST_",
	} {
		if strings.HasPrefix(kv, prefix) {
			return true
		}
	}
	return false
}
