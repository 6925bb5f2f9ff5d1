package daemon

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/linux/wire"
	"github.com/holdfast-net/holdfast/internal/vote"
	"github.com/holdfast-net/holdfast/internal/witness"
)

// witnessing is a daemon whose file makes it a witness: it has journal, log
// and faces as any other, and a voter in place of the engine. It touches
// nothing in the kernel and needs no privilege.
type witnessing struct {
	*Daemon
	witness *witness.Witness
}

// errWitness answers what only a node can do.
var errWitness = errors.New("this is a witness: it votes and holds nothing")

// runWitness votes until ctx ends.
func (d *Daemon) runWitness(ctx context.Context, cfg *config.Config) error {
	faces, endFaces := context.WithCancel(context.WithoutCancel(ctx))
	defer endFaces()
	go d.follow(faces, d.lastEvent())

	host, number, err := witness.Host(cfg.Witness.Listen)
	if err != nil {
		return err
	}
	w, err := wire.New()
	if err != nil {
		return fmt.Errorf("cannot open the network: %w", err)
	}
	defer func() { _ = w.Shutdown() }()
	port, err := w.OpenVotes(host, number)
	if err != nil {
		return err
	}
	v := witnessing{d, witness.New(witness.Options{
		Wire: w, Port: port, Clock: boottime, Voter: newVoter(cfg.Witness), Note: d.noteVote, Beat: d.notify.feeder(),
	})}
	socket := cmp.Or(d.opt.Socket, cfg.Control.Socket)
	if err := os.MkdirAll(memory(socket), 0o755); err != nil {
		return fmt.Errorf("cannot make the run directory: %w", err)
	}
	if err := d.serve(faces, cfg, socket, v); err != nil {
		return err
	}
	d.note(api.Event{Kind: "daemon", Reason: fmt.Sprintf("holdfast %s started with %s as a witness on %s: it abstains for %s",
		d.opt.Version.Version, cfg.Path, cfg.Witness.Listen, vote.MaxTerm)})
	d.notify.ready("witness on " + cfg.Witness.Listen)

	close(d.raised) // it needs no class
	defer d.keepMember(cfg)()
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	done := make(chan error, 1)
	go func() { done <- v.witness.Run(ctx) }()
	for {
		select {
		case err := <-done:
			d.notify.send("STOPPING=1")
			return err
		case <-hup:
			_, _ = v.Reload(ctx) // the outcome is in the journal
		}
	}
}

// boottime is the clock of promises: it goes on while the machine sleeps.
func boottime() vote.Instant {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) // cannot fail with this clock
	return vote.Instant(ts.Nano())
}

func newVoter(cfg *config.Witness) *vote.Voter {
	var seed [32]byte
	_, _ = rand.Read(seed[:]) // never fails: crypto/rand ends the program instead
	var keys [][]byte
	for _, k := range cfg.Keys {
		keys = append(keys, k.Bytes())
	}
	return vote.NewVoter(vote.VoterConfig{
		Keys: keys, Seed: seed[:16], Instance: binary.NativeEndian.Uint64(seed[16:]) | 1,
		Abstain: boottime() + vote.Instant(vote.MaxTerm),
	})
}

func (d *Daemon) noteVote(n witness.Note) {
	ev := api.Event{Kind: "daemon", Reason: n.Text}
	if n.Warning {
		ev.Kind, ev.Code = "notice", n.Code
	}
	d.note(ev)
}

// Status describes the witness as it is now.
func (v witnessing) Status() *api.Status {
	ctx, cancel := context.WithTimeout(context.Background(), snapshotBound)
	defer cancel()
	l := v.current.Load()
	st := &api.Status{
		Schema: api.SchemaStatus, Node: l.cfg.Node, Version: v.opt.Version.Version, Now: time.Now(), Started: v.started,
		Config: describeConfig(l.cfg, l.at, l.last), Groups: []api.Group{}, Warnings: []api.Warning{}, Links: []api.Link{},
		Realtime: api.Realtime{Detail: "a witness needs none"},
		Witness:  &api.Witness{Listen: l.cfg.Witness.Listen, Askers: []api.Asker{}, Counters: map[string]uint64{}},
	}
	view, err := v.witness.View(ctx)
	if err != nil {
		st.Warnings = append(st.Warnings, api.Warning{Code: "HF2108", Since: st.Now, Text: "the witness does not answer: how it does is not known"})
		return st
	}
	st.Witness.Abstains = api.Duration(view.Abstains)
	for _, a := range view.Askers {
		st.Witness.Askers = append(st.Witness.Askers, api.Asker{Node: a.Name, LastSeen: st.Now.Add(-a.Heard), Promises: a.Promises})
	}
	c := view.Counters
	st.Witness.Counters = map[string]uint64{
		"asked": c.Asked, "granted": c.Granted, "refused": c.Refused, "tokens": c.Tokens, "late": c.Late,
		"dropped_not_a_vote": c.NotOurs, "dropped_malformed": c.Malformed, "dropped_signature": c.Signature,
		"dropped_misdirected": c.Misdirected, "dropped_overflow": c.Overflow,
	}
	if l.last != "ok" {
		st.Warnings = append(st.Warnings, api.Warning{Code: "HF2104", Since: l.at, Text: "the last reload changed nothing: " + l.last})
	}
	if err := v.journal.Err(); err != nil {
		st.Warnings = append(st.Warnings, api.Warning{Code: "HF2105", Since: st.Now, Text: fmt.Sprintf("the journal is not written: %v", err)})
	}
	st.Warnings = append(st.Warnings, v.memberWarning(st.Now)...)
	st.Warnings = append(st.Warnings, v.notices.current(st.Now)...)
	return st
}

// Handover is for nodes.
func (v witnessing) Handover(context.Context, string, api.Handover) (api.Result, error) {
	return api.Result{Schema: api.SchemaResult, Text: errWitness.Error()}, nil
}

// Maintenance is for nodes.
func (v witnessing) Maintenance(context.Context, api.Maintenance) (api.Result, error) {
	return api.Result{Schema: api.SchemaResult, Text: errWitness.Error(), Hint: "stop it: losing the witness alone changes nothing"}, nil
}

// Upgrade implements api.Daemon.
func (witnessing) Upgrade(context.Context) (api.Result, error) {
	return api.Result{Schema: api.SchemaResult, Text: errWitness.Error(), Hint: "restart it: losing the witness for a moment changes nothing"}, nil
}

// Plan compares the file on disk with the one in force.
func (v witnessing) Plan(context.Context) (api.Plan, error) {
	links, _ := Links() // without them the file is checked as on another machine
	cfg, diags := config.Load(v.opt.ConfigPath, config.Here(links))
	plan := api.Plan{Schema: api.SchemaPlan, Changes: []api.Change{}, Diagnostics: diagnostics(diags)}
	if cfg != nil {
		plan.Changes = changes(config.Diff(v.current.Load().cfg, cfg))
	}
	return plan, nil
}

// Reload changes nothing: all that a witness's file says takes effect when it
// is started.
func (v witnessing) Reload(ctx context.Context) (api.Plan, error) {
	plan, err := v.Plan(ctx)
	if err == nil && len(plan.Changes) > 0 {
		v.note(api.Event{Kind: "config", Reason: "reload changed nothing: a witness takes its file at its start"})
	}
	return plan, err
}
