package agent

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/program"
)

// Metadata is what an agent says of itself.
type Metadata struct {
	Parameters []Parameter
	Actions    []string
}

// Parameter is one that it takes.
type Parameter struct {
	Name     string
	Required bool
	Default  string
	Type     string   // string, integer, second, boolean, select
	Options  []string // of a select
}

// maxMetadata bounds what an agent may say of itself.
const maxMetadata = 1 << 20

// ReadMetadata asks an agent what it is.
func ReadMetadata(ctx context.Context, path string) (*Metadata, error) {
	if err := program.Runnable(program.Disk(), path, program.Own()); err != nil {
		return nil, fmt.Errorf("cannot run fence agent: %w", err)
	}
	cmd := exec.CommandContext(ctx, path)
	cmd.Env = program.Environment(os.Environ(), "PYTHONWARNINGS=ignore")
	cmd.Dir, cmd.WaitDelay = "/", 100*time.Millisecond
	cmd.Stdin = strings.NewReader("action=metadata\n")
	out, err := cmd.Output()
	switch {
	case err != nil:
	case len(out) > maxMetadata:
		err = fmt.Errorf("it is longer than %d bytes", maxMetadata)
	}
	var m *Metadata
	if err == nil {
		m, err = ParseMetadata(out)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the metadata of %s: %w", filepath.Base(path), err)
	}
	return m, nil
}

// ParseMetadata reads it.
func ParseMetadata(b []byte) (*Metadata, error) {
	var doc struct {
		XMLName    xml.Name `xml:"resource-agent"`
		Parameters []struct {
			Name     string `xml:"name,attr"`
			Required string `xml:"required,attr"`
			Content  struct {
				Type    string `xml:"type,attr"`
				Default string `xml:"default,attr"`
				Options []struct {
					Value string `xml:"value,attr"`
				} `xml:"option"`
			} `xml:"content"`
		} `xml:"parameters>parameter"`
		Actions []struct {
			Name string `xml:"name,attr"`
		} `xml:"actions>action"`
	}
	d := xml.NewDecoder(bytes.NewReader(b))
	d.Strict = false
	if err := d.Decode(&doc); err != nil {
		return nil, err
	}
	if len(doc.Actions) == 0 {
		return nil, errors.New("it names no actions")
	}
	m := &Metadata{}
	for _, p := range doc.Parameters {
		x := Parameter{Name: p.Name, Required: p.Required == "1", Default: p.Content.Default, Type: p.Content.Type}
		for _, o := range p.Content.Options {
			x.Options = append(x.Options, o.Value)
		}
		m.Parameters = append(m.Parameters, x)
	}
	for _, a := range doc.Actions {
		m.Actions = append(m.Actions, a.Name)
	}
	return m, nil
}

// Check holds what a file gives an agent, and the actions that it will be asked
// for, against what it says of itself. It returns all that is wrong.
func (m *Metadata) Check(given map[string]string, actions ...string) []error {
	var wrong []error
	for _, a := range actions {
		if !slices.Contains(m.Actions, a) {
			wrong = append(wrong, fmt.Errorf("it does not know the action %s", a))
		}
	}
	for _, p := range m.Parameters {
		value, is := given[p.Name]
		switch {
		case p.Name == "action":
		case !is && p.Required && p.Default == "":
			wrong = append(wrong, fmt.Errorf("it needs the parameter %s", p.Name))
		case is && p.problem(value) != "":
			wrong = append(wrong, fmt.Errorf("its parameter %s must be %s", p.Name, p.problem(value)))
		}
	}
	for name := range given {
		known := slices.ContainsFunc(m.Parameters, func(p Parameter) bool { return p.Name == name })
		switch {
		case !known:
			wrong = append(wrong, fmt.Errorf("it has no parameter %s", name))
		case name == "action":
			wrong = append(wrong, errors.New("action is not a parameter to be given: write it beside parameters"))
		}
	}
	slices.SortFunc(wrong, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return wrong
}

// problem says what a value should be, where it is not. The value may be a
// secret: it is not repeated.
func (p Parameter) problem(value string) string {
	switch p.Type {
	case "integer", "second":
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return "a whole number"
		}
	case "boolean":
		if !slices.Contains([]string{"1", "0", "yes", "no", "true", "false", "on", "off"}, strings.ToLower(value)) {
			return "1 or 0"
		}
	case "select":
		if len(p.Options) > 0 && !slices.Contains(p.Options, value) {
			return "one of " + strings.Join(p.Options, ", ")
		}
	}
	return ""
}
