package chaos

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/interop/peer"
)

// journal is all that a node has noted. keepalived keeps no journal.
func journal(n *node) ([]api.Event, error) {
	hold, ok := n.daemon().(*peer.Node)
	if !ok {
		return nil, nil
	}
	out, err := hold.Command("events", "--lines", "0", "-o", "json")
	if err != nil {
		return nil, fmt.Errorf("cannot read the journal of %s: %w", n.name, err)
	}
	var all []api.Event
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var page api.Events
		if err := dec.Decode(&page); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("cannot read the journal of %s: %w", n.name, err)
		}
		all = append(all, page.Events...)
	}
}

// unreasoned lists the transitions in a node's journal that give no reason,
// and those that do not follow from the one before.
func unreasoned(node string, events []api.Event) []string {
	var wrong []string
	last := ""
	for _, e := range events {
		switch {
		case e.Kind == "daemon":
			last = "" // started again: it begins anew
			continue
		case e.Kind != "transition":
			continue
		case e.Reason == "":
			wrong = append(wrong, fmt.Sprintf("%s: event %d: %s to %s without a reason", node, e.ID, e.From, e.To))
		case last != "" && e.From != last:
			wrong = append(wrong, fmt.Sprintf("%s: event %d: from %s to %s, but it was %s", node, e.ID, e.From, e.To, last))
		}
		last = e.To
	}
	return wrong
}
