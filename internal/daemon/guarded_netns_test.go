package daemon_test

import (
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// What is lost, and what comes of it.
func TestGuarded_Losses(t *testing.T) {
	q := newQuorum(t, "guarded", 100*time.Millisecond)
	t.Logf("cold start of all: a holder after %s", q.all())
	q.heard(q.a)
	before := q.a.transitions("web")
	asked := q.asked()
	q.stays("a", "nothing happens")
	t.Logf("the witness is asked %d times in two terms, for one group of an interval of %s", q.asked()-asked, q.pace)

	q.kill(q.w)
	q.stays("a", "the witness is killed")
	q.begin(q.w)
	q.stays("a", "the witness is there again")
	q.heard(q.a)
	q.kill(q.b)
	q.stays("a", "the backup is killed")
	q.begin(q.b)
	q.stays("a", "the backup is there again")
	q.b.becomes("web", "backup")
	q.heard(q.a)
	if n := q.a.transitions("web"); n != before {
		t.Errorf("%d transitions", n-before)
	}

	q.kill(q.w, q.b)
	at := time.Now()
	q.a.becomes("web", "backup")
	lapsed := q.nobody(at)
	if lapsed > q.term()+500*time.Millisecond {
		t.Errorf("a alone held for %s with a term of %s", lapsed, q.term())
	}
	at = time.Now()
	q.begin(q.b)
	t.Logf("alone, a let go after %s; %s after the backup was started a holder is there", lapsed, q.holder("a", at))
	q.begin(q.w)
	q.heard(q.a)

	// The holder dies, and its guardian with it.
	at = q.slay(q.a)
	t.Logf("the holder is killed: b follows after %s", q.holder("b", at))
}

// The holder loses its LAN: both ways, and each way alone. The tap sees what it
// answers though nobody else does.
func TestGuarded_Cuts(t *testing.T) {
	for _, pace := range []time.Duration{100 * time.Millisecond, time.Second} {
		t.Run(pace.String(), func(t *testing.T) {
			q := newQuorum(t, "guarded", pace)
			q.all()
			q.heard(q.a)
			q.heard(q.b)
			for _, c := range []struct {
				name string
				cut  lab.Cut
			}{{"both ways", lab.Silent}, {"mute", lab.Mute}, {"deaf", lab.Deaf}} {
				at := time.Now()
				q.must(q.a.host.Cut(c.cut))
				t.Logf("%s: b answers after %s", c.name, q.holder("b", at))
				q.must(q.a.host.Restore())
				q.holder("a", at)
				q.a.becomes("web", "active")
				q.b.becomes("web", "backup")
			}
		})
	}
}

// What an operator does costs not one packet.
func TestGuarded_Orderly(t *testing.T) {
	q := newQuorum(t, "guarded", 100*time.Millisecond)
	q.all()
	q.heard(q.a)
	q.heard(q.b)
	p := q.probe(vip)
	for _, do := range []struct {
		what string
		f    func()
		then string
	}{
		{"handover", func() { q.commands(q.a, "handover", "web") }, "b"},
		{"handover back", func() { q.commands(q.b, "handover", "web") }, "a"},
		{"maintenance", func() { q.commands(q.a, "maintenance", "on") }, "b"},
		{"the end of maintenance, preemption by request", func() { q.commands(q.a, "maintenance", "off") }, "a"},
		{"SIGTERM", func() { q.a.end() }, "b"},
		{"start, preemption by request", func() { q.begin(q.a) }, "a"},
		{"reload of the backup with another interval", func() { q.pace = 200 * time.Millisecond; q.file(q.b); q.commands(q.b, "reload") }, "a"},
		{"reload of the holder with another interval", func() { q.file(q.a); q.commands(q.a, "reload") }, "a"},
		{"reload of the holder with a shorter interval", func() { q.pace = 100 * time.Millisecond; q.file(q.a); q.commands(q.a, "reload") }, "a"},
		{"reload of the backup with a shorter interval", func() { q.file(q.b); q.commands(q.b, "reload") }, "a"},
		{"reload of the backup to available", func() { q.guard = "available"; q.file(q.b); q.commands(q.b, "reload") }, "a"},
		{"reload of the holder to available", func() { q.file(q.a); q.commands(q.a, "reload") }, "a"},
		{"reload of the backup to guarded", func() { q.guard = "guarded"; q.file(q.b); q.commands(q.b, "reload") }, "a"},
		{"reload of the holder to guarded", func() { q.file(q.a); q.commands(q.a, "reload") }, "a"},
	} {
		at := time.Now()
		do.f()
		q.holder(do.then, at)
		for n, state := range map[*node]string{q.a: "active", q.b: "backup"} {
			if do.then == "b" {
				state = map[string]string{"active": "backup", "backup": "active"}[state]
			}
			if n.proc != nil && (do.what != "maintenance" || n != q.a) {
				n.becomes("web", state)
			}
		}
		q.stays(do.then, do.what)
		q.nothing(p, do.what, at)
	}
}

// Everybody is restarted, one after the other: each when the one before votes
// again.
func TestGuarded_RollingRestart(t *testing.T) {
	q := newQuorum(t, "guarded", 100*time.Millisecond)
	q.all()
	q.heard(q.a)
	q.heard(q.b)
	p := q.probe(vip)
	for _, n := range []*node{q.w, q.b, q.a} {
		at := time.Now()
		n.end()
		q.begin(n)
		q.heard(q.a)
		q.heard(q.b)
		q.holder("a", at)
		t.Logf("%s is restarted and votes again after %s", n.name, time.Since(at))
		q.nothing(p, "restart of "+n.name, at)
	}
}
