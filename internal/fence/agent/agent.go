package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/program"
)

// Agent is a fence agent with what it is given.
type Agent struct {
	Path       string
	Parameters map[string]string
	// Start starts it; nil: (*exec.Cmd).Start. See program.Command.
	Start func(*exec.Cmd) error
}

// folders are where agents are looked for by their names.
var folders = []string{"/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/bin", "/usr/local/bin"}

// Find is where the agent with a name is. One with slashes is a path already.
func Find(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	for _, dir := range folders {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return filepath.Join(folders[0], name)
}

// input is what an agent reads: a value with the end of a line in it would be
// two.
func (a *Agent) input(action string) ([]byte, error) {
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(a.Parameters)) {
		value := a.Parameters[name]
		if strings.ContainsAny(value, "\r\n\x00") {
			return nil, fmt.Errorf("cannot give the agent its %s: there is the end of a line in it", name)
		}
		if name != "action" {
			fmt.Fprintf(&b, "%s=%s\n", name, value)
		}
	}
	fmt.Fprintf(&b, "action=%s\n", action)
	return b.Bytes(), nil
}

// Run runs the agent once; it is killed when ctx ends.
func (a *Agent) Run(ctx context.Context, action string) (program.Outcome, error) {
	p, err := a.start(action)
	if err != nil {
		return program.Outcome{}, err
	}
	select {
	case <-p.Done:
	case <-ctx.Done():
		p.Kill()
		<-p.Done
		return p.Outcome(), fmt.Errorf("cannot wait for %s of %s any longer: %w", action, filepath.Base(a.Path), ctx.Err())
	}
	return p.Outcome(), nil
}

func (a *Agent) start(action string) (program.Process, error) {
	input, err := a.input(action)
	if err != nil {
		return program.Process{}, err
	}
	return program.Start(program.Command{
		Argv: []string{a.Path}, Env: program.Environment(os.Environ(), "PYTHONWARNINGS=ignore"), Input: input, Start: a.Start,
		Grace: time.Second,
	}), nil
}

// Monitor asks the device whether it could be used.
func (a *Agent) Monitor(ctx context.Context) error {
	out, err := a.Run(ctx, "monitor")
	if err != nil {
		return err
	}
	if failed := Failure(out); failed != nil {
		return fmt.Errorf("cannot use %s: %w", filepath.Base(a.Path), failed)
	}
	return nil
}

// Failure says why an agent failed, with its own words.
func Failure(out program.Outcome) error {
	err := out.Failure()
	if err == nil || out.Output == "" || !out.Started() {
		return err
	}
	return errors.New(fmt.Sprint(err, ": ", words(out.Output)))
}

// words takes from an agent's output what it logs as an error, without the time
// and the number that its log puts before it.
func words(output string) string {
	lines := strings.Split(output, " | ")
	for i, line := range lines {
		if _, text, ok := strings.Cut(line, "ERROR: "); ok {
			lines[i] = text
		}
	}
	return strings.Join(slices.Compact(lines), " | ")
}
