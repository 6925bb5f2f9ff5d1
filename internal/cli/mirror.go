package cli

import (
	"fmt"
	"strconv"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// mirror prints whether connections survive a move, and the other nodes.
func (t Terminal) mirror(m *api.Mirror) error {
	if m == nil || len(m.Groups)+len(m.Peers) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(t.Out); err != nil {
		return written(err)
	}
	for _, g := range m.Groups {
		text := t.paint(good, "all connections that its holder has are here")
		if !g.InSync {
			text = t.paint(notice, "connections that its holder has may be missing here")
		}
		if _, err := fmt.Fprintf(t.Out, "group %s: %s, since %s\n", t.paint(strong, oneLine(g.Group)), text, g.Since.Format(time.RFC3339)); err != nil {
			return written(err)
		}
	}
	if len(m.Peers) == 0 {
		_, err := fmt.Fprintln(t.Out, t.paint(notice, "no other node is told of connections"))
		return written(err)
	}
	tb := newTable(t, "NODE", "IS TOLD", "HAS ALL", "LAG", "FLOWS", "REFUSED", "TELLS", "LAG", "TAKEN", "MISSED")
	for _, p := range m.Peers {
		name := p.Node
		if p.Holder {
			name += " (holder)"
		}
		tb.add(cell{oneLine(name), strong}, yes(p.Told), yes(p.Complete), cell{text: short(time.Duration(p.Lag))}, cell{text: strconv.FormatUint(p.Flows, 10)},
			cell{text: strconv.FormatUint(p.Refused, 10)}, yes(p.Heard), cell{text: short(time.Duration(p.HeardLag))}, cell{text: strconv.FormatUint(p.Taken, 10)},
			cell{text: strconv.FormatUint(p.Missed, 10)})
	}
	if err := tb.write(t.Out); err != nil {
		return err
	}
	for _, p := range m.Peers {
		if !p.Clash {
			continue
		}
		text := fmt.Sprintf("%s takes ports of full NAT that are this node's, too: %s (balancer.part)", oneLine(p.Node), p.Ports)
		if _, err := fmt.Fprintln(t.Out, t.paint(notice, text)); err != nil {
			return written(err)
		}
	}
	return nil
}

func yes(at *time.Time) cell {
	if at == nil {
		return cell{text: "no"}
	}
	return cell{"yes", good}
}
