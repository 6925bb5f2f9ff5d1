package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/holdfast-net/holdfast/internal/api"
)

func newVersion(c Commands, t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say which holdfast this is, and what it runs on",
		Long: `Version tells the release, the source it was built from, the Go release it was
built with, and the running kernel: what a bug report needs.`,
		Example: `  holdfast version -o json`,
		Args:    noArguments,
	}
	form := outputFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		v := api.Build(c.Version)
		if *form == jsonForm {
			return writeJSON(t.Out, v)
		}
		_, err := fmt.Fprintf(t.Out, "holdfast %s%s, %s, %s, kernel %s\n", v.Version, source(v), v.Go, v.Platform, orDash(v.Kernel))
		return written(err)
	}
	return cmd
}

// source is the revision in brackets, where it is known.
func source(v api.Version) string {
	if v.Revision == "" {
		return ""
	}
	out := " (" + v.Revision[:min(12, len(v.Revision))]
	if v.Modified {
		out += ", modified"
	}
	if v.Time != nil {
		out += ", " + v.Time.UTC().Format("2006-01-02")
	}
	return out + ")"
}
