// Package bpffs finds a folder of a BPF file system, in which eBPF programs and
// maps stay when a process ends.
//
// A machine with systemd has one at /sys/fs/bpf; a container has what it was
// given. Where there is none, and this process may, one is mounted for it
// alone.
package bpffs

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// shared is where everybody expects it.
const shared = "/sys/fs/bpf"

// source is what our own mounts are called.
const source = "holdfast"

// Missing is the error where there is none.
type Missing struct{ Why error }

func (e *Missing) Error() string {
	return fmt.Sprintf("cannot keep programs in the kernel: there is no BPF file system that this process may use: %v", e.Why)
}

func (e *Missing) Unwrap() error { return e.Why }

// Hint says what to do about it.
func (e *Missing) Hint() string {
	return "mount -t bpf bpf /sys/fs/bpf, and make /sys/fs/bpf/holdfast the daemon's own; a container is given it by --volume /sys/fs/bpf:/sys/fs/bpf"
}

// Folder gives the folder of one daemon: own, where a BPF file system is
// mounted there; else one of that name below /sys/fs/bpf; else own, where one is
// mounted now.
func Folder(own, name string) (string, error) {
	if is(own) {
		return own, nil
	}
	var why error
	if is(shared) {
		sum := sha256.Sum256([]byte(name))
		all := filepath.Join(shared, "holdfast")
		dir := filepath.Join(all, fmt.Sprintf("%x", sum[:8]))
		if why = errors.Join(os.MkdirAll(dir, 0o700), trusted(all)); why == nil {
			return dir, nil
		}
	}
	if err := mount(own); err != nil {
		return "", &Missing{errors.Join(why, err)}
	}
	return own, nil
}

// trusted says whether a folder is nobody's who means us ill. Where everybody may
// make one beside it (the kernel mounts a BPF file system with mode 1777), whoever
// has made it first could take programs away, or have others found in it.
func trusted(dir string) error {
	var around, st unix.Stat_t
	if err := errors.Join(unix.Stat(filepath.Dir(dir), &around), unix.Lstat(dir, &st)); err != nil {
		return fmt.Errorf("cannot see whose %s is: %w", dir, err)
	}
	if around.Mode&0o002 == 0 {
		return nil // root's, or of whom root has made it for
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR || st.Uid != 0 && int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0 {
		return fmt.Errorf("%s is of user %d, with mode %o: somebody else could change what is in it", dir, st.Uid, st.Mode&0o777)
	}
	return nil
}

// Release gives a folder back, and takes down what Folder has mounted. A folder
// that something is in stays.
func Release(dir string) error {
	if ours(dir) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return fmt.Errorf("cannot see what is in %s: %w", dir, err)
		}
		// Files may be the kernel's own (maps.debug); ours are in folders.
		if slices.ContainsFunc(entries, fs.DirEntry.IsDir) {
			return nil
		}
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("cannot unmount %s: %w", dir, err)
		}
	}
	if !is(dir) || strings.HasPrefix(dir, shared) {
		_ = os.Remove(dir) // where it is empty
	}
	return nil
}

// Shared says whether there is one for everybody.
func Shared() bool { return is(shared) }

func is(dir string) bool {
	var st unix.Statfs_t
	return unix.Statfs(dir, &st) == nil && int64(st.Type) == unix.BPF_FS_MAGIC
}

func mount(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := unix.Mount(source, dir, "bpf", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=0700"); err != nil {
		_ = os.Remove(dir)
		return fmt.Errorf("cannot mount one at %s: %w", dir, err)
	}
	return nil
}

// ours says whether a folder is the root of a mount that we made.
func ours(dir string) bool {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return false
	}
	defer f.Close()
	found := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// proc(5): 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw
		before, after, _ := strings.Cut(lines.Text(), " - ")
		where, what := strings.Fields(before), strings.Fields(after)
		if len(where) > 4 && len(what) > 1 && where[4] == dir {
			found = what[0] == "bpf" && what[1] == source // the last one is on top
		}
	}
	return found
}
