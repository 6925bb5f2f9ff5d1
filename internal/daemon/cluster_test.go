package daemon

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/vote"
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
	cfg.State = t.TempDir()
	a, err := forTest(cfg).newAgent(cfg, boottime())
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
	if _, err := forTest(cfg).newAgent(cfg, boottime()); err == nil {
		t.Error("a node that is not of the cluster votes")
	}
}

// A node that restarts keeps out of the votes for as long as it may have
// promised before: it knows how long from the state directory.
func TestPromised(t *testing.T) {
	cfg := &config.Config{State: t.TempDir()}
	cfg.Groups = []config.Group{{Guard: config.Guard{Kind: config.GuardMajority}, VRRP: config.VRRP{Interval: 100 * time.Millisecond}}}
	if got := forTest(cfg).promised(cfg); got != vote.MaxTerm {
		t.Errorf("the first process abstains for %s", got)
	}
	if got := forTest(cfg).promised(cfg); got != vote.MaxTerm {
		t.Errorf("one that follows at once abstains for %s", got)
	}
	if err := writeTerm(termFile(cfg), longestTerm(cfg)); err != nil {
		t.Fatal(err)
	}
	if got := forTest(cfg).promised(cfg); got != 300*time.Millisecond {
		t.Errorf("a later process abstains for %s", got)
	}
	cfg.Groups[0].VRRP.Interval = time.Second
	if err := raiseTerm(cfg, 0); err != nil {
		t.Fatal(err)
	}
	if got := forTest(cfg).promised(cfg); got != 3*time.Second {
		t.Errorf("after a reload with longer promises the next one abstains for %s", got)
	}
	if err := os.WriteFile(termFile(cfg), []byte("soon\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := forTest(cfg).promised(cfg); got != vote.MaxTerm {
		t.Errorf("with a spoilt file one abstains for %s", got)
	}
}

func forTest(cfg *config.Config) *Daemon {
	d := &Daemon{}
	d.current.Store(&loaded{cfg: cfg})
	return d
}
