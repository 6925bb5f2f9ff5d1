package local

import (
	"strings"

	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/internal/program"
)

// nagios reads the answer of a plug-in: the status says how it is, the first
// line of the output says it in words, and what follows "|" is for graphs
// (Nagios plug-in API).
func nagios(o program.Outcome, strict bool) check.Seen {
	word := "UNKNOWN"
	seen := check.Seen{}
	switch o.Status {
	case 0:
		word, seen.OK = "OK", true
	case 1:
		word, seen.OK, seen.Warn = "WARNING", !strict, !strict
	case 2:
		word = "CRITICAL"
	}
	text := nagiosText(o.First)
	if text == "" && o.Status != 0 {
		text = o.Output
	}
	switch err := o.Failure(); {
	case o.Status > 3 || o.Status < 0:
		// Nagios shows these as unknown, which hides a plug-in that is broken.
		seen.Text = word + " (" + err.Error() + ")"
	default:
		seen.Text = word
	}
	// Most plug-ins say the word themselves: "DISK OK - free space: …".
	if text != "" && strings.Contains(text, word) && o.Status >= 0 && o.Status <= 3 {
		seen.Text = text
	} else if text != "" {
		seen.Text += ": " + text
	}
	return seen
}

// nagiosText is the first line without performance data.
func nagiosText(line string) string {
	text, _, _ := strings.Cut(line, "|")
	return strings.TrimSpace(text)
}
