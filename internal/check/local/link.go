package local

import (
	"context"
	"fmt"
	"strings"

	"github.com/holdfast-net/holdfast/internal/check"
)

// noKernel is for a kind that nobody gave the kernel's tables.
const noKernel = "cannot look: the kernel's tables are not at hand"

// linkProbe looks at interfaces.
type linkProbe struct {
	kind   check.Link
	kernel Kernel
}

// Try looks at each interface that is meant.
func (p linkProbe) Try(context.Context) check.Seen {
	if p.kernel == nil {
		return check.Failed(noKernel)
	}
	links, err := p.kernel.Links(p.kind)
	if err != nil {
		return check.Failed(err.Error())
	}
	if !p.kind.Pattern() {
		if len(links) == 0 {
			return failedf("there is no interface %s", p.kind.Name)
		}
		if why := unfit(p.kind, links[0]); why != "" {
			return check.Failed(why)
		}
		return check.Passed(state(links[0]))
	}
	fit, whys := 0, []string(nil)
	for _, l := range links {
		if why := unfit(p.kind, l); why != "" {
			whys = append(whys, l.Name+": "+why)
		} else {
			fit++
		}
	}
	text := fmt.Sprintf("%d of %d fit", fit, len(links))
	if len(whys) > 0 {
		const most = 3
		if len(whys) > most {
			whys = append(whys[:most], "…")
		}
		text += " (" + strings.Join(whys, "; ") + ")"
	}
	if fit < p.kind.Min {
		return failedf("%s, wanted %d", text, p.kind.Min)
	}
	return check.Passed(text)
}

// unfit says what an interface lacks, and what was wanted.
func unfit(k check.Link, l Link) string {
	switch {
	case !l.Up:
		return "it is down, wanted up"
	case !l.Carrier && !k.NoCarrier:
		return "it is up, but: " + l.Why + ", wanted carrier"
	case k.MTU > 0 && l.MTU < k.MTU:
		return fmt.Sprintf("MTU %d, wanted at least %d", l.MTU, k.MTU)
	case k.Speed > 0 && l.Speed == 0:
		return fmt.Sprintf("it does not tell its speed, wanted at least %d Mbit/s", k.Speed)
	case k.Speed > 0 && l.Speed < k.Speed:
		return fmt.Sprintf("%d Mbit/s, wanted at least %d", l.Speed, k.Speed)
	}
	return ""
}

func state(l Link) string {
	text := "up"
	if !l.Carrier {
		text += " without carrier"
	}
	text += fmt.Sprintf(", MTU %d", l.MTU)
	if l.Speed > 0 {
		text += fmt.Sprintf(", %d Mbit/s", l.Speed)
	}
	return text
}
