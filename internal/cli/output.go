package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-net/holdfast/internal/api/client"
)

// format is how a command shows its answer: the flag -o.
type format string

const (
	text     format = "text"
	jsonForm format = "json"
)

func formats() []string { return []string{string(text), string(jsonForm)} }

// String, Set and Type implement pflag.Value.
func (f *format) String() string { return string(*f) }

func (f *format) Set(s string) error {
	if !slices.Contains(formats(), s) {
		return fmt.Errorf("it is one of %s", strings.Join(formats(), ", "))
	}
	*f = format(s)
	return nil
}

func (f *format) Type() string { return "format" }

// outputFlag adds -o to a command.
func outputFlag(cmd *cobra.Command) *format {
	f := text
	cmd.Flags().VarP(&f, "output", "o", "`format` of the answer: text or json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats(), cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return &f
}

// socketFlag adds --socket to a command that talks to a daemon.
func socketFlag(cmd *cobra.Command, t Terminal) *string {
	return cmd.Flags().String("socket", defaultSocket(t), "`path` of the daemon's control socket")
}

// defaultSocket is where the daemon is if nothing else is said.
func defaultSocket(t Terminal) string {
	if s := t.env(socketEnv); s != "" {
		return s
	}
	return DefaultSocket
}

// configFlag adds -c to a command that reads a file.
func configFlag(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("config", "c", DefaultConfig, "`file` to read")
}

// dial returns the client for a socket.
func dial(socket *string) *client.Client { return client.Dial(*socket) }

// writeJSON writes a document for programs.
func writeJSON(w io.Writer, doc any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return written(enc.Encode(doc))
}

// writeLine writes a document on one line of its own.
func writeLine(w io.Writer, doc any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return written(enc.Encode(doc))
}

func written(err error) error {
	if err != nil {
		return fmt.Errorf("cannot write the answer: %w", err)
	}
	return nil
}

// harmless makes text that may come from the network safe for a terminal:
// control characters would move the cursor, and worse.
func harmless(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r >= ' ' && r < 0x7f || r >= 0xa0 && r != 0x2028 && r != 0x2029 {
			return r
		}
		return '?'
	}, s)
}
