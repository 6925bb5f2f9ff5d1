package peer

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// bfdd is FRR's daemon for BFD, with the zebra that it needs.
type bfdd struct {
	*frr
	bfd     *lab.Process
	session BFDSession
}

func startBFDD(host *lab.Host, dir string, s BFDSession) (BFD, error) {
	d := &bfdd{frr: &frr{host: host, log: &Log{}, dir: dir}, session: s}
	if err := d.write(map[string]string{"zebra.conf": "", "bfdd.conf": ""}); err != nil {
		return nil, fmt.Errorf("cannot write FRR's files: %w", err)
	}
	var err error
	if d.zebra, err = d.start("zebra"); err != nil {
		return nil, err
	}
	if err := waitForFile(filepath.Join(dir, "zserv.api"), 10*time.Second); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot start zebra: %w\n%s", err, d.Log()), d.Kill())
	}
	if d.bfd, err = d.start("bfdd", "--bfdctl", filepath.Join(dir, "bfdd.sock")); err != nil {
		return nil, errors.Join(err, d.Kill())
	}
	if err := waitForFile(filepath.Join(dir, "bfdd.vty"), 10*time.Second); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot start bfdd: %w\n%s", err, d.Log()), d.Kill())
	}
	if err := d.begin(); err != nil {
		return nil, errors.Join(err, d.Kill())
	}
	return d, nil
}

// begin gives bfdd the session when zebra has told it of the interface. One
// that it has before is enabled later, but a packet that comes in between
// leaves it mute for ever where it is passive.
func (d *bfdd) begin() error {
	const early = "doesn't exist"
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if strings.Contains(d.Log(), "to announce only bfd routes") {
			before := strings.Count(d.Log(), early)
			if err := d.Set(d.session); err != nil {
				return err
			}
			if strings.Count(d.Log(), early) == before {
				return nil
			}
			if err := d.vtysh("configure terminal", "bfd", "no "+d.lines(d.session)[0]); err != nil {
				return err
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("cannot start bfdd: it does not learn of its interface\n%s", d.Log())
		}
	}
}

// lines are the session's, the first of which names it. Without local-address:
// with it a passive bfdd never finds the session of a link-local neighbour.
func (d *bfdd) lines(s BFDSession) []string {
	lines := []string{
		fmt.Sprintf("peer %s interface %s", s.Remote, s.Interface),
		fmt.Sprintf("detect-multiplier %d", s.Multiplier),
		fmt.Sprintf("receive-interval %d", s.RX.Milliseconds()),
		fmt.Sprintf("transmit-interval %d", s.TX.Milliseconds()),
	}
	if s.Passive {
		lines = append(lines, "passive-mode")
	}
	return lines
}

// configure gives lines to the running daemon, below the session.
func (d *bfdd) configure(lines ...string) error {
	return d.vtysh(append([]string{"configure terminal", "bfd", d.lines(d.session)[0]}, lines...)...)
}

func (d *bfdd) vtysh(lines ...string) error {
	args := []string{"--vty_socket", d.dir, "-d", "bfdd"}
	for _, l := range lines {
		args = append(args, "-c", l)
	}
	if out, err := exec.Command("vtysh", args...).CombinedOutput(); err != nil || strings.Contains(string(out), "%") {
		return fmt.Errorf("cannot configure bfdd: %w: %s", errors.Join(err), out)
	}
	return nil
}

func (d *bfdd) Set(s BFDSession) error {
	d.session = s
	return d.configure(d.lines(s)[1:]...)
}

func (d *bfdd) Disable() error { return d.configure("shutdown") }
func (d *bfdd) Enable() error  { return d.configure("no shutdown") }
func (d *bfdd) Kill() error {
	errs := []error{d.frr.Kill()}
	if d.bfd != nil {
		errs = append(errs, d.bfd.Kill())
	}
	return errors.Join(errs...)
}

// Status asks bfdd through vtysh. It tells what it was told; what follows from
// that is reckoned here.
func (d *bfdd) Status() (BFDStatus, error) {
	if err := d.bfd.Err(); err != nil {
		return BFDStatus{}, fmt.Errorf("bfdd has ended: %w\n%s", err, d.Log())
	}
	out, err := exec.Command("vtysh", "--vty_socket", d.dir, "-d", "bfdd", "-c", "show bfd peers json").Output()
	if err != nil {
		return BFDStatus{}, fmt.Errorf("cannot ask bfdd: %w", err)
	}
	var peers []struct {
		Peer, Status string
		RX           int64 `json:"receive-interval"`
		TX           int64 `json:"transmit-interval"`
		RemoteRX     int64 `json:"remote-receive-interval"`
		RemoteTX     int64 `json:"remote-transmit-interval"`
		RemoteFactor int64 `json:"remote-detect-multiplier"`
	}
	if err := json.Unmarshal(out, &peers); err != nil {
		return BFDStatus{}, fmt.Errorf("cannot read bfdd's answer: %w\n%s", err, out)
	}
	for _, p := range peers {
		if p.Peer != d.session.Remote.String() {
			continue
		}
		s := BFDStatus{
			State:     p.Status,
			Interval:  time.Duration(max(p.TX, p.RemoteRX)) * time.Millisecond,
			Detection: time.Duration(p.RemoteFactor*max(p.RX, p.RemoteTX)) * time.Millisecond,
		}
		if s.State == "shutdown" {
			s.State = "admin down"
		}
		return s, nil
	}
	return BFDStatus{}, nil
}
