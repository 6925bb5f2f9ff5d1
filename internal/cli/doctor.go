package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
)

func newDoctor(c Commands, t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine can do, and what that means",
		Long: `Doctor looks at the machine: which line of defence ends a hold in the kernel when
the daemon is dead or frozen, and how late at most; the real-time class, locked
memory and capabilities; clocks; virtual MACs; settings that stand in the way;
what a dead run left behind. What can be tried is tried, in a network namespace
of its own that is gone afterwards: nothing on this machine changes, and no
daemon is needed.

With a file it also says what each group's interface and guard mean. Without -c
that is ` + DefaultConfig + `, if it is there.

Each line is ok; weaker, which works and guarantees less than it could; or
missing, without which the daemon or a group does not work. The exit code is 0
if all are ok, else 1. Run it as root: the answers are about this process.`,
		Example: `  sudo holdfast doctor
  sudo holdfast doctor -c lb1.yaml
  sudo holdfast doctor -o json | jq '.findings[] | select(.result != "ok")'`,
		Args: noArguments,
	}
	path := cmd.Flags().StringP("config", "c", "", "`file` whose groups to look at")
	form := outputFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		if c.Doctor == nil {
			return missing("examine this machine")
		}
		cfg, err := patient(c, *path)
		if err != nil {
			return err
		}
		d := c.Doctor(cfg)
		if *form == jsonForm {
			err = writeJSON(t.Out, d)
		} else {
			err = t.diagnosis(&d)
		}
		if err == nil && !d.OK {
			err = status(exitFailed)
		}
		return err
	}
	return cmd
}

// patient loads the file to look at, if there is one.
func patient(c Commands, path string) (*config.Config, error) {
	if path == "" {
		if _, err := os.Stat(DefaultConfig); err != nil {
			return nil, nil
		}
		path = DefaultConfig
	}
	cfg, diags := config.Load(path, facts(c))
	if diags.HasErrors() {
		return nil, badConfig("use "+path, diags)
	}
	return cfg, nil
}

// diagnosis is a table; what to do stands below what needs it.
func (t Terminal) diagnosis(d *api.Diagnosis) error {
	tones := map[string]tone{api.FindingOK: good, api.FindingWeaker: notice, api.FindingMissing: bad}
	tb := newTable(t, "LOOKED AT", "RESULT", "WHAT IT MEANS")
	for _, f := range d.Findings {
		tb.add(cell{f.Subject, strong}, cell{f.Result, tones[f.Result]}, cell{f.Text, plain})
	}
	tb.whole = true
	if err := tb.write(t.Out); err != nil {
		return err
	}
	for _, f := range d.Findings {
		if f.Do == "" {
			continue
		}
		if _, err := fmt.Fprintln(t.Out, t.paint(notice, oneLine(f.Subject)+" is "+f.Result)+": "+oneLine(f.Do)); err != nil {
			return written(err)
		}
	}
	return nil
}
