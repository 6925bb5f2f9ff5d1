// Package peer runs VRRP daemons on the hosts of a lab: holdfast itself, and
// keepalived and FRR from the distribution's packages.
//
// A [Router] says once what a virtual router is; each daemon's writer says it
// in that daemon's language. So a test or a benchmark that puts one daemon in
// another's place changes one word:
//
//	a, err := peer.Start(peer.Keepalived, host, dir, router)
//	...
//	state, err := a.State("web")   // "active", "backup", "fault", "init"
//	err = a.Stop(ctx)              // the way systemctl stop does it
package peer
