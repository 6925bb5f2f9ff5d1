package cli

import (
	"fmt"

	"github.com/holdfast-net/holdfast/internal/api"
)

// stepsMeaning says how far the steps of a group are.
func stepsMeaning(s *api.Steps) string {
	text := map[string]string{
		"clean":   "none is taken",
		"dirty":   "left by an earlier process",
		"taking":  "being taken",
		"taken":   "all are taken",
		"leaving": "being undone",
		"stuck":   "cannot be undone, and tried again",
	}[s.State]
	if s.Step != "" {
		text += ": " + s.Step
	}
	if s.Why != "" {
		text += ": " + s.Why
	}
	if s.State != "clean" {
		text += fmt.Sprintf(" (%d of %d, epoch %d)", s.Done, s.Of, s.Epoch)
	}
	return text
}
