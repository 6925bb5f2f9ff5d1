package survival

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/journal"
)

// Witness is a pair whose nodes can be asked what they know. Nobody is waited for:
// a node that is frozen or killed says so little by little.
type Witness interface {
	// Drops is what a node has dropped since its plane began, by reason, and the
	// packets that it has forwarded.
	Drops(i int) (map[string]uint64, error)
	// Events are a node's journal, also of the processes before the one that runs.
	Events(i int) ([]api.Event, error)
	// Explain is the flow of a client's end as a node knows it.
	Explain(i int, from netip.AddrPort) string
	// State is all that a node shows.
	State(i int) string
}

// answers is how long a node may take for an answer, which a frozen one never gives.
const answers = 2 * time.Second

// ask runs a command for one of the nodes.
func (p *holdfast) ask(i int, args ...string) ([]byte, error) {
	if p.nodes[i] == nil {
		return nil, fmt.Errorf("it was never started")
	}
	ctx, cancel := context.WithTimeout(context.Background(), answers)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.binary, append(args, "--socket", p.nodes[i].Socket())...)
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return out, fmt.Errorf("it gave no answer within %s", answers)
	}
	return out, err
}

func (p *holdfast) Drops(i int) (map[string]uint64, error) {
	out, err := p.ask(i, "backends", "-o", "json")
	if err != nil {
		return nil, err
	}
	var all api.Backends
	if err := json.Unmarshal(out, &all); err != nil {
		return nil, err
	}
	sums := map[string]uint64{}
	for _, s := range all.Services {
		for why, n := range s.Drops {
			sums["dropped: "+why] += n
		}
		sums["refused"] += s.Refused
		sums["limited"] += s.Limited
		for _, b := range s.Backends {
			sums["new flows"] += b.New
			sums["packets from clients"] += b.PacketsIn
			sums["packets to clients"] += b.PacketsOut
			sums["failures"] += b.Failures
		}
	}
	return sums, nil
}

func (p *holdfast) Events(i int) ([]api.Event, error) {
	return journal.Read(filepath.Join(p.options(i).Dir, "state"), 0)
}

func (p *holdfast) Explain(i int, from netip.AddrPort) string {
	out, err := p.ask(i, "backends", "explain", from.String(), netip.AddrPortFrom(vip.Addr(), servicePort).String())
	return said(out, err)
}

func (p *holdfast) State(i int) string {
	text := ""
	for _, args := range [][]string{{"status"}, {"backends", "-v"}, {"explain", "web"}} {
		text += fmt.Sprintf("$ holdfast %v\n%s\n", args, said(p.ask(i, args...)))
	}
	return text
}

// said is an answer, or why there is none. The exit code of some answers tells of
// the groups.
func said(out []byte, err error) string {
	if err != nil {
		return fmt.Sprintf("%s(%v)", out, err)
	}
	return string(out)
}
