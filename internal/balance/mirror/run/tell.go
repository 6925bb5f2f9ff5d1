package run

import (
	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/mirror"
)

// share has the plane take this node's part of the ports of full NAT.
func (r *Runner) share() {
	if r.plane == nil || r.ports[1] == 0 {
		return
	}
	if err := r.plane.Ports(r.ports); err != nil {
		r.opt.Record("", mirror.CodeShare, err.Error())
	}
}

// settle has the plane know of which flows nobody tells any more. Where there is
// none yet, it is told when there is one.
func (r *Runner) settle(listens []balance.Endpoint, in bool) {
	for _, l := range listens {
		if delete(r.settled, l); in {
			r.settled[l] = true
		}
		if r.plane != nil {
			r.plane.Settle(l, in)
		}
	}
}
