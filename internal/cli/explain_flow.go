package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-net/holdfast/internal/api"
)

func newExplainFlow(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain FROM TO",
		Short: "Say which backend a flow has or gets, and why",
		Long: `Explain takes a client's address and port, and where it connects: an address and
port, with a protocol where both are served (192.0.2.10:53/udp), or the name of a
service. It says which backend has that flow, or which one a new flow would get,
and what was looked at: who may connect, limits, affinity, and the scheduler.

What depends on other flows (turns, the fewest connections) is as it is now.`,
		Example: `  holdfast backends explain 198.51.100.7:40000 192.0.2.10:443
  holdfast backends explain '[2001:db8::7]:40000' web -o json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				return nil
			}
			return usage(cmd, fmt.Errorf("%s takes two arguments, the address and port of a client, and a service or its address and port, not %d", cmd.Name(), len(args)))
		},
	}
	socket := socketFlag(cmd, t)
	form := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		e, err := dial(socket).ExplainFlow(cmd.Context(), args[0], args[1])
		if err != nil {
			return doing("explain a flow", err)
		}
		if *form == jsonForm {
			return writeJSON(t.Out, e)
		}
		return t.flowExplanation(&e)
	}
	return cmd
}

// flowExplanation is the answer for people.
func (t Terminal) flowExplanation(e *api.FlowExplanation) error {
	looks := good
	switch e.Outcome {
	case "could":
		looks = notice
	case "nowhere":
		looks = bad
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s to %s (%s, %s): %s\n\n", oneLine(e.From), oneLine(e.To), t.paint(strong, oneLine(e.Service)), oneLine(e.Forward), t.paint(looks, oneLine(e.Summary)))
	if _, err := t.Out.Write([]byte(b.String())); err != nil {
		return written(err)
	}
	tones := map[string]tone{api.VerdictBars: bad, api.VerdictOK: good}
	tb := newTable(t, "WHAT COUNTS", "VERDICT", "SEEN")
	tb.whole = true
	for _, f := range e.Facts {
		tb.add(cell{f.Subject, strong}, cell{f.Verdict, tones[f.Verdict]}, cell{f.Text, plain})
	}
	return tb.write(t.Out)
}
