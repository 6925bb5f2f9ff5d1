package chaos

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/peer"
)

// witnessAddress is where the witness of two nodes listens. Three nodes need
// none.
var witnessAddress = netip.MustParsePrefix("192.0.2.90/24")

const witnessName = "witness"

// votes tells whether the nodes ask each other before they hold.
func (c *cluster) votes(kind peer.Kind) bool {
	return kind == peer.Holdfast && c.mode.Guard == Guarded
}

// voters are the lines that say who votes, the same on all nodes.
func (c *cluster) voters() []string {
	var nodes []string
	for i := range c.mode.Nodes {
		nodes = append(nodes, fmt.Sprintf("%s: %s", names[i], own4(i).Addr()))
	}
	lines := []string{"cluster:", "  nodes: {" + strings.Join(nodes, ", ") + "}"}
	if c.mode.Nodes == 2 {
		lines = append(lines, fmt.Sprintf("  witnesses: {%s: %s}", witnessName, witnessAddress.Addr()))
	}
	return append(lines, fmt.Sprintf("  key: {file: %s}", c.key()))
}

func (c *cluster) key() string { return filepath.Join(c.dir, "key") }

// startWitness writes the key, and starts the witness where there is one.
func (c *cluster) startWitness(binary string) error {
	key := strings.Repeat("0123456789abcdef", 4)
	if err := os.WriteFile(c.key(), []byte(key), 0o600); err != nil {
		return err
	}
	if c.mode.Nodes != 2 {
		return nil
	}
	host, err := c.lan.Add(lab.HostConfig{Name: witnessName, Addresses: []netip.Prefix{witnessAddress}})
	if err != nil {
		return err
	}
	path := filepath.Join(c.dir, witnessName)
	conf := fmt.Sprintf("node: %s\nstate: %s\ncontrol: {socket: %s.sock}\nwitness: {listen: \":9113\", key: {file: %s}}\n",
		witnessName, path, path, c.key())
	if err := os.WriteFile(path+".yaml", []byte(conf), 0o600); err != nil {
		return err
	}
	c.voting = time.Now().Add(abstain + time.Second)
	c.runWitness = func() error {
		var err error
		c.witness, err = host.Start(exec.Command(binary, "run", "-c", path+".yaml"))
		return err
	}
	return c.runWitness()
}
