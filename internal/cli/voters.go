package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// votes is what status says about votes: a witness's own work, or who votes
// with this node.
func (t Terminal) votes(w io.Writer, s *api.Status) error {
	switch {
	case s.Witness != nil:
		return t.witness(w, s)
	case len(s.Voters) > 0:
		_, err := fmt.Fprintln(w, t.voters(s))
		return written(err)
	}
	return nil
}

// witness lists the nodes that ask.
func (t Terminal) witness(w io.Writer, s *api.Status) error {
	tb := newTable(t, "NODE", "LAST ASKED", "PROMISED TO IT")
	for i := range s.Witness.Askers {
		a := &s.Witness.Askers[i]
		heard := cell{since(s.Now, a.LastSeen) + " ago", plain}
		if s.Now.Sub(a.LastSeen) > hellos {
			heard.tone = notice
		}
		tb.add(cell{a.Node, strong}, heard, cell{many(a.Promises, "group"), plain})
	}
	if len(s.Witness.Askers) == 0 {
		_, err := fmt.Fprintln(w, t.paint(notice, "no node asks"))
		return written(err)
	}
	return tb.write(w)
}

// voters is one line about the cluster.
func (t Terminal) voters(s *api.Status) string {
	heard := 0
	var parts []string
	for i := range s.Voters {
		v := &s.Voters[i]
		fresh := v.Self || s.Now.Sub(v.LastSeen) <= hellos
		if fresh {
			heard++
		}
		kind := ""
		if v.Witness {
			kind = "witness "
		}
		switch name := kind + oneLine(v.Name); {
		case v.Twin != "":
			parts = append(parts, t.paint(bad, fmt.Sprintf("%s is also called %s and has one vote", name, oneLine(v.Twin))))
		case v.LastSeen.IsZero() && !v.Self:
			parts = append(parts, t.paint(bad, name+" was never heard"))
		case !fresh:
			parts = append(parts, t.paint(bad, name+" is silent for "+since(s.Now, v.LastSeen)))
		case v.Abstains > 0:
			parts = append(parts, t.paint(notice, name+" abstains for "+short(time.Duration(v.Abstains))))
		case v.Witness:
			parts = append(parts, name+" answers in "+short(time.Duration(v.Trip).Round(10*time.Microsecond)))
		}
	}
	line := fmt.Sprintf("voters: %d of %d heard", heard, len(s.Voters))
	if len(parts) > 0 {
		line += "; " + strings.Join(parts, ", ")
	}
	return line
}
