package database

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// block is commands of the README, and the nodes that they are for.
type block struct {
	nodes    []string
	way      string // of deciding that they are for; "": both
	commands string
}

// blocks reads them: what is between ```sh and ```, with "# on db1" or "# on db1,
// with a lease" first.
func blocks(path string, all []string) ([]block, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var found []block
	for _, part := range strings.Split(string(text), "\n```sh\n")[1:] {
		commands, _, _ := strings.Cut(part, "\n```\n")
		first, commands, _ := strings.Cut(commands, "\n")
		where, ok := strings.CutPrefix(first, "# on ")
		if !ok {
			return nil, fmt.Errorf("cannot follow %s: commands begin with %q, and not with the nodes they are for", path, first)
		}
		where, way, _ := strings.Cut(where, ", with ")
		b := block{nodes: strings.Split(where, " and "), way: way, commands: commands}
		if where == "every node" {
			b.nodes = all
		}
		found = append(found, b)
	}
	return found, nil
}

// install does what the README says, up to where systemd would start things.
func (c *cluster) install(example string) error {
	var names []string
	for _, m := range c.machines {
		names = append(names, m.name)
	}
	todo, err := blocks(filepath.Join(example, "README.md"), names)
	if err != nil {
		return err
	}
	for _, b := range todo {
		if b.way != "" && b.way != c.way {
			continue
		}
		for _, name := range b.nodes {
			m := c.machine(name)
			if m == nil {
				return fmt.Errorf("cannot follow the README: it has commands for %q", name)
			}
			if _, err := m.run("bash", "-euo", "pipefail", "-c", b.commands); err != nil {
				return err
			}
			if err := c.share(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// share copies the secrets that a node has made to the others, as the README says.
func (c *cluster) share(from *machine) error {
	made := filepath.Join(from.work(), "secrets")
	if _, err := os.Stat(made); err != nil {
		return nil
	}
	for _, m := range c.machines {
		if m == from {
			continue
		}
		secrets := filepath.Join(m.work(), "secrets")
		if err := errors.Join(os.RemoveAll(secrets), os.CopyFS(secrets, os.DirFS(made))); err != nil {
			return fmt.Errorf("cannot copy the secrets: %w", err)
		}
	}
	return nil
}
