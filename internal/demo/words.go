package demo

import (
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// opening introduces the lab: who is there, and the file that makes it so.
func opening(r *Result, s style) []string {
	m := s.marks
	lines := []string{
		s.paint(bold, "holdfast demo") + " " + m.dot + " three nodes and a client, on this machine alone",
		"Network namespaces, real daemons, real packets; nothing of it stays behind.",
		"",
	}
	for i, n := range r.Nodes {
		joint := m.middle + " switch " + m.cable + " client " + r.Client
		switch i {
		case 0:
			joint = m.top
		case len(r.Nodes) - 1:
			joint = m.bottom
		}
		name := s.paint(laneColours[i%len(laneColours)], pad(n.Name, margin-indent))
		lines = append(lines, "   "+name+pad(n.Address, 13)+pad(fmt.Sprintf("priority %d", n.Priority), 13)+joint)
	}
	lines = append(lines, "",
		fmt.Sprintf("Each node runs `holdfast run` with ten lines of YAML. Those of %s:", r.Nodes[0].Name), "")
	for line := range strings.Lines(r.Config) {
		lines = append(lines, "   "+s.paint(yellow, strings.TrimRight(line, "\n")))
	}
	return append(lines, "",
		fmt.Sprintf("%s holds %s, %s after the daemons were started.",
			r.Elected, r.Address, milliseconds(time.Duration(r.ElectedAfter))),
		fmt.Sprintf("The client asks %s who is there, %d times a second. What it notices:",
			r.Address, int(time.Second/time.Duration(r.ProbeInterval))), "")
}

// heading is what stands above a step's picture.
func heading(number int, step *Step, s style) []string {
	lines := []string{fmt.Sprintf("%d  %s", number, s.paint(bold, step.Title))}
	if step.Command != "" {
		lines = append(lines, "   "+s.paint(dim, "$ "+step.Command))
	}
	return append(lines, "")
}

// soFar is the line below a picture that still grows.
func soFar(step *Step) string {
	text := "   ... " + describe(step.States)
	if step.Lost > 0 {
		text += "; no answer to " + count(step.Lost, "probe")
	}
	return text
}

// outcome is what stands below the finished picture.
func outcome(step *Step, s style) []string {
	moved := fmt.Sprintf("%s %s %s", step.Before, s.marks.arrow, step.After)
	if step.Before == step.After {
		moved = step.After + " keeps the address"
	}
	noticed := fmt.Sprintf("none of %d probes lost", step.Sent)
	if step.Lost > 0 {
		noticed = fmt.Sprintf("%s without an answer, %s lost",
			s.paint(bold, milliseconds(time.Duration(step.Outage))), count(step.Lost, "probe"))
	}
	lines := []string{
		"   " + mark(step.Kept, s) + " " + moved + ": " + noticed,
		"     " + s.paint(dim, "promised: "+step.Promise.String()+" ("+step.Promise.Why+")"),
	}
	if step.Late > 0 {
		lines = append(lines, fmt.Sprintf("     of these, %s came back after more than a second: this machine is busy", count(step.Late, "probe")))
	}
	return append(append(lines, warning(step, s)...), "")
}

func mark(kept bool, s style) string {
	if kept {
		return s.paint(green, s.marks.good)
	}
	return s.paint(red, s.marks.bad)
}

// warning says what a frozen holder's kernel does: once the hold is over,
// nothing.
func warning(step *Step, s style) []string {
	if step.Name != "freeze" {
		return nil
	}
	who := step.claimants()
	switch len(who) {
	case 0:
		return []string{"     asked by ARP who has the address, nobody answers"}
	case 1:
		return []string{
			fmt.Sprintf("     asked by ARP who has the address, only %s answers: the frozen node's", who[0]),
			"     hold is over, and its kernel drops the question",
		}
	}
	bang := "   " + s.paint(yellow, s.marks.attention) + " "
	return []string{
		bang + fmt.Sprintf("Asked by ARP who has the address, %s answer: the frozen", strings.Join(who, " and ")),
		"     node's hold is not enforced by this kernel (holdfast doctor says why).",
		"     " + strayed(step),
	}
}

func strayed(step *Step) string {
	if step.Stale == 0 {
		return "This client was not led astray; another can be."
	}
	return fmt.Sprintf("Here %s went astray.", count(step.Stale, "probe"))
}

// closing is the table at the end.
func closing(r *Result, s style) []string {
	rows := [][]string{{"", "WHAT WAS DONE", "BEFORE", "AFTER", "OUTAGE", "LOST", "PROMISED"}}
	for i := range r.Steps {
		step := &r.Steps[i]
		outage := "none"
		if step.Lost > 0 {
			outage = milliseconds(time.Duration(step.Outage))
		}
		rows = append(rows, []string{
			mark(step.Kept, style{marks: s.marks, paint: plain}), step.Action + ", " + step.Node,
			step.Before, step.After, outage, fmt.Sprint(step.Lost), step.Promise.String(),
		})
	}
	lines := table(rows, s)
	lines = append(append(lines, ""), summary(r)...)
	if mac := onlyMAC(r); mac != "" {
		lines = append(lines, fmt.Sprintf("The client's ARP entry stayed %s: it moves with the address.", mac))
	}
	if !r.OK {
		lines = append(lines, s.paint(red, "Not every promise was kept.")+" A busy machine can do that; so can a bug.")
	}
	return append(lines, "", "Now on two machines of yours: those ten lines, and `holdfast run -c FILE`.")
}

// summary is the show in two lines: what was planned, and what was not.
func summary(r *Result) []string {
	var asked, lost int
	var worst *Step
	for i := range r.Steps {
		step := &r.Steps[i]
		switch {
		case step.Promise.Lossless:
			asked, lost = asked+step.Sent, lost+step.Lost
		case worst == nil || step.Outage > worst.Outage:
			worst = step
		}
	}
	lines := []string{fmt.Sprintf("Planned moves and returning nodes: %d of %s lost.", lost, count(asked, "probe"))}
	if worst != nil {
		lines = append(lines, fmt.Sprintf("The longest failover: %s (%s), with an advert every %s.",
			milliseconds(time.Duration(worst.Outage)), worst.Action, time.Duration(r.Interval)))
	}
	return lines
}

// onlyMAC is the MAC that the client had for the address, "" when there was
// more than one: a virtual MAC moves with the address.
func onlyMAC(r *Result) string {
	only := ""
	for _, step := range r.Steps {
		for _, mac := range step.MACs {
			if only != "" && mac != only {
				return ""
			}
			only = mac
		}
	}
	return only
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// table aligns columns; numbers to the right.
func table(rows [][]string, s style) []string {
	right := map[int]bool{4: true, 5: true}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var lines []string
	for n, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			space := strings.Repeat(" ", widths[i]-len([]rune(cell)))
			colour := cellColour(n, i, cell, s)
			if right[i] {
				b.WriteString(space + colour(cell) + "  ")
			} else {
				b.WriteString(colour(cell) + space + "  ")
			}
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}

func cellColour(row, column int, cell string, s style) func(string) string {
	code := ""
	switch {
	case row == 0:
		code = dim
	case column == 0 && cell == s.marks.good:
		code = green
	case column == 0:
		code = red
	default:
		return func(text string) string { return text }
	}
	return func(text string) string { return s.paint(code, text) }
}

// round makes a result's durations readable in JSON.
func round(d time.Duration) api.Duration { return api.Duration(d.Round(time.Microsecond)) }
