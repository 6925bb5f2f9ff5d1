package peer

import (
	"context"
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

type keepalived struct {
	proc *lab.Process
	log  *Log
}

func startKeepalived(host *lab.Host, opt Options, routers []Router) (Daemon, error) {
	path, err := exec.LookPath("keepalived")
	if err != nil {
		return nil, fmt.Errorf("cannot start keepalived: %w", err)
	}
	conf := filepath.Join(opt.Dir, "keepalived.conf")
	if err := os.WriteFile(conf, []byte(KeepalivedConf(opt, routers)), 0o644); err != nil {
		return nil, fmt.Errorf("cannot write keepalived.conf: %w", err)
	}
	k := &keepalived{log: &Log{}}
	k.proc, err = run(host, k.log, opt, path,
		"--dont-fork", "--log-console", "--log-detail", "--vrrp", "--use-file="+conf,
		"--pid="+filepath.Join(opt.Dir, "keepalived.pid"),
		"--vrrp_pid="+filepath.Join(opt.Dir, "vrrp.pid"))
	if err != nil {
		return nil, err
	}
	return k, nil
}

// KeepalivedConf writes the routers in keepalived's language.
func KeepalivedConf(opt Options, routers []Router) string {
	var b strings.Builder
	line := func(depth int, format string, args ...any) {
		fmt.Fprintf(&b, strings.Repeat("    ", depth)+format+"\n", args...)
	}
	line(0, "global_defs {")
	line(1, "router_id %s", opt.Node)
	for _, g := range opt.Global {
		line(1, "%s", g)
	}
	line(0, "}")
	for _, t := range opt.Top {
		line(0, "%s", t)
	}
	for _, r := range routers {
		line(0, "vrrp_instance %s {", r.Name)
		line(1, "state %s", map[bool]string{true: "MASTER", false: "BACKUP"}[r.Priority == 255])
		line(1, "interface %s", r.Interface)
		line(1, "virtual_router_id %d", r.ID)
		line(1, "priority %d", r.Priority)
		line(1, "advert_int %s", seconds(r.Interval))
		line(1, "version %d", r.Version)
		if r.NoPreempt {
			line(1, "nopreempt")
		}
		if r.MAC == VirtualMAC {
			line(1, "use_vmac %s", fmt.Sprintf("vm%d.%d", r.ID, map[bool]int{true: 6, false: 4}[r.six()]))
		}
		if r.Pass != "" {
			line(1, "authentication {")
			line(2, "auth_type PASS")
			line(2, "auth_pass %s", r.Pass)
			line(1, "}")
		}
		if len(r.Peers) > 0 {
			line(1, "unicast_src_ip %s", r.Source)
			line(1, "unicast_peer {")
			for _, p := range r.Peers {
				line(2, "%s", p)
			}
			line(1, "}")
		}
		for _, f := range r.Further {
			line(1, "%s", f)
		}
		line(1, "virtual_ipaddress {")
		for _, a := range r.Addresses {
			line(2, "%s", a)
		}
		line(1, "}")
		line(0, "}")
	}
	return b.String()
}

// seconds writes a duration as keepalived reads it.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}

func (k *keepalived) Kind() Kind            { return Keepalived }
func (k *keepalived) Process() *lab.Process { return k.proc }
func (k *keepalived) Log() string           { return k.log.String() }
func (k *keepalived) Kill() error           { return k.proc.Kill() }

// Stop ignores how keepalived exits: it re-raises the signal.
func (k *keepalived) Stop(ctx context.Context) error {
	var exit *exec.ExitError
	if err := k.proc.Stop(ctx); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}

// State reads the log, the only place where keepalived says it as it happens.
func (k *keepalived) State(group string) (string, error) {
	if err := k.proc.Err(); err != nil {
		return "", fmt.Errorf("keepalived has ended: %w\n%s", err, k.Log())
	}
	s := k.log.lastOf(map[string]string{
		"(" + group + ") Entering MASTER STATE": Active,
		"(" + group + ") Entering BACKUP STATE": Backup,
		"(" + group + ") Entering FAULT STATE":  Fault,
	})
	if s == "" {
		return Init, nil
	}
	return s, nil
}
