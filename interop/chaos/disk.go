package chaos

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// disk is a file system of its own and of a known size, in memory, mounted where
// something keeps its data. As a disk does, it outlives the processes that write
// to it: it is in a mount namespace which a process holds that does nothing
// else, and which ends with this one, however that ends.
type disk struct {
	at     string // where it is mounted
	holder *exec.Cmd
	stdin  io.Closer
}

// Sizes of disks, in bytes. An etcd reserves 128 MB for its log before anything
// else; what it has beyond that is soon used up.
const (
	nodeDisk  = 512 << 10
	storeDisk = 136 << 20
)

func newDisk(at string, size int) (*disk, error) {
	script := fmt.Sprintf("mount -t tmpfs -o size=%d,mode=755 tmpfs %s && echo mounted && exec cat >/dev/null", size, at)
	d := &disk{at: at, holder: exec.Command("unshare", "--mount", "sh", "-c", script)}
	stdin, err := d.holder.StdinPipe()
	if err != nil {
		return nil, err
	}
	d.stdin = stdin
	out, err := d.holder.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := d.holder.Start(); err != nil {
		return nil, fmt.Errorf("cannot mount a disk: %w", err)
	}
	if word, err := bufio.NewReader(out).ReadString('\n'); word != "mounted\n" {
		return nil, errors.Join(fmt.Errorf("cannot mount a disk: %q", word), err, d.close())
	}
	return d, nil
}

// under is the command that a program runs under to see the disk.
func (d *disk) under() []string {
	return []string{"nsenter", fmt.Sprintf("--mount=/proc/%d/ns/mnt", d.holder.Process.Pid), "--"}
}

// path is where a file on the disk is for this process.
func (d *disk) path(name string) string {
	return filepath.Join(fmt.Sprintf("/proc/%d/root%s", d.holder.Process.Pid, d.at), name)
}

// ballast is the file that fills a disk.
const ballast = "ballast"

// fill leaves no room.
func (d *disk) fill() error {
	f, err := os.OpenFile(d.path(ballast), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	var size int64
	for step := int64(64 << 20); step >= 4096; {
		switch err := unix.Fallocate(int(f.Fd()), 0, size, step); err {
		case nil:
			size += step
		case unix.ENOSPC:
			step /= 2
		case unix.EINTR:
		default:
			return fmt.Errorf("cannot fill the disk at %s: %w", d.at, err)
		}
	}
	return nil
}

// clear makes room again.
func (d *disk) clear() error {
	if err := os.Remove(d.path(ballast)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (d *disk) close() error {
	_ = d.stdin.Close()
	_ = d.holder.Wait() // of no interest: it has said nothing but that it is mounted
	return nil
}

// slow has every write of a process wait, as on a disk that takes so long: each
// call that asks for data to be on the disk is held up before it begins
// (strace(1), tampering), in all threads. There is no other way to have a slow
// disk without the kernel's module for it, and none that is closer to it: the
// process runs on meanwhile, and its other work is not concerned.
func slow(pid int, by time.Duration) (end func() error, err error) {
	calls := "fdatasync,fsync,msync,sync_file_range"
	cmd := exec.Command("strace", "--quiet=all", "--follow-forks", "--output=/dev/null", "--trace="+calls,
		fmt.Sprintf("--inject=%s:delay_enter=%d", calls, by.Microseconds()), fmt.Sprintf("--attach=%d", pid))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot make a disk slow: %w (strace, which `make test` installs)", err)
	}
	return func() error {
		// It lets go of the process, which goes on.
		_ = cmd.Process.Signal(unix.SIGINT)
		impatient := time.AfterFunc(3*time.Second, func() { _ = cmd.Process.Kill() })
		defer impatient.Stop()
		_ = cmd.Wait() // it says that it was interrupted
		return nil
	}, nil
}
