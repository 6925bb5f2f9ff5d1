package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/api/apitest"
	"github.com/holdfast-net/holdfast/internal/explain"
)

// explained are states of a group, from that of apitest on.
var explained = map[string]struct {
	group  string
	change func(in *explain.Input, g *api.Group)
}{
	"held":   {"web", func(*explain.Input, *api.Group) {}},
	"backup": {"dns", func(*explain.Input, *api.Group) {}},
	"backup-better": {"dns", func(_ *explain.Input, g *api.Group) {
		g.Priority, g.Checks = 150, g.Checks[:1]
	}},
	"backup-patient": {"dns", func(_ *explain.Input, g *api.Group) {
		g.Priority, g.Checks, g.Preempt = 150, g.Checks[:1], false
		g.Peers = append(g.Peers, api.Peer{Node: "lb3", Address: "192.0.2.13", Family: "ipv4", State: "backup", Priority: 200})
	}},
	"nobody": {"dns", func(_ *explain.Input, g *api.Group) { g.Holder, g.Peers, g.Checks = "", nil, nil }},
	"check-fails": {"dns", func(_ *explain.Input, g *api.Group) {
		g.State, g.Reason, g.Priority = "fault", "check nginx is down: HTTP 503 in 12 ms, wanted 200-299", 150
		g.Checks[1].Weight = 0
	}},
	"check-pending": {"dns", func(_ *explain.Input, g *api.Group) {
		g.Priority, g.Checks = 150, []api.Check{{Name: "uplink", State: "pending"}}
	}},
	"link-down": {"dns", func(in *explain.Input, g *api.Group) {
		g.State, g.Reason = "fault", "eth0 is down: no carrier"
		in.Status.Links[0] = api.Link{Name: "eth0", Why: "no carrier"}
	}},
	"maintenance": {"dns", func(in *explain.Input, g *api.Group) { in.Status.Maintenance, g.State = true, "init" }},
	"companion": {"dns", func(in *explain.Input, g *api.Group) {
		g.State, g.Checks = "fault", nil
		in.Status.Groups[0].State, in.Status.Groups[0].Reason = "fault", "check database is down: standby"
		in.Status.Groups[0].Checks = []api.Check{{Name: "database", State: "down", Detail: "standby"}}
	}},
	"cut-off": {"web", func(in *explain.Input, g *api.Group) {
		g.State, g.HolderIsMe, g.Holder, g.Reason = "backup", false, "", "no majority promises it any more"
		g.Guard.Promised, g.Guard.Votes = 0, 1
		for i := 1; i < 3; i++ {
			in.Status.Voters[i].LastSeen = in.Status.Now.Add(-time.Minute)
		}
	}},
	"gateway-silent": {"dns", func(_ *explain.Input, g *api.Group) {
		g.Guard = api.Guard{Kind: api.GuardGateway, Gateway: "192.0.2.254"}
		g.Checks = nil
	}},
	"conflict": {"web", func(_ *explain.Input, g *api.Group) { g.Conflict = apitest.Contested() }},
	"two-holders": {"web", func(_ *explain.Input, g *api.Group) {
		g.Peers[0].State, g.Peers[1].State = "active", "active"
	}},
	"leaving": {"web", func(_ *explain.Input, g *api.Group) {
		g.Leaving, g.Steps.State, g.Steps.Step = true, "leaving", "unit postgresql.service"
	}},
	"steps-stuck": {"web", func(_ *explain.Input, g *api.Group) {
		g.State, g.HolderIsMe, g.Holder = "fault", false, "lb2"
		g.Steps = &api.Steps{State: "stuck", Why: "exec /bin/umount /srv could not be undone: it failed after 2ms: exit status 32", Done: 1, Of: 2, Epoch: 7}
	}},
	"steps-taking": {"web", func(_ *explain.Input, g *api.Group) {
		g.State, g.HolderIsMe, g.Holder = "backup", false, ""
		g.Steps = &api.Steps{State: "taking", Step: "ready", Why: "check primary (standby)", Done: 2, Of: 2, Epoch: 8}
	}},
	"fencing": {"web", func(in *explain.Input, g *api.Group) {
		g.State, g.HolderIsMe, g.Holder = "backup", false, "lb2"
		in.Fencing = &api.Fencing{Nodes: []api.FenceNode{{Node: "lb2", State: "running", Waiting: []string{"web"}, Failure: "device pdu: it did not end within 20s"}, {Node: "lb3", State: "not fenced"}}}
	}},
	"lease-held":    {"web", leased(api.Lease{TTL: second3, Known: true, Holder: "lb1", Epoch: 9, Left: api.Duration(2100 * time.Millisecond), Asks: "lb2"}, "active", "lb1")},
	"lease-backup":  {"web", leased(api.Lease{TTL: second3, Known: true, Holder: "lb2", Epoch: 9}, "backup", "lb2")},
	"lease-chosen":  {"web", leased(api.Lease{TTL: second3, Known: true, Holder: "lb2", Epoch: 9, Chosen: true}, "backup", "lb2")},
	"lease-kept":    {"web", leased(api.Lease{TTL: second3, Known: true, Next: "lb2", Epoch: 9}, "backup", "")},
	"lease-over":    {"web", leased(api.Lease{TTL: second3, Known: true, Holder: "lb2", Over: true, Epoch: 9}, "backup", "")},
	"lease-barred":  {"web", leased(api.Lease{TTL: second3, Known: true, Holder: "lb2", Epoch: 9, Barred: api.Duration(50 * time.Minute)}, "backup", "lb2")},
	"lease-trouble": {"web", leased(api.Lease{TTL: second3, Known: true, Trouble: true, Holder: "lb2", Epoch: 9}, "backup", "lb2")},
	"lease-apart":   {"web", leased(api.Lease{TTL: second3, Trouble: true, Apart: "cannot use the store of leases: open /etc/holdfast/cluster/ca.crt: no such file or directory"}, "backup", "")},
}

const second3 = api.Duration(3 * time.Second)

func leased(l api.Lease, state, holder string) func(*explain.Input, *api.Group) {
	return func(_ *explain.Input, g *api.Group) {
		g.Lease, g.Guard, g.State, g.Holder, g.HolderIsMe = &l, api.Guard{Kind: api.GuardStrict}, state, holder, state == "active"
		g.With, g.Checks, g.Peers = nil, nil, nil
		if state != "active" {
			g.Steps.State, g.Steps.Done = "clean", 0
			for i := range g.Routers {
				g.Routers[i].Hold = api.Hold{State: api.HoldClosed}
			}
		}
	}
}

// TestExplain_ManyStates writes what explain says of many states of a group.
// Whatever bars this node has something to do about it.
func TestExplain_ManyStates(t *testing.T) {
	t.Setenv("TZ", "UTC")
	time.Local = time.UTC
	for name, tt := range explained {
		t.Run(name, func(t *testing.T) {
			in := explain.Input{Status: apitest.Status(), Events: apitest.Events()}
			for i := range in.Status.Groups {
				if g := &in.Status.Groups[i]; g.Name == tt.group {
					tt.change(&in, g)
				}
			}
			e, ok := explain.Group(tt.group, in)
			if !ok {
				t.Fatal("it is not there")
			}
			for _, f := range e.Facts {
				if f.Text == "" || f.Verdict == api.VerdictBars && f.Do == "" {
					t.Errorf("%+v", f)
				}
			}
			if e.Decides == "" || len(e.Ways) == 0 {
				t.Errorf("who decides: %q; ways: %q", e.Decides, e.Ways)
			}
			var got bytes.Buffer
			if err := (Terminal{}).explanation(&got, in.Status, &e); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", "explain", name+".txt")
			if *update {
				if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
