package pools

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// Trouble is something that is not as it should be, for as long as it lasts.
type Trouble struct {
	Code  string // of the record that was made when it began
	Text  string
	Since time.Time // when it was first seen
	about string    // what makes it the same one, where numbers in Text change
}

// troubles is all of them: what planes cannot do, what is nearly full, then what
// services lack, by name.
func (p *Pools) troubles(views []View) []Trouble {
	var out []Trouble
	add := func(code, format string, args ...any) {
		out = append(out, Trouble{Code: code, Text: fmt.Sprintf(format, args...)})
	}
	if p.failed != "" {
		add(CodePlane, "%s", line(p.failed))
	}
	for _, what := range slices.Sorted(maps.Keys(p.crowded)) {
		add(CodeFull, "%s: nearly full; when it is, %s", what, p.crowded[what])
	}
	for _, v := range views {
		if v.Settled && v.Mode == balance.ModeNobody {
			add(balance.CodeNobody, "service %s has no backend: new flows are refused", v.Service.Name)
		}
		if v.Diverged {
			add(balance.CodeDiverged, "service %s: the table here is not the holder's: the files of the nodes differ, or the cluster's seed does", v.Service.Name)
		}
	}
	for _, v := range views {
		for _, b := range v.Backends {
			if b.Silent != "" {
				add(balance.CodeSilent, "service %s: backend %s %s", v.Service.Name, b.Addr, b.Silent)
				out[len(out)-1].about = v.Service.Name + b.Addr.String()
			}
		}
	}
	p.date(out)
	return out
}

// date says since when each of them is there, and forgets those that are over.
func (p *Pools) date(all []Trouble) {
	since, now := map[string]time.Time{}, time.Now()
	for i := range all {
		t := &all[i]
		key := t.Code + cmp.Or(t.about, t.Text)
		t.Since = now
		if at, known := p.since[key]; known {
			t.Since = at
		}
		since[key] = t.Since
	}
	p.since = since
}

// unserved says why no plane serves a service; empty: one does.
func (p *Pools) unserved(s *service, err error) string {
	if err == nil {
		return ""
	}
	for _, text := range strings.Split(p.failed, "\n") {
		if why, its := strings.CutPrefix(text, "cannot serve "+s.name+": "); its {
			return why
		}
	}
	return line(cmp.Or(p.failed, err.Error()))
}

// line is the text of several errors in one.
func line(text string) string { return strings.ReplaceAll(text, "\n", "; ") }
