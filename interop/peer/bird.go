package peer

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/lab"
)

type bird struct {
	proc    *lab.Process
	log     *Log
	dir     string
	session BFDSession
}

func startBIRD(host *lab.Host, dir string, s BFDSession) (BFD, error) {
	b := &bird{log: &Log{}, dir: dir, session: s}
	if err := b.write(s); err != nil {
		return nil, err
	}
	var err error
	if b.proc, err = run(host, b.log, Options{}, "bird", "-f", "-c", b.path("bird.conf"), "-s", b.path("ctl"), "-P", b.path("pid")); err != nil {
		return nil, err
	}
	if err := waitForFile(b.path("ctl"), 10*time.Second); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot start bird: %w\n%s", err, b.Log()), b.Kill())
	}
	return b, nil
}

func (b *bird) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bird) write(s BFDSession) error {
	var c strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&c, format+"\n", args...) }
	line("log stderr all;")
	line("router id 192.0.2.254;")
	line("protocol device { }")
	line("protocol bfd bfd1 {")
	line("  interface %q {", s.Interface)
	line("    min rx interval %d ms;", s.RX.Milliseconds())
	line("    min tx interval %d ms;", s.TX.Milliseconds())
	line("    idle tx interval 1 s;")
	line("    multiplier %d;", s.Multiplier)
	if s.Passive {
		line("    passive yes;")
	}
	if s.Auth != "" {
		line("    authentication %s;", s.Auth)
		line("    password %q { id 1; };", s.Key)
	}
	line("  };")
	line("  neighbor %s dev %q local %s;", s.Remote, s.Interface, s.Local)
	line("}")
	if err := os.WriteFile(b.path("bird.conf"), []byte(c.String()), 0o644); err != nil {
		return fmt.Errorf("cannot write bird.conf: %w", err)
	}
	return nil
}

// command asks through birdc. Lines of an answer begin with a code there, but
// birdc takes that away.
func (b *bird) command(words ...string) (string, error) {
	if err := b.proc.Err(); err != nil {
		return "", fmt.Errorf("bird has ended: %w\n%s", err, b.Log())
	}
	out, err := exec.Command("birdc", append([]string{"-r", "-s", b.path("ctl")}, words...)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("cannot ask bird: %w: %s", err, out)
	}
	return string(out), nil
}

// order is a command that changes something.
func (b *bird) order(want string, words ...string) error {
	out, err := exec.Command("birdc", append([]string{"-s", b.path("ctl")}, words...)...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), want) {
		return fmt.Errorf("cannot %s: %w: %s", strings.Join(words, " "), errors.Join(err), out)
	}
	return nil
}

// Status reads a table such as
//
//	IP address                Interface  State      Since         Interval  Timeout
//	192.0.2.1                 eth0       Up         18:00:00.000    0.100    0.300
func (b *bird) Status() (BFDStatus, error) {
	out, err := b.command("show", "bfd", "sessions")
	if err != nil {
		return BFDStatus{}, err
	}
	for _, line := range strings.Split(out, "\n") {
		f := strings.Fields(line)
		if len(f) < 6 || f[0] != b.session.Remote.String() {
			continue
		}
		interval, err1 := birdSeconds(f[len(f)-2])
		timeout, err2 := birdSeconds(f[len(f)-1])
		return BFDStatus{State: strings.ToLower(f[2]), Interval: interval, Detection: timeout}, errors.Join(err1, err2)
	}
	return BFDStatus{}, nil
}

func birdSeconds(s string) (time.Duration, error) {
	f, err := strconv.ParseFloat(s, 64)
	return time.Duration(f*1e6+0.5) * time.Microsecond, err
}

func (b *bird) Set(s BFDSession) error {
	if err := b.write(s); err != nil {
		return err
	}
	b.session = s
	return b.order("Reconfig", "configure")
}

func (b *bird) Disable() error { return b.order("disabled", "disable", "bfd1") }
func (b *bird) Enable() error  { return b.order("enabled", "enable", "bfd1") }
func (b *bird) Kind() Kind     { return BIRD }
func (b *bird) Kill() error    { return b.proc.Kill() }
func (b *bird) Log() string    { return b.log.String() }
