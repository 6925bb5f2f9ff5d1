package local

import (
	"context"
	"fmt"
	"strings"

	"github.com/holdfast-net/holdfast/internal/check"
)

// routeProbe looks for a route.
type routeProbe struct {
	kind   check.Route
	kernel Kernel
}

// Try looks for a route that is all the check wants.
func (p routeProbe) Try(context.Context) check.Seen {
	if p.kernel == nil {
		return check.Failed(noKernel)
	}
	routes, err := p.kernel.Routes(p.kind)
	if err != nil {
		return check.Failed(err.Error())
	}
	var others []string
	for _, r := range routes {
		why := ""
		for _, h := range r.Hops {
			if r.Refuse == "" && p.takes(h) {
				if !h.Dead {
					return check.Passed(words(r, h))
				}
				why = words(r, h) + ", whose link is down"
			}
		}
		switch {
		case r.Refuse != "":
			why = r.Refuse
		case why == "" && len(r.Hops) > 0:
			why = words(r, r.Hops[0])
		}
		others = append(others, why)
	}
	where := ""
	if !p.kind.Lookup && p.kind.Table != check.MainTable {
		where = fmt.Sprintf(" in table %d", p.kind.Table)
	}
	if len(others) == 0 {
		return failedf("there is no route to %s%s%s", p.kind.To, where, p.wish())
	}
	const most = 3
	if len(others) > most {
		others = append(others[:most], "…")
	}
	return failedf("the route to %s%s is %s%s", p.kind.To, where, strings.Join(others, " and "), p.wish())
}

// takes tells whether a hop is the way that the check wants.
func (p routeProbe) takes(h Hop) bool {
	return (!p.kind.Via.IsValid() || h.Via == p.kind.Via.Unmap().WithZone("")) && (p.kind.Dev == "" || h.Dev == p.kind.Dev)
}

func (p routeProbe) wish() string {
	wish := ""
	if p.kind.Via.IsValid() {
		wish += " via " + p.kind.Via.String()
	}
	if p.kind.Dev != "" {
		wish += " dev " + p.kind.Dev
	}
	if wish == "" {
		return ""
	}
	return ", wanted" + wish
}

// words is a way as ip(8) writes it.
func words(r Route, h Hop) string {
	text := ""
	if h.Via.IsValid() {
		text += "via " + h.Via.String() + " "
	}
	text += "dev " + h.Dev
	if len(r.Hops) > 1 {
		text += fmt.Sprintf(" (one of %d ways)", len(r.Hops))
	}
	return text
}
