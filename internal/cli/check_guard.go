package cli

import (
	"fmt"
	"strings"

	"github.com/holdfast-net/holdfast/internal/config"
)

// notes say what the guards of a good file mean where it is less than one
// might think. They are no warnings: nothing is wrong.
func notes(cfg *config.Config) []string {
	var out []string
	var available []string
	behind := map[string][]string{}
	var gateways []string
	for i := range cfg.Groups {
		g := &cfg.Groups[i]
		switch g.Guard.Kind {
		case config.GuardAvailable:
			available = append(available, g.Name)
		case config.GuardGateway:
			gw := g.Guard.Gateway.String()
			if behind[gw] == nil {
				gateways = append(gateways, gw)
			}
			behind[gw] = append(behind[gw], g.Name)
		}
	}
	if len(available) > 0 {
		advice := "a third voter (a node or a witness) lets them be guarded"
		if cfg.Cluster.Voters() >= 3 {
			advice = "the cluster has voters enough for guard: guarded"
		}
		out = append(out, fmt.Sprintf("available (%s): nodes that do not hear each other may hold at the same time; %s", strings.Join(available, ", "), advice))
	}
	for _, gw := range gateways {
		out = append(out, fmt.Sprintf("behind gateway %s (%s): isolates a node that lost its LAN; a cut between two nodes that both reach the gateway is not decided by it",
			gw, strings.Join(behind[gw], ", ")))
	}
	if n := cfg.Cluster.Voters(); n >= 3 {
		out = append(out, fmt.Sprintf("%d voters: of them %d may be lost; guarded groups lapse when a node reaches fewer than %d, itself included", n, n-n/2-1, n/2+1))
	}
	return out
}

// guardWord is a guard for a narrow column.
func guardWord(guard string) string { return strings.Trim(guard, "{}") }

// witnessMeaning says what a witness's file means.
func witnessMeaning(cfg *config.Config) string {
	return fmt.Sprintf("witness %s, which listens on %s, votes, and never holds", cfg.Node, cfg.Witness.Listen)
}
