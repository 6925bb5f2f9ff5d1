package etcd

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/internal/lease"
)

func TestStore_LogsIn(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, "--auth-token-ttl", "1")
	c.store()
	for _, line := range []string{
		"user add root:r", "user grant-role root root",
		"role add holdfast", "role grant-permission holdfast readwrite /holdfast/ --prefix=true",
		"user add lb:secret", "user grant-role lb holdfast", "auth enable",
	} {
		cmd := exec.Command("etcdctl", append([]string{"--endpoints", c.clients[0]}, strings.Fields(line)...)...)
		cmd.Env = append(cmd.Environ(), "ETCDCTL_API=3")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("etcdctl %s: %v\n%s", line, err, out)
		}
	}
	open := func(cfg Config) *Store {
		cfg.Endpoints = c.clients
		s, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	s := open(Config{User: "lb", Password: "secret"})
	ok, f, err := s.Swap(bound(t, 20*time.Second), "g", lease.Condition{Revision: lease.Absent}, record(1))
	if err != nil || !ok {
		t.Fatalf("Swap: %t, %v", ok, err)
	}
	// The server forgets who logged in when it is started anew.
	c.kill(0)
	c.start(0)
	ok, _, err = s.Swap(bound(t, 20*time.Second), "g", lease.Condition{Revision: f.Revision}, record(2))
	if err != nil || !ok {
		t.Fatalf("Swap with a token that is over: %t, %v", ok, err)
	}
	for name, cfg := range map[string]Config{
		"nobody": {}, "a wrong password": {User: "lb", Password: "wrong"}, "another's keys": {User: "lb", Password: "secret", Prefix: "/other/"},
	} {
		if f, err := open(cfg).Get(bound(t, 500*time.Millisecond), "g"); err == nil {
			t.Errorf("%s was let in: %+v", name, f)
		} else {
			t.Log(err)
		}
	}
}

// fields are those of etcdctl -w fields.
func fields(out string) map[string]string {
	f := map[string]string{}
	for line := range strings.Lines(out) {
		if name, value, ok := strings.Cut(line, " : "); ok {
			f[strings.Trim(name, "\" \t")] = strings.TrimSpace(value)
		}
	}
	return f
}
