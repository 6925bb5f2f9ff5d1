package local

import (
	"context"
	"strings"

	"github.com/holdfast-net/holdfast/internal/check"
)

// addressProbe looks for an address.
type addressProbe struct {
	kind   check.Address
	kernel Kernel
}

// Try looks for the address where it should be.
func (p addressProbe) Try(context.Context) check.Seen {
	if p.kernel == nil {
		return check.Failed(noKernel)
	}
	found, err := p.kernel.Addresses(p.kind)
	if err != nil {
		return check.Failed(err.Error())
	}
	var elsewhere []string
	why := ""
	for _, a := range found {
		switch {
		case p.kind.Dev != "" && a.Dev != p.kind.Dev:
			elsewhere = append(elsewhere, a.Dev)
		case a.Duplicate:
			why = "it is on " + a.Dev + ", but another node has it too (duplicate address detection)"
		case a.Tentative:
			why = "it is on " + a.Dev + ", but not answered for yet (tentative)"
		default:
			return passedf("%s on %s", a.Prefix, a.Dev)
		}
	}
	switch {
	case why != "":
		return check.Failed(why)
	case len(elsewhere) > 0:
		return failedf("it is on %s, wanted on %s", strings.Join(elsewhere, ", "), p.kind.Dev)
	case p.kind.Dev != "":
		return failedf("it is on no interface, wanted on %s", p.kind.Dev)
	}
	return check.Failed("it is on no interface, wanted on any")
}
