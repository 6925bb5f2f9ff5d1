package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// frrDir is where Debian keeps FRR's daemons.
const frrDir = "/usr/lib/frr"

type frr struct {
	host        *lab.Host
	zebra, vrrp *lab.Process
	log         *Log
	dir         string
	opt         Options
	ids         map[string]uint8 // VRID of each group
}

// startFRR prepares the host the way FRR's manual wants it (a macvlan in
// bridge mode with the virtual MAC and the addresses, one for each router)
// and the way it needs to be (arp_ignore on the parent, without which a
// backup answers for the addresses too), then starts zebra and vrrpd.
func startFRR(host *lab.Host, opt Options, routers []Router) (Daemon, error) {
	f := &frr{host: host, log: &Log{}, dir: opt.Dir, opt: opt, ids: map[string]uint8{}}
	var conf strings.Builder
	for _, r := range routers {
		f.ids[r.Name] = r.ID
		if err := host.Do(func() error { return frrMacvlan(r) }); err != nil {
			return nil, fmt.Errorf("cannot prepare a macvlan for FRR: %w", err)
		}
		conf.WriteString(frrConf(r))
	}
	if err := host.Do(func() error { return arpIgnore(routers) }); err != nil {
		return nil, fmt.Errorf("cannot set arp_ignore for FRR: %w", err)
	}
	if err := f.write(map[string]string{"zebra.conf": "", "vrrpd.conf": conf.String()}); err != nil {
		return nil, fmt.Errorf("cannot write FRR's files: %w", err)
	}
	var err error
	if f.zebra, err = f.start("zebra"); err != nil {
		return nil, err
	}
	// vrrpd gives up for a while when zebra is not there yet.
	if err := waitForFile(filepath.Join(f.dir, "zserv.api"), 10*time.Second); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot start zebra: %w\n%s", err, f.Log()), f.Kill())
	}
	if f.vrrp, err = f.start("vrrpd"); err != nil {
		return nil, errors.Join(err, f.Kill())
	}
	return f, nil
}

// write writes the files. FRR's daemons give up being root before they make
// their sockets, so the folder is theirs.
func (f *frr) write(files map[string]string) error {
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(f.dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	account, err := user.Lookup("frr")
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(account.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(account.Gid)
	if err != nil {
		return err
	}
	return os.Chown(f.dir, uid, gid)
}

// start starts one of FRR's daemons with all of its paths in the folder.
func (f *frr) start(name string, further ...string) (*lab.Process, error) {
	return run(f.host, f.log, f.opt, filepath.Join(frrDir, name), append(further,
		"--log", "stdout", "-A", "127.0.0.1", "-P", "0",
		"-f", filepath.Join(f.dir, name+".conf"),
		"-i", filepath.Join(f.dir, name+".pid"),
		"-z", filepath.Join(f.dir, "zserv.api"),
		"--vty_socket", f.dir)...)
}

func frrConf(r Router) string {
	var b strings.Builder
	fmt.Fprintf(&b, "interface %s\n", r.Interface)
	fmt.Fprintf(&b, " vrrp %d version %d\n", r.ID, r.Version)
	fmt.Fprintf(&b, " vrrp %d priority %d\n", r.ID, r.Priority)
	fmt.Fprintf(&b, " vrrp %d advertisement-interval %d\n", r.ID, r.Interval.Milliseconds())
	if r.NoPreempt {
		fmt.Fprintf(&b, " no vrrp %d preempt\n", r.ID)
	}
	word := "ip"
	if r.six() {
		word = "ipv6"
	}
	for _, a := range r.Addresses {
		fmt.Fprintf(&b, " vrrp %d %s %s\n", r.ID, word, a.Addr())
	}
	b.WriteString("!\n")
	return b.String()
}

// frrMacvlan runs in the host.
func frrMacvlan(r Router) error {
	parent, err := netlink.LinkByName(r.Interface)
	if err != nil {
		return err
	}
	family, name := byte(1), "vrrp4-"
	if r.six() {
		family, name = 2, "vrrp6-"
	}
	link := &netlink.Macvlan{
		LinkAttrs: netlink.LinkAttrs{
			Name:         fmt.Sprintf("%s%d", name, r.ID),
			ParentIndex:  parent.Attrs().Index,
			HardwareAddr: net.HardwareAddr{0, 0, 0x5e, 0, family, r.ID},
		},
		Mode: netlink.MACVLAN_MODE_BRIDGE,
	}
	if err := netlink.LinkAdd(link); err != nil {
		return err
	}
	if r.six() {
		// No link-local address of the virtual MAC beside the router's own.
		if err := netlink.LinkSetIP6AddrGenMode(link, 1); err != nil {
			return err
		}
	}
	for _, a := range r.Addresses {
		addr := &netlink.Addr{IPNet: &net.IPNet{IP: a.Addr().AsSlice(), Mask: net.CIDRMask(a.Bits(), a.Addr().BitLen())}}
		if err := netlink.AddrAdd(link, addr); err != nil {
			return err
		}
	}
	return netlink.LinkSetUp(link)
}

// arpIgnore runs in the host.
func arpIgnore(routers []Router) error {
	for _, r := range routers {
		if err := os.WriteFile("/proc/sys/net/ipv4/conf/"+r.Interface+"/arp_ignore", []byte("1"), 0); err != nil {
			return err
		}
	}
	return nil
}

func (f *frr) Kind() Kind            { return FRR }
func (f *frr) Process() *lab.Process { return f.vrrp }
func (f *frr) Log() string           { return f.log.String() }

func (f *frr) Kill() error {
	var errs []error
	for _, p := range []*lab.Process{f.vrrp, f.zebra} {
		if p != nil {
			errs = append(errs, p.Kill())
		}
	}
	return errors.Join(errs...)
}

func (f *frr) Stop(ctx context.Context) error {
	return errors.Join(f.vrrp.Stop(ctx), f.zebra.Stop(ctx))
}

// State asks vrrpd through vtysh.
func (f *frr) State(group string) (string, error) {
	cmd := exec.Command("vtysh", "--vty_socket", f.dir, "-d", "vrrpd", "-c", "show vrrp json")
	out, err := cmd.Output()
	if err != nil {
		if f.vrrp.Err() != nil {
			return "", fmt.Errorf("vrrpd has ended: %w\n%s", f.vrrp.Err(), f.Log())
		}
		return Init, nil // not listening yet
	}
	var routers []struct {
		Vrid   uint8
		V4, V6 struct{ Status string }
	}
	if err := json.Unmarshal(out, &routers); err != nil {
		return "", fmt.Errorf("cannot read vrrpd's answer: %w\n%s", err, out)
	}
	for _, r := range routers {
		if r.Vrid != f.ids[group] {
			continue
		}
		for _, status := range []string{r.V4.Status, r.V6.Status} {
			switch status {
			case "Master":
				return Active, nil
			case "Backup":
				return Backup, nil
			}
		}
	}
	return Init, nil
}

func waitForFile(path string, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for {
		_, err := os.Stat(path)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}
