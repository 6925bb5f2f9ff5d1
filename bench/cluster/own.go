package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/peer"
)

// own is holdfast with a lease, in the store that its nodes make themselves.
type own struct {
	lease string // what is after lease:
	lines []string
	nodes map[string]*peer.Node
}

const groupName = "vip"

// cluster are the lines about the store.
func (o *own) cluster(s *stage) []string {
	var nodes []string
	for _, m := range s.machines {
		nodes = append(nodes, fmt.Sprintf("%s: %s", m.name, m.address()))
	}
	all := []string{"cluster:", "  nodes: {" + strings.Join(nodes, ", ") + "}", "  store: embedded"}
	for _, l := range o.lines {
		all = append(all, "  "+l)
	}
	return all
}

func (o *own) begin(s *stage, m *machine) error {
	certificates := filepath.Join(s.dir, "certificates")
	if _, err := os.Stat(certificates); err != nil {
		if err := o.certify(s, certificates); err != nil {
			return err
		}
	}
	here := filepath.Join(m.dir, "certificates")
	if _, err := os.Stat(here); err != nil {
		if err := os.CopyFS(here, os.DirFS(certificates)); err != nil {
			return err
		}
	}
	d, err := peer.Start(peer.Holdfast, m.host, peer.Options{
		Dir: filepath.Join(m.dir, "holdfast"), Binary: s.holdfast, Node: m.name, Guardian: "auto", Under: m.under(),
		Global: append(o.cluster(s), "  certificates: "+here),
	}, peer.Router{Name: groupName, Interface: lab.Interface, Addresses: []netip.Prefix{vip}, Lease: o.lease})
	if err != nil {
		return err
	}
	if o.nodes == nil {
		o.nodes = map[string]*peer.Node{}
	}
	o.nodes[m.name] = d.(*peer.Node)
	return nil
}

// certify makes the certificates, as an operator does.
func (o *own) certify(s *stage, into string) error {
	path := filepath.Join(s.dir, "init.yaml")
	text := fmt.Sprintf("node: %s\n%s\n  certificates: %s\n", s.machines[0].name, strings.Join(o.cluster(s), "\n"), into)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	if out, err := exec.Command(s.holdfast, "cluster", "init", "-c", path).CombinedOutput(); err != nil {
		return fmt.Errorf("cannot make the store's certificates: %w: %s", err, out)
	}
	return nil
}

func (o *own) form(*stage) error { return nil }

func (o *own) whole(s *stage) error {
	active := 0
	for _, m := range s.machines {
		state, err := o.nodes[m.name].State(groupName)
		switch {
		case err != nil:
			return err
		case state == peer.Active:
			active++
		case state != peer.Backup:
			return fmt.Errorf("%s is %s", m.name, state)
		}
		// The command looks at the members itself.
		if _, err := m.run(s.holdfast, "cluster", "status", "-c", filepath.Join(m.dir, "holdfast", "holdfast.yaml")); err != nil {
			return err
		}
	}
	if active != 1 {
		return errors.New("nobody holds")
	}
	return nil
}

func (o *own) move(_ *stage, holder *machine) error {
	_, err := o.nodes[holder.name].Command("handover", groupName)
	return err
}

func (o *own) settle(*stage) error { return nil }

func (o *own) daemon() func([]string) bool {
	return func(args []string) bool {
		return filepath.Base(args[0]) == "holdfast" && len(args) > 1 && args[1] == "run"
	}
}
