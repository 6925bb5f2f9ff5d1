package lease

import (
	"slices"
	"strings"
)

// A hold that ran out says nothing of what its node still does beside its
// addresses: with Config.Fences the record keeps the names of such nodes, until
// one of them holds again (it has undone then what it had begun) or the holder
// has had it fenced. Nobody forgets them by dying.

// separator stands between names, which have none.
const separator = ","

// owe is what a claim over the known record owes.
func (c *Candidate) owe() string {
	if !c.cfg.Fences {
		return ""
	}
	r := &c.record.Record
	names := split(r.Owed)
	if r.Holder != "" && !slices.Contains(names, r.Holder) {
		names = append(names, r.Holder)
	}
	return strings.Join(without(names, c.cfg.Node), separator)
}

// settled notes that a node was fenced, or has let go in order after all.
func (c *Candidate) settled(node string) {
	c.owed = strings.Join(without(split(c.owed), node), separator)
	c.renewAt = c.now
}

// Owed names the nodes that held before this one and whose holds ran out.
func (c *Candidate) Owed() []string { return split(c.owed) }

// Heard tells which other node the record names as its holder, and when it was
// written last as far as this node knows.
func (c *Candidate) Heard() (holder string, at Instant) {
	if h := c.record.Record.Holder; h != c.cfg.Node {
		return h, c.record.observed
	}
	return "", 0
}

func split(names string) []string {
	if names == "" {
		return nil
	}
	return strings.Split(names, separator)
}

func without(names []string, name string) []string {
	return slices.DeleteFunc(names, func(n string) bool { return n == name })
}
