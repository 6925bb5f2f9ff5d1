// Package apitest has a daemon made of values, for tests of the faces.
package apitest

import (
	"context"
	"sync"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// Daemon implements api.Daemon with what a test puts into it. Set the fields
// before it is used; Append may be called at any time.
type Daemon struct {
	State         *api.Status
	OnHandover    func(ctx context.Context, group string, h api.Handover) (api.Result, error)
	OnMaintenance func(ctx context.Context, m api.Maintenance) (api.Result, error)
	OnFence       func(ctx context.Context, f api.Fence) (api.Result, error)
	OnFencing     func(ctx context.Context) (api.Fencing, error)
	OnBackends    func(ctx context.Context) (api.Backends, error)
	OnTrace       func(ctx context.Context, q api.TraceQuery, see func(*api.TracedPacket) bool) error
	OnOrder       func(ctx context.Context, o api.BackendOrder) (api.Result, error)
	OnExplainFlow func(ctx context.Context, from, to string) (api.FlowExplanation, error)
	OnPlan        func(ctx context.Context) (api.Plan, error)
	OnReload      func(ctx context.Context) (api.Plan, error)
	OnUpgrade     func(ctx context.Context) (api.Result, error)

	mu     sync.Mutex
	events []api.Event
	news   chan struct{}
}

// Status implements api.Daemon.
func (d *Daemon) Status() *api.Status { return d.State }

// Append adds to the journal; an ID of zero is the next one.
func (d *Daemon) Append(events ...api.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, ev := range events {
		if ev.ID == 0 {
			ev.ID = 1
			if n := len(d.events); n > 0 {
				ev.ID = d.events[n-1].ID + 1
			}
		}
		d.events = append(d.events, ev)
	}
	if d.news != nil {
		close(d.news)
		d.news = nil
	}
}

// Events implements api.Daemon.
func (d *Daemon) Events(after uint64, limit int) ([]api.Event, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []api.Event
	for _, ev := range d.events {
		if ev.ID > after && (limit == 0 || len(out) < limit) {
			out = append(out, ev)
		}
	}
	if d.news == nil {
		d.news = make(chan struct{})
	}
	return out, d.news
}

// Handover implements api.Daemon.
func (d *Daemon) Handover(ctx context.Context, group string, h api.Handover) (api.Result, error) {
	return d.OnHandover(ctx, group, h)
}

// Maintenance implements api.Daemon.
func (d *Daemon) Maintenance(ctx context.Context, m api.Maintenance) (api.Result, error) {
	return d.OnMaintenance(ctx, m)
}

// Backends implements api.Daemon.
func (d *Daemon) Backends(ctx context.Context) (api.Backends, error) { return d.OnBackends(ctx) }

// OrderBackend implements api.Daemon.
func (d *Daemon) OrderBackend(ctx context.Context, o api.BackendOrder) (api.Result, error) {
	return d.OnOrder(ctx, o)
}

// Trace implements api.Daemon.
func (d *Daemon) Trace(ctx context.Context, q api.TraceQuery, see func(*api.TracedPacket) bool) error {
	return d.OnTrace(ctx, q, see)
}

// ExplainFlow implements api.Daemon.
func (d *Daemon) ExplainFlow(ctx context.Context, from, to string) (api.FlowExplanation, error) {
	return d.OnExplainFlow(ctx, from, to)
}

// Fence implements api.Daemon.
func (d *Daemon) Fence(ctx context.Context, f api.Fence) (api.Result, error) {
	return d.OnFence(ctx, f)
}

// Fencing implements api.Daemon.
func (d *Daemon) Fencing(ctx context.Context) (api.Fencing, error) { return d.OnFencing(ctx) }

// Plan implements api.Daemon.
func (d *Daemon) Plan(ctx context.Context) (api.Plan, error) { return d.OnPlan(ctx) }

// Reload implements api.Daemon.
func (d *Daemon) Reload(ctx context.Context) (api.Plan, error) { return d.OnReload(ctx) }

// Upgrade implements api.Daemon.
func (d *Daemon) Upgrade(ctx context.Context) (api.Result, error) { return d.OnUpgrade(ctx) }

// Now is the instant of the documents below.
func Now() time.Time { return time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC) }

// Status is a document with every field set: a pair of nodes that holds one
// group here and one there.
func Status() *api.Status {
	now := Now()
	return &api.Status{
		Schema: api.SchemaStatus, Node: "lb1", Version: "1.2.3",
		Now: now, Started: now.Add(-12 * 24 * time.Hour),
		Config: api.Config{
			Path: "/etc/holdfast/holdfast.yaml", Hash: "1a2b3c4d5e6f",
			LoadedAt: now.Add(-3 * 24 * time.Hour), LastReload: "ok",
		},
		Realtime: api.Realtime{On: true, Detail: "SCHED_RR 50, memory locked"},
		Guardian: api.Guardian{On: true, PID: 812},
		Gate: api.Gate{
			Line: "bpf (tcx)", Guarantee: api.Duration(time.Millisecond),
			Text: "the kernel drops what comes for and from an address, from the instant at which its hold is over",
		},
		Groups: []api.Group{web(now), dns(now)},
		Warnings: []api.Warning{{
			Code: "HF2010", Group: "dns", Since: now.Add(-time.Hour),
			Text: "lb2 advertises every 2s, and this node has an interval of 1s",
		}},
		Lateness: api.Lateness{
			Count: 1036800, P50: api.Duration(12 * time.Microsecond), P99: api.Duration(40 * time.Microsecond),
			P999: api.Duration(120 * time.Microsecond), Max: api.Duration(3 * time.Millisecond),
		},
		Checks: checkStates(now),
		Links:  []api.Link{{Name: "eth0", Up: true}, {Name: "eth1", Up: false, Why: "no carrier"}},
		Voters: []api.Voter{
			{Name: "lb1", Address: "192.0.2.11:9113", Self: true, LastSeen: now},
			{Name: "lb2", Address: "192.0.2.12:9113", LastSeen: now.Add(-300 * time.Millisecond), Trip: api.Duration(210 * time.Microsecond)},
			{Name: "w1", Address: "203.0.113.9:9113", Witness: true, LastSeen: now.Add(-200 * time.Millisecond), Trip: api.Duration(4 * time.Millisecond)},
		},
		Fencing: fencing(now), Services: Backends().Services, Planes: Planes(), Flows: Backends().Flows,
	}
}

// Witness is the status of a witness.
func Witness() *api.Status {
	now := time.Date(2026, 5, 4, 14, 0, 0, 0, time.UTC)
	return &api.Status{
		Schema: api.SchemaStatus, Node: "w1", Version: "1.2.3", Now: now, Started: now.Add(-time.Hour),
		Config: api.Config{Path: "/etc/holdfast/holdfast.yaml", Hash: "e3b0c44298fc", LoadedAt: now.Add(-time.Hour), LastReload: "ok"},
		Groups: []api.Group{}, Warnings: []api.Warning{}, Links: []api.Link{},
		Witness: &api.Witness{
			Listen: ":9113",
			Askers: []api.Asker{
				{Node: "lb1", LastSeen: now.Add(-200 * time.Millisecond), Promises: 2},
				{Node: "lb2", LastSeen: now.Add(-40 * time.Second)},
			},
			Counters: map[string]uint64{"asked": 10800, "granted": 21600, "refused": 3, "dropped_signature": 1},
		},
	}
}

func web(now time.Time) api.Group {
	return api.Group{
		Name: "web", State: "active", Since: now.Add(-76 * time.Hour), Reason: "took over on request",
		Addresses: []string{"192.0.2.10/24", "2001:db8::10/64"}, Interface: "eth0", With: []string{"dns"},
		Priority: 150, BasePriority: 150, Preempt: true, Holder: "lb1", HolderIsMe: true,
		Guard:  api.Guard{Kind: api.GuardMajority, Promised: api.Duration(2400 * time.Millisecond), Votes: 3, Of: 3},
		Steps:  &api.Steps{State: "taken", Done: 2, Of: 2, Epoch: 7},
		Lapses: api.Lapses{Count: 1, Last: now.Add(-80 * time.Hour), Late: api.Duration(1370 * time.Millisecond)},
		Routers: []api.Router{
			router("ipv4", "active", "192.0.2.10", "192.0.2.11", "00:00:5e:00:01:33"),
			router("ipv6", "active", "2001:db8::10", "fe80::11", "00:00:5e:00:02:33"),
		},
		Checks: []api.Check{check(now, "uplink", 0)},
		Peers: []api.Peer{
			{Node: "lb2", Address: "192.0.2.12", Family: "ipv4", State: "backup", Priority: 100, LastSeen: now.Add(-300 * time.Millisecond), Holdfast: true},
			{Node: "lb2", Address: "fe80::12", Family: "ipv6", State: "backup", Priority: 100, LastSeen: now.Add(-300 * time.Millisecond), Holdfast: true},
		},
		Transitions: 3,
	}
}

func dns(now time.Time) api.Group {
	r := router("ipv4", "backup", "192.0.2.53", "192.0.2.11", "52:54:00:00:00:01")
	r.Hold, r.GateDrops = api.Hold{State: api.HoldClosed}, map[string]uint64{"arp_in": 12, "packet_in": 3}
	r.VRID, r.VirtualMAC, r.MACReason, r.Active = 52, false, "the interface is a macvlan itself", "192.0.2.12"
	return api.Group{
		Name: "dns", State: "backup", Since: now.Add(-76 * time.Hour), Reason: "another active node has a higher priority",
		Addresses: []string{"192.0.2.53/24"}, Interface: "eth0", With: []string{"web"},
		Priority: 90, BasePriority: 150, Preempt: true, Holder: "lb2",
		Guard:       api.Guard{Kind: api.GuardAvailable},
		Conflicts:   api.Disputes{Count: 1, Time: api.Duration(4500 * time.Millisecond)},
		Routers:     []api.Router{r},
		Checks:      []api.Check{check(now, "uplink", 0), check(now, "nginx", 60)},
		Peers:       []api.Peer{{Node: "lb2", Address: "192.0.2.12", Family: "ipv4", State: "active", Priority: 100, LastSeen: now.Add(-200 * time.Millisecond), Holdfast: true}},
		Transitions: 1,
	}
}

func checkStates(now time.Time) []api.CheckState {
	return []api.CheckState{
		{
			Name: "nginx", Kind: "http", Target: "http://127.0.0.1/healthz", State: "down", Since: now.Add(-90 * time.Second),
			Text: "HTTP 503 in 12 ms, wanted 200-299", At: now.Add(-400 * time.Millisecond), Took: api.Duration(12 * time.Millisecond),
			Streak: -93, Passed: 273000, Failed: 95, Timeouts: 2, Hung: 1, Changes: 3,
		},
		{
			Name: "uplink", Kind: "link", Target: "eth0", State: "up", Since: now.Add(-76 * time.Hour), Text: "eth0 is up",
			At: now.Add(-200 * time.Millisecond), Took: api.Duration(80 * time.Microsecond), Streak: 273600, Passed: 273600,
		},
	}
}

// check is one of checkStates as a group uses it.
func check(now time.Time, name string, weight int) api.Check {
	for _, s := range checkStates(now) {
		if s.Name == name {
			return api.Check{Name: name, Up: s.State == "up", State: s.State, Kind: s.Kind, Weight: weight, Since: s.Since, Detail: s.Text}
		}
	}
	panic("there is no check " + name)
}

func router(family, state, address, source, mac string) api.Router {
	return api.Router{
		Family: family, VRID: 51, Version: 3, State: state, Addresses: []string{address}, Source: source,
		MAC: mac, VirtualMAC: true,
		Interval: api.Duration(time.Second), ActiveInterval: api.Duration(time.Second),
		DownInterval: api.Duration(3414 * time.Millisecond),
		Hold:         api.Hold{State: api.HoldOpen, Left: api.Duration(2715 * time.Millisecond)}, GateDrops: map[string]uint64{},
		Counters: map[string]uint64{
			"sent": 273600, "received": 12, "checksum_rfc5798": 12, "became_active": 2, "priority_zero_received": 1, "dropped_ttl": 1, "dropped_checksum": 2,
		},
	}
}

// Events are entries of each kind.
func Events() []api.Event {
	at := Now().Add(-time.Minute)
	return []api.Event{
		{ID: 101, Time: at, Kind: "daemon", Reason: "started"},
		{ID: 102, Time: at.Add(time.Second), Kind: "transition", Group: "web", From: "init", To: "backup", Reason: "started"},
		{ID: 103, Time: at.Add(4414 * time.Millisecond), Kind: "transition", Group: "web", From: "backup", To: "active", Reason: "the active node fell silent: nothing from 192.0.2.12 for 3.414s", Peer: "192.0.2.12", Family: "ipv4"},
		{ID: 104, Time: at.Add(4420 * time.Millisecond), Kind: "hook", Code: "HF2801", Group: "web", To: "active", Reason: "/usr/local/bin/promote ran for 12ms"},
		{ID: 105, Time: at.Add(30 * time.Second), Kind: "notice", Code: "HF2010", Group: "dns", Peer: "192.0.2.12", Reason: "192.0.2.12 advertises every 2s, and this node has an interval of 1s"},
		{ID: 106, Time: at.Add(40 * time.Second), Kind: "config", Reason: "reloaded: 1 change"},
		{ID: 107, Time: at.Add(50 * time.Second), Kind: "check", Reason: "check nginx is down: HTTP 503 in 12 ms, wanted 200-299"},
	}
}

// Plan is a plan with each kind of change.
func Plan() api.Plan {
	return api.Plan{
		Schema: api.SchemaPlan,
		Changes: []api.Change{
			{Group: "web", Action: "change", Field: "vrrp.priority", From: "150", To: "120", Effect: "in place"},
			{Group: "mail", Action: "add", Effect: "joins the election"},
		},
		Diagnostics: []api.Diagnostic{{
			Severity: api.SeverityWarning, Rule: "HF1301", File: "/etc/holdfast/holdfast.yaml", Line: 9, Column: 7,
			Message: "unicast without auth", Hint: "set auth", Rendered: "/etc/holdfast/holdfast.yaml:9:7: warning HF1301: unicast without auth\n",
		}},
	}
}

// BadPlan is what becomes of a file that cannot be used.
func BadPlan() api.Plan {
	text := "/etc/holdfast/holdfast.yaml:7:15: error HF1107: priority 300 is outside 1-254\n" +
		"   6 |     id: 51\n>  7 |     priority: 300\n     |               ^^^\n"
	return api.Plan{
		Schema: api.SchemaPlan,
		Diagnostics: []api.Diagnostic{{
			Severity: api.SeverityError, Rule: "HF1107", File: "/etc/holdfast/holdfast.yaml", Line: 7, Column: 15,
			Message: "priority 300 is outside 1-254", Rendered: text,
		}},
	}
}

// Version is a build.
func Version() api.Version {
	at := Now().Add(-30 * 24 * time.Hour)
	return api.Version{
		Schema: api.SchemaVersion, Version: "1.2.3", Revision: "0123456789abcdef0123456789abcdef01234567",
		Time: &at, Go: "go1.26.8", Platform: "linux/amd64", Kernel: "6.18.0",
	}
}

// Explanation is one with every field set.
func Explanation() api.Explanation {
	now := Now()
	return api.Explanation{
		Schema: api.SchemaExplanation, Node: "lb1", Group: "dns", State: "fault", Since: now.Add(-90 * time.Second), Holder: "lb2",
		Summary: "lb2 holds it; this node may not: check nginx: fails for 1m30s: HTTP 503 in 12 ms, wanted 200-299",
		Reason:  "check nginx is down: HTTP 503 in 12 ms, wanted 200-299",
		Decides: "VRRP, by the adverts that each node hears: the highest priority wins; here it is 150. Nodes that do not hear each other may hold at the same time",
		Facts: []api.Fact{
			{Subject: "check nginx", Verdict: api.VerdictBars, Text: "fails for 1m30s: HTTP 503 in 12 ms, wanted 200-299", Do: "see to what it looks at: http://127.0.0.1/healthz"},
			{Subject: "link eth0", Verdict: api.VerdictOK, Text: "up"},
		},
		Ways:   []string{"check nginx: see to what it looks at: http://127.0.0.1/healthz", "lb2 falls silent: this node claims it after 3.41s"},
		Events: Events()[2:3],
	}
}

// Contested is the conflict of a group whose address another machine has, too.
func Contested() *api.Dispute {
	return &api.Dispute{Since: Now().Add(-1500 * time.Millisecond), Address: "192.0.2.10", Other: "52:54:00:00:00:99", Own: "00:00:5e:00:01:33"}
}

// Diagnosis is one of a machine that could do better.
func Diagnosis() api.Diagnosis {
	return api.Diagnosis{Schema: api.SchemaDoctor, Kernel: "6.18.0", Findings: []api.Finding{
		{Subject: "kernel", Result: api.FindingOK, Text: "Linux 6.18.0 has tcx hooks for the gate"},
		{
			Subject: "gate", Result: api.FindingWeaker, Do: "allow bpf(2)",
			Text: "nftables, closes within 20ms: nftables drops what comes for and from an address once its hold has timed out",
		},
		{Subject: "capabilities", Result: api.FindingMissing, Text: "this process lacks CAP_NET_RAW: VRRP, ARP and neighbour discovery", Do: "run it as root"},
	}}
}
