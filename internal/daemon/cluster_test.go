package daemon

import (
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
)

// A file's cluster becomes voters, and those a status.
func TestCluster(t *testing.T) {
	cfg := &config.Config{Node: "lb2", Cluster: &config.Cluster{
		Nodes: []config.Voter{
			{Name: "lb1", Addr: netip.MustParseAddrPort("192.0.2.1:9113")},
			{Name: "lb2", Addr: netip.MustParseAddrPort("192.0.2.2:9113")},
		},
		Witnesses: []config.Voter{{Name: "w1", Addr: netip.MustParseAddrPort("203.0.113.9:9200")}},
		Keys:      []config.Secret{config.NewSecret(make([]byte, 32))},
	}}
	a, err := newAgent(cfg)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	got := describeVoters(now, a.Voters(boottime()))
	if len(got) != 3 || !got[1].Self || !got[2].Witness || got[2].Address != "203.0.113.9:9200" {
		t.Fatalf("%+v", got)
	}
	if !got[0].LastSeen.IsZero() || !got[1].LastSeen.Equal(now) {
		t.Errorf("lb1 was heard at %s, lb2 at %s", got[0].LastSeen, got[1].LastSeen)
	}
	if d := time.Duration(got[1].Abstains); d < 9*time.Second || d > 10*time.Second {
		t.Errorf("it abstains for %s", d)
	}
	cfg.Node = "lb3"
	if _, err := newAgent(cfg); err == nil {
		t.Error("a node that is not of the cluster votes")
	}
}
