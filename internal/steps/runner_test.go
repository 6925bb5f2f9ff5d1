package steps

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/order"
)

func group(steps ...config.Step) config.Group {
	return config.Group{
		Name: "web", Interface: "eth0", Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.10/24")},
		VRRP: config.VRRP{Priority: 150}, Steps: steps,
	}
}

// What programs are told, in both directions, and in which order they run.
func TestRunner_Programs(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	note := script(t, dir, "note", `echo "$HOLDFAST_ACTION $1 $HOLDFAST_GROUP $HOLDFAST_ROLE $HOLDFAST_EPOCH $HOLDFAST_ADDRESSES $HOLDFAST_INTERFACE $HOLDFAST_NODE: $HOLDFAST_REASON, $HOLDFAST_STEP" >>`+log)
	notify := script(t, dir, "notify", `echo "$*" >>`+log)
	count := script(t, dir, "count", `echo x >>`+dir+`/counted; test $(wc -l <`+dir+`/counted) -ge 2`)
	x := newRig(t, dir, group(
		config.Step{Exec: []string{note, "a"}, Undo: []string{note, "a"}},
		config.Step{Exec: []string{note, "b"}},
		config.Step{Undo: []string{note, "c"}},
		config.Step{Wait: []string{count}},
		config.Step{Notify: []string{notify, "mine"}},
	), Options{})
	x.take()
	x.leave()
	want := strings.ReplaceAll(`take a web active 1 192.0.2.10/24 eth0 lb1: lb2 is gone, exec NOTE a
take b web active 1 192.0.2.10/24 eth0 lb1: lb2 is gone, exec NOTE b
mine INSTANCE web MASTER 150
mine INSTANCE web BACKUP 150
leave c web backup 1 192.0.2.10/24 eth0 lb1: handover to lb2, undo NOTE c
leave a web backup 1 192.0.2.10/24 eth0 lb1: handover to lb2, exec NOTE a
`, "NOTE", note)
	if diff := cmp.Diff(want, read(t, log)); diff != "" {
		t.Error(diff)
	}
	x.take()
	if !strings.Contains(read(t, log), "take a web active 2 ") {
		t.Error("the epoch has not grown")
	}
	book, err := x.r.Load("web")
	if err != nil || len(book.Begun) != 3 || book.Epoch != 2 {
		t.Errorf("on disk: %+v, %v", book, err)
	}
	info, err := os.Stat(x.r.path("web"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the book can be read by others: %v, %v", info, err)
	}
}

// A step that fails or hangs is told with what it said, and undone.
func TestRunner_RollsBack(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	hang := script(t, dir, "hang", `trap '' TERM; echo stuck on the disk; while :; do sleep 1; done`)
	fail := script(t, dir, "fail", `echo no such database >&2; exit 3`)
	note := script(t, dir, "note", `echo $1 >>`+log)
	for _, tt := range []struct {
		name string
		step config.Step
		want string
	}{
		{"fails", config.Step{Exec: []string{fail}, Undo: []string{note, "-b"}}, "exit status 3; it said: no such database"},
		{"hangs", config.Step{Exec: []string{hang}, Undo: []string{note, "-b"}, Timeout: 300 * time.Millisecond}, "did not end within 300ms and was killed; it said: stuck on the disk"},
		{"is not there", config.Step{Exec: []string{dir + "/nothing"}, Undo: []string{note, "-b"}}, "no such file or directory: " + dir + "/nothing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_ = os.Remove(log)
			x := newRig(t, filepath.Join(dir, tt.name), group(config.Step{Exec: []string{note, "a"}, Undo: []string{note, "-a"}}, tt.step), Options{})
			o, why := x.until(order.Take("fun", 0))
			if o != order.Failed || !strings.Contains(why, tt.want) {
				t.Errorf("%s: %s", o, why)
			}
			if got := read(t, log); got != "a\n-b\n-a\n" {
				t.Errorf("ran %q", got)
			}
			x.close()
			if book, err := x.r.Load("web"); err != nil || len(book.Begun) > 0 {
				t.Errorf("on disk: %+v, %v", book, err)
			}
		})
	}
}

// A take that is called off kills what runs, with everything that it started,
// and undoes it only when it has ended.
func TestRunner_CalledOff(t *testing.T) {
	dir := t.TempDir()
	slow := script(t, dir, "slow", `sleep 300 & echo $! >`+dir+`/pid.new; mv `+dir+`/pid.new `+dir+`/pid; wait`)
	undo := script(t, dir, "undo", `if grep -q sleep /proc/$(cat `+dir+`/pid)/cmdline; then echo alive; else echo dead; fi >`+dir+`/undone`)
	x := newRig(t, dir, group(config.Step{Exec: []string{slow}, Undo: []string{undo}}), Options{})
	x.step(order.Take("fun", 0))
	started := time.Now()
	x.wait(func() bool {
		if read(t, dir+"/pid") != "" {
			return true
		}
		if time.Since(started) > time.Minute {
			t.Fatal("the step has not begun")
		}
		x.events <- order.Tick()
		time.Sleep(5 * time.Millisecond)
		return false
	})
	x.leave()
	if got := read(t, dir+"/undone"); got != "dead\n" {
		t.Errorf("while the step was undone, what it had started was %s", got)
	}
}

// A daemon that is killed in the middle finds what it had begun, and undoes it
// although the file has changed since.
func TestRunner_Crash(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	note := script(t, dir, "note", `echo $1 >>`+log)
	hang := script(t, dir, "hang", `echo begun >>`+log+`; exec sleep 300`)
	x := newRig(t, dir, group(
		config.Step{Exec: []string{note, "a"}, Undo: []string{note, "-a"}},
		config.Step{Exec: []string{hang}, Undo: []string{note, "-b"}},
	), Options{})
	x.step(order.Take("fun", 0))
	x.wait(func() bool {
		if strings.Contains(read(t, log), "begun") {
			return true
		}
		x.events <- order.Tick()
		time.Sleep(5 * time.Millisecond)
		return false
	})
	// Nothing of x is used any more: a crash. A new process reads the disk.
	y := newRig(t, dir, group(), Options{})
	if groups, err := y.r.Groups(); err != nil || !cmp.Equal(groups, []string{"web"}) {
		t.Errorf("groups with something begun: %v, %v", groups, err)
	}
	y.leave()
	if got := read(t, log); got != "a\nbegun\n-b\n-a\n" {
		t.Errorf("ran %q", got)
	}
	y.take()
	if e := y.m.View().Epoch; e != 2 {
		t.Errorf("epoch %d after a crash", e)
	}
}

// Without a disk nothing is begun, and what was begun before is undone.
func TestRunner_NoDisk(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	note := script(t, dir, "note", `echo $1 >>`+dir+`/log`)
	x := newRig(t, filepath.Join(dir, "steps"), group(config.Step{Exec: []string{note, "a"}, Undo: []string{note, "-a"}}), Options{})
	x.r.opt.Dir = filepath.Join(file, "steps")
	o, why := x.until(order.Take("fun", 0))
	if o != order.Failed || !strings.Contains(why, "cannot write down which steps are begun: ") {
		t.Errorf("%s: %s", o, why)
	}
	if got := read(t, dir+"/log"); got != "" {
		t.Errorf("ran %q", got)
	}
	if err := os.MkdirAll(filepath.Join(dir, "steps"), 0o700); err != nil {
		t.Fatal(err)
	}
	x.r.opt.Dir = filepath.Join(dir, "steps")
	if err := os.WriteFile(x.r.path("web"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := x.r.Load("web"); err == nil || !strings.Contains(err.Error(), "cannot read which steps of group web were begun") {
		t.Errorf("a book that is damaged: %v", err)
	}
}

// kernel is a Kernel that fails as it is told.
type kernel struct {
	log  []string
	fail error
}

func (k *kernel) Put(s config.Step) error {
	k.log = append(k.log, "+"+s.Name())
	return k.fail
}

func (k *kernel) Remove(s config.Step) error {
	k.log = append(k.log, "-"+s.Name())
	return nil
}

// What the kernel holds stands alone: it goes although a program after it cannot
// be undone, and then the transaction is stuck.
func TestRunner_Kernel(t *testing.T) {
	dir := t.TempDir()
	k := &kernel{}
	fail := script(t, dir, "fail", `test -e `+dir+`/ok`)
	x := newRig(t, dir, group(
		config.Step{Address: &config.StepAddress{Prefix: netip.MustParsePrefix("198.51.100.7/32"), Interface: "lo"}},
		config.Step{Undo: []string{fail}},
		config.Step{Route: &config.StepRoute{To: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr("192.0.2.1")}},
	), Options{Kernel: k})
	x.take()
	if o, why := x.until(order.Leave("backup", "fun")); o != order.Stuck || !strings.Contains(why, "undo "+fail+" could not be undone: it failed after ") {
		t.Fatalf("%s: %s", o, why)
	}
	want := []string{"+address 198.51.100.7/32 on lo", "+route 0.0.0.0/0 via 192.0.2.1", "-route 0.0.0.0/0 via 192.0.2.1", "-address 198.51.100.7/32 on lo"}
	if diff := cmp.Diff(want, k.log); diff != "" {
		t.Error(diff)
	}
	script(t, dir, "ok", "")
	x.leave()

	k.fail = errors.New("no such interface")
	if o, why := x.until(order.Take("fun", 0)); o != order.Failed || !strings.HasSuffix(why, "no such interface") {
		t.Errorf("%s: %s", o, why)
	}
}

// The state of a group in keepalived's words.
func TestSpec_KeepalivedArguments(t *testing.T) {
	s := Spec{Step: config.Step{Notify: []string{"/n", "x"}}, Priority: 150}
	for role, want := range map[string]string{"active": "MASTER", "backup": "BACKUP", "fault": "FAULT", "init": "STOP"} {
		got := s.argv(order.Run{Group: "web", Role: role})
		if !cmp.Equal(got, []string{"/n", "x", "INSTANCE", "web", want, strconv.Itoa(150)}) {
			t.Errorf("%s: %q", role, got)
		}
	}
}
