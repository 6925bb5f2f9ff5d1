package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"golang.org/x/sys/unix"
)

// member is the process of one.
type member struct {
	spec   *Spec
	log    *slog.Logger
	tls    *tls.Config
	files  Files
	doors  *Doors
	ending atomic.Bool

	mu     sync.Mutex
	memory *memory
	state  State
	text   string
	etcd   *embed.Etcd // nil: it does not run
	disk   Disk
}

// askEvery is how often a member without data asks the others.
const askEvery = 200 * time.Millisecond

// Run is the whole life of a member: until ctx ends, or an error that another
// start may mend.
func Run(ctx context.Context, s *Spec, log *slog.Logger) error {
	own, err := s.own()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("cannot make the member's directory: %w", err)
	}
	unlock, err := lock(ctx, s.Dir)
	if err != nil {
		return err
	}
	defer unlock()
	m := &member{spec: s, log: log, files: FilesOf(s.Certificates, s.Name), state: Waiting}
	if m.memory, err = remember(s.Dir); err != nil {
		return err
	}
	if m.tls, err = m.files.TLS(); err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	if err := serveDoor(ctx, own.door(), m.tls, log, m.word); err != nil {
		return err
	}
	m.doors = NewDoors(m.tls)
	defer m.doors.Close()
	for {
		if !m.hasData() {
			if err := m.wait(ctx); ctx.Err() != nil {
				return nil
			} else if err != nil {
				return err
			}
		}
		removed, err := m.serve(ctx)
		if !removed {
			return err
		}
		if err := m.leave(); err != nil {
			return err
		}
	}
}

// lock keeps two processes from being the same member: the one before may be
// on its way out.
func lock(ctx context.Context, dir string) (func(), error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the member's directory: %w", err)
	}
	for {
		if err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
			return func() { _ = f.Close() }, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("cannot lock the member's directory: another process has it: %w", err)
		}
	}
}

// data is where etcd keeps what it has.
func (m *member) data() string { return dataDir(m.spec.Dir) }

func dataDir(dir string) string { return filepath.Join(dir, "etcd") }

func (m *member) hasData() bool { return hasData(m.spec.Dir) }

func hasData(dir string) bool {
	files, _ := filepath.Glob(filepath.Join(dataDir(dir), "member", "wal", "*.wal"))
	return len(files) > 0
}

// wait asks the others until this member can begin. Its error is that of ctx.
func (m *member) wait(ctx context.Context) error {
	for {
		heard, _ := m.doors.AskAll(ctx, m.spec.others())
		if ctx.Err() != nil {
			return ctx.Err()
		}
		v := decide(m.spec, m.memory, heard)
		if v.begin {
			return m.begin(v)
		}
		m.say(v.state, v.text)
		select {
		case <-time.After(askEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// begin notes that this member begins, before it does.
func (m *member) begin(v verdict) error {
	next := *m.memory
	next.Began, next.Formation = true, v.formation
	if err := next.keep(m.spec.Dir); err != nil {
		return err
	}
	m.mu.Lock()
	m.memory = &next
	m.mu.Unlock()
	// What an attempt that failed has left is no data.
	if err := os.RemoveAll(m.data()); err != nil {
		return fmt.Errorf("cannot begin: %w", err)
	}
	e, err := m.start(v.initial, v.existing)
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.etcd = e
	m.mu.Unlock()
	return nil
}

// say tells how far this member is, once.
func (m *member) say(s State, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.text != text && text != "" {
		level := slog.LevelInfo
		if s == Apart {
			level = slog.LevelWarn
		}
		m.log.Log(context.Background(), level, "store", "reason", text)
	}
	m.state, m.text = s, text
}

// serve runs etcd until ctx ends, it fails, or this member was removed.
func (m *member) serve(ctx context.Context) (removed bool, err error) {
	e := m.etcd // nobody else writes it
	if e == nil {
		if e, err = m.start(m.spec.urls(), true); err != nil {
			return false, err
		}
		m.mu.Lock()
		m.etcd = e
		m.mu.Unlock()
	}
	m.say(Running, "")
	work, end := context.WithCancel(ctx)
	var house sync.WaitGroup
	house.Go(func() { m.keepHouse(work, e) })
	defer func() {
		end()
		m.ending.Store(true)
		defer m.ending.Store(false)
		house.Wait()
		m.mu.Lock()
		m.etcd, m.state = nil, Waiting
		m.mu.Unlock()
		_ = e.Server.TryTransferLeadershipOnShutdown() // before its clients lose it
		e.Close()
	}()
	select {
	case <-ctx.Done():
		return false, nil
	case err = <-e.Err():
	case <-e.Server.StopNotify():
	}
	if gone(e) {
		return true, nil
	}
	return false, errors.Join(errors.New("the store ended by itself"), err)
}

// gone says whether the cluster has removed this member.
func gone(e *embed.Etcd) bool {
	return !e.Server.IsMemberExist(e.Server.MemberID())
}

// leave puts the data of a member that was removed aside: it is another one
// from now on, if any.
func (m *member) leave() error {
	m.log.Warn("store", "reason", m.spec.Name+" was removed from the cluster's store")
	old := m.data() + ".removed"
	if err := errors.Join(os.RemoveAll(old), os.Rename(m.data(), old), os.Remove(memoryFile(m.spec.Dir))); err != nil {
		return fmt.Errorf("cannot put the removed member's data aside: %w", err)
	}
	next, err := remember(m.spec.Dir)
	if err != nil {
		return err
	}
	// It knows that there is a cluster: it must not form another one.
	next.Began = true
	m.mu.Lock()
	m.memory = next
	m.mu.Unlock()
	return next.keep(m.spec.Dir)
}

// word is what this member says at its door.
func (m *member) word() *Word {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := &Word{
		Name: m.spec.Name, Version: m.spec.Version, Seed: m.memory.Seed, List: m.spec.list(),
		State: m.state, Text: m.text, Formation: maps.Clone(m.memory.Formation), Disk: m.disk,
	}
	if m.etcd == nil || m.state != Running {
		return w
	}
	s := m.etcd.Server
	for _, i := range s.Cluster().Members() {
		info := Info{ID: uint64(i.ID), Name: i.Name, Learner: i.IsLearner}
		if len(i.PeerURLs) > 0 {
			info.PeerURL = i.PeerURLs[0]
		}
		w.Members = append(w.Members, info)
		if i.ID == s.Leader() {
			w.Leader = i.Name
		}
	}
	w.Term, w.Applied = s.Term(), s.AppliedIndex()
	w.Size, w.InUse = s.Backend().Size(), s.Backend().SizeInUse()
	for _, a := range s.Alarms() {
		w.Alarms = append(w.Alarms, a.Alarm.String())
	}
	return w
}
