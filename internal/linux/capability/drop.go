package capability

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kept is what a process may need that only reads its own files and listens:
// as root it may have to read those of another user.
var kept = []uint{unix.CAP_DAC_OVERRIDE, unix.CAP_NET_BIND_SERVICE}

// Drop gives up what the process may do beyond that, for good, in all its
// threads and in what it starts. A program that is linked with C cannot change
// all of its threads: it begins anew, in the same process and with the same
// arguments, so Drop is the first thing to be done.
func Drop() error {
	has, err := sets()
	if err != nil {
		return err
	}
	if dropped(has) {
		return nil
	}
	err = drop(has, syscall.AllThreadsSyscall6)
	if errors.Is(err, unix.ENOTSUP) {
		return anew(has)
	}
	return err
}

// call is a system call, of one thread or of all.
type call func(trap, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2 uintptr, err syscall.Errno)

func drop(has [2]unix.CapUserData, do call) error {
	keep := masks()
	for i := range has {
		has[i].Effective &= keep[i]
		has[i].Permitted &= keep[i]
		has[i].Inheritable = 0
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if _, _, errno := do(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("cannot drop capabilities: %w", errno)
	}
	if _, _, errno := do(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&has[0])), 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("cannot drop capabilities: %w", errno)
	}
	if _, _, errno := do(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("cannot give up privileges: %w", errno)
	}
	return nil
}

// begun is in the environment of a process that has begun anew.
const begun = "HOLDFAST_DROPPED"

// anew drops what one thread may do and has it begin the program anew: all of
// its threads come of that one, and without new privileges also root's programs
// get no more than that (capabilities(7), prctl(2)).
func anew(has [2]unix.CapUserData) error {
	if os.Getenv(begun) != "" {
		return errors.New("cannot drop capabilities: the process has begun anew without them, and has them")
	}
	runtime.LockOSThread() // for good: nothing else may run on it
	if err := drop(has, syscall.RawSyscall6); err != nil {
		return err
	}
	err := unix.Exec("/proc/self/exe", os.Args, append(os.Environ(), begun+"=1"))
	return fmt.Errorf("cannot begin anew without capabilities: %w", err)
}

func sets() (has [2]unix.CapUserData, err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capget(&header, &has[0]); err != nil {
		return has, fmt.Errorf("cannot read capabilities: %w", err)
	}
	return has, nil
}

func dropped(has [2]unix.CapUserData) bool {
	keep := masks()
	for i := range has {
		if has[i].Permitted&^keep[i] != 0 || has[i].Inheritable != 0 {
			return false
		}
	}
	closed, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	return err == nil && closed == 1
}

func masks() (keep [2]uint32) {
	for _, c := range kept {
		keep[c/32] |= 1 << (c % 32)
	}
	return keep
}
