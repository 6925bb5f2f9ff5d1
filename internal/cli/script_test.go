package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/api/apitest"
	"github.com/holdfast-net/holdfast/internal/api/server"
	"github.com/holdfast-net/holdfast/internal/config"
)

var update = flag.Bool("update", false, "write expected output and docs/commands.md anew")

// The test binary is also the command that the scripts run.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"holdfast": func() { os.Exit(Main(kernelless())) }})
}

// TestScripts runs testdata/*.txtar: real processes that talk to a fake daemon
// over a real socket.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("TZ", "UTC")
			env.Setenv(socketEnv, filepath.Join(env.WorkDir, "s"))
			env.Values[fakeKey{}] = &fake{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"daemon": cmdDaemon, "happen": cmdHappen, "waitfor": cmdWaitFor,
		},
	})
}

// kernelless stands for what needs a kernel.
func kernelless() Commands {
	return Commands{
		Version: "1.2.3",
		Run: func(ctx context.Context, o RunOptions) error {
			o.Log.Info("started", "config", filepath.Base(o.ConfigPath), "socket", o.Socket)
			o.Log.Debug("a detail")
			if os.Getenv("RUN_FAILS") != "" {
				return errors.New("cannot open the network: operation not permitted")
			}
			<-ctx.Done()
			o.Log.Warn("stopped")
			return nil
		},
		Demo: func(_ context.Context, o DemoOptions) error {
			fmt.Fprintf(o.Out, "interval=%s json=%t keep=%t\n", o.Interval, o.JSON, o.Keep)
			return nil
		},
		Release: func(_ context.Context, socket string) ([]string, error) {
			if strings.Contains(socket, "broken") {
				return []string{"192.0.2.10 from eth0"}, errors.New("cannot remove hf-51: device busy")
			}
			return []string{"socket " + filepath.Base(socket)}, nil
		},
		Doctor: func(cfg *config.Config) api.Diagnosis {
			d := apitest.Diagnosis()
			if cfg != nil {
				d.Findings = append(d.Findings, api.Finding{Subject: "group " + cfg.Groups[0].Name, Result: api.FindingOK, Text: "eth0 is there and can carry the virtual MAC"})
			}
			if os.Getenv("MACHINE_IS_FINE") != "" {
				d.Findings = d.Findings[:1]
			}
			d.Judge()
			return d
		},
		Cluster: fakeStore{},
		Facts: func() config.Facts {
			return config.Facts{Hostname: "lb1", Links: []config.Link{{
				Name: "eth0", Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.11/24"), netip.MustParsePrefix("2001:db8::11/64")},
			}}}
		},
	}
}

// fake is the daemon of a script.
type fake struct {
	*apitest.Daemon
	stop func()
}

// fakeKey finds a script's daemon.
type fakeKey struct{}

// cmdDaemon starts a daemon of some mood, or stops it:
// daemon healthy|degraded|empty|nobody|conflict|contested|refusing|bad, daemon stop.
func cmdDaemon(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: daemon MOOD|stop")
	}
	f, _ := ts.Value(fakeKey{}).(*fake)
	if args[0] == "stop" {
		f.stop()
		return
	}
	if f.Daemon == nil {
		f.Daemon = &apitest.Daemon{}
		f.Append(apitest.Events()...)
	}
	mood(ts, f.Daemon, args[0])
	l, err := server.Listen(ts.Getenv(socketEnv), server.Access{})
	ts.Check(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	s := server.New(server.Options{Daemon: f.Daemon, Version: apitest.Version(), Log: slog.New(slog.DiscardHandler)})
	go func() { done <- s.ServeControl(ctx, l) }()
	stopped := false
	f.stop = func() {
		if !stopped {
			stopped = true
			cancel()
			ts.Check(<-done)
		}
	}
	ts.Defer(f.stop)
}

// mood sets what the daemon will answer.
func mood(ts *testscript.TestScript, d *apitest.Daemon, name string) {
	s := apitest.Status()
	d.State = s
	plan := apitest.Plan()
	d.OnPlan = func(context.Context) (api.Plan, error) { return plan, nil }
	d.OnReload = func(context.Context) (api.Plan, error) {
		p := plan
		p.Applied = true
		return p, nil
	}
	d.OnHandover = func(_ context.Context, group string, h api.Handover) (api.Result, error) {
		return api.Result{OK: true, Text: group + " is held by " + h.To + " now"}, nil
	}
	d.OnMaintenance = func(_ context.Context, m api.Maintenance) (api.Result, error) {
		return api.Result{OK: true, Text: fmt.Sprintf("maintenance: on %t, force %t", m.On, m.Force)}, nil
	}
	d.OnFencing = func(context.Context) (api.Fencing, error) { return api.Fencing{}, nil }
	backends := apitest.Backends()
	d.OnBackends = func(context.Context) (api.Backends, error) { return backends, nil }
	d.OnExplainFlow = func(_ context.Context, from, to string) (api.FlowExplanation, error) {
		e := apitest.FlowExplanation()
		if to != e.Service {
			return e, &notThere{to}
		}
		e.From = from
		return e, nil
	}
	d.OnTrace = func(ctx context.Context, q api.TraceQuery, see func(*api.TracedPacket) bool) error {
		if q.Service == "names" {
			return &notThere{"that is forwarded in the kernel"}
		}
		for _, p := range apitest.TracedPackets() {
			if q.Service != "" && p.Service != q.Service {
				continue
			}
			if !see(&p) {
				return nil
			}
		}
		<-ctx.Done()
		return nil
	}
	d.OnOrder = func(_ context.Context, o api.BackendOrder) (api.Result, error) {
		x := &backends.Services[0].Backends[1]
		if o.Want == api.BackendDrain && o.Backend == x.Address {
			x.Flows, x.State = 0, "drain"
		}
		return api.Result{OK: true, Text: fmt.Sprintf("backend %s of %s: %s, weight %t", o.Backend, o.Service, o.Want, o.Weight != nil)}, nil
	}
	switch name {
	case "healthy":
		s.Warnings = nil
		s.Groups[1].Checks = s.Groups[1].Checks[:1]
		plan = api.Plan{Schema: api.SchemaPlan}
	case "degraded":
	case "empty":
		s.Groups, s.Warnings, s.Links = nil, nil, nil
	case "nobody":
		s.Groups[1].Holder, s.Groups[1].State, s.Maintenance = "", "fault", true
		s.Groups[1].Peers[0].LastSeen = s.Now.Add(-time.Minute)
	case "contested":
		s.Groups[0].Conflict = apitest.Contested()
		s.Groups[0].Peers[0].Deaf = true
		s.Gate.Why, s.Guardian = "tcx: not supported", api.Guardian{}
	case "conflict":
		s.Groups[0].Peers[0].State = "active"
		s.Groups[0].Peers[0].Node = "lb2\x1b[2J"
		s.Stopping = true
	case "refusing":
		d.OnHandover = func(context.Context, string, api.Handover) (api.Result, error) {
			return api.Result{Text: "no other node can take web over", Hint: "holdfast status web lists the nodes that are heard"}, nil
		}
		d.OnMaintenance = func(context.Context, api.Maintenance) (api.Result, error) {
			return api.Result{Text: "nobody could take web over", Hint: "--force takes its addresses down"}, nil
		}
		d.OnOrder = func(context.Context, api.BackendOrder) (api.Result, error) {
			return api.Result{Text: "service shop has no backend 10.0.0.99:443", Hint: "services and backends are listed by: holdfast backends"}, nil
		}
		d.OnPlan = func(context.Context) (api.Plan, error) {
			return api.Plan{}, errors.New("cannot list interfaces: permission denied")
		}
	case "bad":
		d.OnPlan = func(context.Context) (api.Plan, error) { return apitest.BadPlan(), nil }
		d.OnReload = d.OnPlan
	default:
		ts.Fatalf("unknown mood %q", name)
	}
}

// cmdHappen adds to the daemon's journal: happen GROUP REASON.
func cmdHappen(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: happen GROUP REASON")
	}
	f, _ := ts.Value(fakeKey{}).(*fake)
	f.Append(api.Event{Time: apitest.Now(), Kind: "notice", Group: args[0], Reason: args[1]})
}

// cmdWaitFor waits until a file has a text: waitfor FILE TEXT.
func cmdWaitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitfor FILE TEXT")
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		data, _ := os.ReadFile(ts.MkAbs(args[0]))
		if strings.Contains(string(data), args[1]) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s never had %q:\n%s", args[0], args[1], data)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// notThere is what a daemon says of a service that it does not have.
type notThere struct{ name string }

func (e *notThere) Error() string { return "there is no service " + e.name }
func (*notThere) Hint() string    { return "services are listed by: holdfast backends" }
