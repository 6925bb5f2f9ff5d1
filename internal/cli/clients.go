package cli

import (
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// clientsMeaning says which connections are known, and what came of them when
// the addresses moved here last.
func clientsMeaning(s *api.Status, c *api.Clients) string {
	text := "nobody has told of connections yet"
	switch {
	case c.Node == s.Node:
		text = fmt.Sprintf("%d connections here, told to the other nodes", c.Known)
	case c.Node != "":
		text = fmt.Sprintf("%d connections with %s are known", c.Known, c.Node)
	}
	if c.LeftOut > 0 {
		text += fmt.Sprintf(", and there are %d more", c.LeftOut)
	}
	if l := c.Last; l != nil {
		text += fmt.Sprintf("; %d of %d with %s were reset at %s, within %s",
			l.Answered, l.Told, l.From, local(l.At, second), time.Duration(l.Took).Round(time.Millisecond))
	}
	return text
}
