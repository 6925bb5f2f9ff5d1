package survival

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/interop/peer"
)

// keepalived moves the address, and HAProxy behind it forwards: as it is commonly
// set up, with a script that takes the address away from where no HAProxy runs.
type keepalived struct {
	site    *Site
	dir     string
	daemons [2]peer.Daemon
	haproxy [2][proxies]*lab.Process // the newest
	logs    [2]*os.File
}

const (
	// mostProxied is how many connections a proxy may have: two files each, of the
	// twenty thousand that a process may open where nobody has changed that.
	mostProxied = 9700
	// proxies are so many processes of HAProxy, which share the port. It keeps the
	// connections of before a cut, as it does not know that they are dead, so of
	// ten thousand it has twice or three times as many after some of the faults.
	proxies = 5
)

// Keepalived is the pair of keepalived and HAProxy.
func Keepalived(site *Site, dir string) (Pair, error) {
	k := &keepalived{site: site, dir: dir}
	for i, h := range site.Balancers {
		if err := k.write(i, h); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// HaveKeepalived says why the pair cannot run on this machine, or nil.
func HaveKeepalived() error {
	_, err := exec.LookPath("haproxy")
	return errors.Join(peer.Have(peer.Keepalived), err)
}

func (k *keepalived) Name() string { return "keepalived + HAProxy" }

func (k *keepalived) file(i int, name string) string {
	return filepath.Join(k.dir, k.site.Balancers[i].Name(), name)
}

// of is a file of one HAProxy.
func (k *keepalived) of(i, n int, kind string) string {
	return k.file(i, fmt.Sprintf("haproxy%d.%s", n+1, kind))
}

func (k *keepalived) write(i int, h *lab.Host) (err error) {
	if err := os.MkdirAll(filepath.Dir(k.file(i, "x")), 0o755); err != nil {
		return err
	}
	if k.logs[i], err = os.Create(k.file(i, "haproxy.log")); err != nil {
		return err
	}
	script := "#!/bin/sh\n"
	for n := range proxies {
		if err := os.WriteFile(k.of(i, n, "cfg"), []byte(k.config(i, n)), 0o644); err != nil {
			return err
		}
		script += "kill -0 $(cat " + k.of(i, n, "pid") + ") || exit 1\n"
	}
	return os.WriteFile(k.file(i, "alive"), []byte(script), 0o755)
}

// config is that of one HAProxy. A thread is enough for each, as there are more
// of them than processors.
func (k *keepalived) config(i, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `global
 nbthread 1
 maxconn %d
 maxpipes 100
 stats socket %s mode 600 level admin expose-fd listeners
defaults
 mode tcp
 option splice-auto
 timeout connect 5s
 timeout client 2h
 timeout server 2h
listen web
 bind %s
 balance roundrobin
`, mostProxied, k.of(i, n, "sock"), netip.AddrPortFrom(vip.Addr(), servicePort))
	for j, a := 0, firstIn; j < len(k.site.Backends); j, a = j+1, a.Next() {
		fmt.Fprintf(&b, " server b%d %s check inter 1s\n", j+1, netip.AddrPortFrom(a, serverPort))
	}
	return b.String()
}

func (k *keepalived) Start(i int) error {
	for n, p := range k.haproxy[i] {
		if runs(p) {
			continue
		}
		if err := k.begin(i, n); err != nil {
			return err
		}
	}
	if k.daemons[i] != nil && runs(k.daemons[i].Process()) {
		return nil
	}
	r := router(i)
	r.Further = []string{"track_script {", "alive", "}"}
	d, err := peer.Start(peer.Keepalived, k.site.Balancers[i], peer.Options{
		Dir: filepath.Dir(k.file(i, "x")), Global: []string{"script_user root", "vrrp_rlimit_rttime 10000000"},
		Top: []string{"vrrp_script alive {", "script " + k.file(i, "alive"), "interval 1", "fall 1", "rise 1", "}"},
	}, r)
	if err != nil {
		return err
	}
	k.daemons[i] = d
	return nil
}

func runs(p *lab.Process) bool {
	if p == nil {
		return false
	}
	select {
	case <-p.Done():
		return false
	default:
		return true
	}
}

// begin starts a HAProxy; where there is one, the new one takes its listening
// sockets over, and the old one ends when its connections have.
func (k *keepalived) begin(i, n int) error {
	args := []string{"-db", "-f", k.of(i, n, "cfg")}
	if old := k.haproxy[i][n]; runs(old) {
		args = append(args, "-x", k.of(i, n, "sock"), "-sf", strconv.Itoa(old.PID()))
	}
	cmd := exec.Command("haproxy", args...)
	cmd.Stdout, cmd.Stderr = k.logs[i], k.logs[i]
	p, err := k.site.Balancers[i].Start(cmd)
	if err != nil {
		return err
	}
	k.haproxy[i][n] = p
	return os.WriteFile(k.of(i, n, "pid"), []byte(strconv.Itoa(p.PID())), 0o644)
}

func (k *keepalived) Ready() error { return nil }

func (k *keepalived) Kill(i int) error {
	return signal(k.site.Balancers[i], unix.SIGKILL, "haproxy")
}

func (k *keepalived) both(i int, sig unix.Signal) error {
	h := k.site.Balancers[i]
	return errors.Join(signal(h, sig, "keepalived"), signal(h, sig, "haproxy"))
}

func (k *keepalived) Freeze(i int) error { return k.both(i, unix.SIGSTOP) }
func (k *keepalived) Thaw(i int) error   { return k.both(i, unix.SIGCONT) }

// Leave ends keepalived in order, as it has no command for a move. HAProxy stays.
func (k *keepalived) Leave(i int) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return k.daemons[i].Stop(ctx)
}

func (k *keepalived) Return(i int) error { return k.Start(i) }

func (k *keepalived) Upgrade(i int) error {
	for n := range proxies {
		if err := k.begin(i, n); err != nil {
			return err
		}
	}
	return nil
}

func (k *keepalived) Stop() error {
	var errs []error
	for _, h := range k.site.Balancers {
		errs = append(errs, stop(h, "keepalived"), stop(h, "haproxy"))
	}
	return errors.Join(errs...)
}

func (k *keepalived) Logs() string {
	var b strings.Builder
	for i, h := range k.site.Balancers {
		text, _ := os.ReadFile(k.file(i, "haproxy.log"))
		fmt.Fprintf(&b, "%s:\n%s\n", h.Name(), text)
		if k.daemons[i] != nil {
			b.WriteString(k.daemons[i].Log())
		}
	}
	return b.String()
}
