package local

import (
	"strconv"
	"strings"

	"github.com/holdfast-net/holdfast/internal/check"
)

// maxShare is the most that an agent may give: HAProxy's weights are 0 to 256,
// and its percentages are bounded the same way.
const maxShare = 256

// readAgent reads a line of HAProxy's agent-check protocol. It is false for a
// line that has none of its words. There are words about the service (up,
// down) and about what its operator wants (ready, drain, maint); of each the
// last counts, and both have to be fine.
func readAgent(line string) (check.Seen, bool) {
	said, reason, _ := strings.Cut(line, "#")
	service, wish, known := "", "", false
	var seen check.Seen
	for word := range strings.FieldsFuncSeq(said, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' }) {
		word = strings.ToLower(word)
		if percent, ok := strings.CutSuffix(word, "%"); ok {
			if n, err := strconv.ParseUint(percent, 10, 16); err == nil {
				seen.Share, seen.Shared, known = min(int(n), maxShare), true, true
			}
			continue
		}
		switch word {
		case "up", "down", "fail", "failed", "stopped":
			service, known = word, true
		case "ready", "drain", "maint":
			wish, known = word, true
		}
	}
	seen.OK = (service == "" || service == "up") && wish != "maint"
	seen.Text = "it says " + strconv.Quote(short(strings.TrimSpace(said)))
	if reason = strings.TrimSpace(printable(reason)); reason != "" {
		seen.Text += ": " + short(reason)
	}
	switch {
	case !seen.OK:
		seen.Text += ", wanted up"
		seen.Share, seen.Shared = 0, false
	case wish == "drain": // new connections go elsewhere, those there are may end
		seen.Share, seen.Shared = 0, true
	}
	return seen, known
}

// printable leaves out what would upset a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}
