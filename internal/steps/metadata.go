package steps

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/program"
)

// Metadata is what a resource agent says of itself (OCF Resource Agent API 1.1,
// "Agent metadata").
type Metadata struct {
	Name       string      `xml:"name,attr"`
	Parameters []Parameter `xml:"parameters>parameter"`
	Actions    []Action    `xml:"actions>action"`
}

// Parameter is one that an agent takes.
type Parameter struct {
	Name     string `xml:"name,attr"`
	Required string `xml:"required,attr"` // "1" or "true"
	Content  struct {
		Type    string `xml:"type,attr"` // string, integer, boolean, time, …
		Default string `xml:"default,attr"`
	} `xml:"content"`
}

// Action is one that an agent knows, and how long it may take.
type Action struct {
	Name    string `xml:"name,attr"`
	Timeout string `xml:"timeout,attr"` // "20s", "20", "20000ms"
}

// mostMetadata is how much an agent may say of itself. The longest of
// resource-agents says 60 kB.
const mostMetadata = 1 << 20

// ReadMetadata asks an agent below root (empty: /usr/lib/ocf) what it is. When
// ctx is over it is killed with all that it has started. start is program.Command's.
func ReadMetadata(ctx context.Context, root string, o *config.OCF, start func(*exec.Cmd) error) (*Metadata, error) {
	if root == "" {
		root = "/usr/lib/ocf"
	}
	name := o.Provider + ":" + o.Type
	path := agentPath(root, o)
	if err := program.Runnable(program.Disk(), path, program.Own()); err != nil {
		return nil, fmt.Errorf("cannot run agent %s: %w", name, err)
	}
	p := program.Start(program.Command{
		Argv: []string{path, "meta-data"}, Env: program.Environment(os.Environ(), agentEnvironment(root, o, "metadata")...),
		Start: start, Limit: mostMetadata, Keep: mostMetadata, Grace: 100 * time.Millisecond,
	})
	select {
	case <-p.Done:
	case <-ctx.Done():
		p.Kill()
		<-p.Done
	}
	out := p.Outcome()
	switch err := out.Failure(); {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("cannot read the metadata of agent %s: it did not end in time and was killed", name)
	case out.Flooded:
		return nil, fmt.Errorf("cannot read the metadata of agent %s: it says more than %d bytes", name, mostMetadata)
	case err != nil && out.Output != "":
		return nil, fmt.Errorf("cannot read the metadata of agent %s: %w; it said: %s", name, err, out.Output)
	case err != nil:
		return nil, fmt.Errorf("cannot read the metadata of agent %s: %w", name, err)
	}
	m, err := ParseMetadata(out.Stdout)
	if err != nil {
		return nil, fmt.Errorf("cannot read the metadata of agent %s: %w", name, err)
	}
	return m, nil
}

// agentAnswers is how long an agent may take to say what it is.
const agentAnswers = 10 * time.Second

// Agent says what is wrong with the use of an agent: config.Facts.Agent.
func Agent(o config.OCF) []error {
	ctx, cancel := context.WithTimeout(context.Background(), agentAnswers)
	defer cancel()
	m, err := ReadMetadata(ctx, "", &o, nil)
	if err != nil {
		return []error{err}
	}
	return m.Check(&o)
}

// ParseMetadata reads it.
func ParseMetadata(b []byte) (*Metadata, error) {
	d := xml.NewDecoder(bytes.NewReader(b))
	// Agents that name an encoding are in ASCII where it matters here.
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	d.Strict = false
	var m struct {
		XMLName xml.Name `xml:"resource-agent"`
		Metadata
	}
	if err := d.Decode(&m); err != nil {
		return nil, err
	}
	if len(m.Actions) == 0 {
		return nil, errors.New("it names no actions")
	}
	return &m.Metadata, nil
}

// Timeout is how long an action may take by the agent's own word; 0: it does not
// say.
func (m *Metadata) Timeout(action string) time.Duration {
	var longest time.Duration
	for _, a := range m.Actions {
		if a.Name == action {
			longest = max(longest, seconds(a.Timeout))
		}
	}
	return longest
}

// seconds reads a time as Pacemaker does: a number alone is in seconds.
func seconds(s string) time.Duration {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	d, err := time.ParseDuration(strings.NewReplacer("sec", "s", "min", "m").Replace(s))
	if err != nil || d < 0 {
		return 0
	}
	return d
}

// Has tells whether the agent knows an action.
func (m *Metadata) Has(action string) bool {
	return slices.ContainsFunc(m.Actions, func(a Action) bool { return a.Name == action })
}

// Check compares what the file says with what the agent takes, and returns all
// that is wrong.
func (m *Metadata) Check(o *config.OCF) []error {
	var wrong []error
	known := map[string]Parameter{}
	for _, p := range m.Parameters {
		known[p.Name] = p
		if _, given := o.Parameters[p.Name]; !given && p.required() && p.Content.Default == "" {
			wrong = append(wrong, fmt.Errorf("agent %s needs the parameter %s", o.Type, p.Name))
		}
	}
	for name, value := range o.Parameters {
		p, ok := known[name]
		if !ok {
			wrong = append(wrong, fmt.Errorf("agent %s has no parameter %s", o.Type, name))
			continue
		}
		if problem := p.problem(value); problem != "" {
			wrong = append(wrong, fmt.Errorf("parameter %s of agent %s must be %s, not %q", name, o.Type, problem, value))
		}
	}
	if o.Promote && !m.Has("promote") {
		wrong = append(wrong, fmt.Errorf("agent %s cannot be promoted: leave promote out", o.Type))
	}
	slices.SortFunc(wrong, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return wrong
}

func (p Parameter) required() bool { return p.Required == "1" || strings.EqualFold(p.Required, "true") }

// problem says what a value should be, where it is not.
func (p Parameter) problem(value string) string {
	switch p.Content.Type {
	case "integer":
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return "a whole number"
		}
	case "boolean":
		// As ocf_is_true of resource-agents and its opposite.
		if !slices.Contains([]string{"yes", "true", "1", "ja", "on", "no", "false", "0", "off"}, strings.ToLower(value)) {
			return "true or false"
		}
	}
	return ""
}
