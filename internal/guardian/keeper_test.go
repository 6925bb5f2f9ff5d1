package guardian

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-net/holdfast/vrrp"
)

// TestKeeperChild is the guardian that the tests below start: it answers, and
// writes down what it was told last.
func TestKeeperChild(t *testing.T) {
	out := os.Getenv("HOLDFAST_KEEPER_CHILD")
	if out == "" {
		t.Skip("runs as a child of the tests of Keeper")
	}
	line := os.NewFile(3, "daemon")
	b := make([]byte, maxDatagram)
	for {
		n, err := line.Read(b)
		if err != nil {
			return
		}
		records, err := Parse(b[:n])
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			switch r := r.(type) {
			case Hello:
				if r.Name == "dies" {
					os.Exit(7)
				}
				_, _ = line.Write(Append(nil, Ready{Trouble: "of " + r.Name}))
			case Farewell:
				if err := os.WriteFile(out, fmt.Append(nil, r.LivesOn), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// keep starts a Keeper with such guardians.
func keep(t *testing.T, name string) (k *Keeper, notes func() []string, ready <-chan struct{}, end func() string) {
	t.Helper()
	out := t.TempDir() + "/farewell"
	var mu sync.Mutex
	var said []string
	k = &Keeper{
		Tap:   NewTap(&mouth{knew: func() int { return 0 }}, func(string, vrrp.Family, uint8) *vrrp.HMAC { return nil }, spoken),
		Hello: Hello{Name: name},
		Command: func() *exec.Cmd {
			cmd := exec.Command("/proc/self/exe", "-test.run=^TestKeeperChild$")
			cmd.Env = append(os.Environ(), "HOLDFAST_KEEPER_CHILD="+out)
			return cmd
		},
		Note: func(text string) {
			mu.Lock()
			defer mu.Unlock()
			said = append(said, text)
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	up, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		k.Run(ctx, func() { close(up) })
	}()
	end = func() string {
		cancel()
		<-done
		b, _ := os.ReadFile(out)
		return string(b)
	}
	t.Cleanup(func() { end() })
	return k, func() []string { mu.Lock(); defer mu.Unlock(); return append([]string(nil), said...) }, up, end
}

func TestKeeper_SendsItAway(t *testing.T) {
	for _, handOn := range []bool{false, true} {
		k, notes, ready, end := keep(t, "a daemon")
		<-ready
		if pid, detail := k.State(); pid == 0 || detail != "of a daemon" {
			t.Errorf("state %d, %q", pid, detail)
		}
		if handOn {
			k.HandOn()
		}
		if got := end(); got != fmt.Sprint(handOn) {
			t.Errorf("its farewell was %q", got)
		}
		if n := notes(); len(n) > 0 {
			t.Errorf("noted %q", n)
		}
	}
}

func TestKeeper_StartsAnother(t *testing.T) {
	k, notes, ready, _ := keep(t, "dies")
	<-ready // or there will be none
	deadline := time.Now().Add(20 * time.Second)
	for len(notes()) < 3 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	n := notes()
	if len(n) < 3 || !strings.Contains(n[0], "exit status 7") {
		t.Errorf("noted %q", n)
	}
	if pid, detail := k.State(); pid != 0 || !strings.Contains(detail, "exit status 7") {
		t.Errorf("state %d, %q", pid, detail)
	}
}
