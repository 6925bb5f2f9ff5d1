package program

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Account is who a program runs as.
type Account struct {
	Name   string // for messages: "web", or a number
	UID    uint32
	GID    uint32
	Groups []uint32 // supplementary ones
	Home   string
}

// Own is the account of this process.
func Own() Account {
	a := Account{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())}
	a.Name = strconv.FormatUint(uint64(a.UID), 10)
	if u, err := user.LookupId(a.Name); err == nil {
		a.Name, a.Home = u.Username, u.HomeDir
	}
	groups, _ := os.Getgroups() // it can fail only for want of memory
	for _, g := range groups {
		a.Groups = append(a.Groups, uint32(g))
	}
	return a
}

// Lookup finds an account by name or number. Without a group it has the
// user's own; without a user it is ours, with that group.
func Lookup(username, group string) (Account, error) {
	a := Own()
	if username != "" {
		found, err := lookupUser(username)
		if err != nil {
			return Account{}, err
		}
		a = found
	}
	if group != "" {
		gid, err := lookupGroup(group)
		if err != nil {
			return Account{}, err
		}
		a.GID = gid
	}
	return a, nil
}

func lookupUser(name string) (Account, error) {
	u, err := user.Lookup(name)
	uid, numeric := number(name)
	if err != nil && numeric {
		if u, err = user.LookupId(name); err != nil {
			// A number needs no entry. Its group has the same one, as
			// nothing else is known.
			return Account{Name: name, UID: uid, GID: uid}, nil
		}
	}
	var unknown user.UnknownUserError
	switch {
	case errors.As(err, &unknown):
		return Account{}, fmt.Errorf("there is no user %s", name)
	case err != nil:
		return Account{}, fmt.Errorf("cannot look user %s up: %w", name, err)
	}
	a := Account{Name: u.Username, Home: u.HomeDir}
	var ok bool
	if a.UID, ok = number(u.Uid); !ok {
		return Account{}, fmt.Errorf("user %s has the number %q", name, u.Uid)
	}
	if a.GID, ok = number(u.Gid); !ok {
		return Account{}, fmt.Errorf("user %s has the group number %q", name, u.Gid)
	}
	groups, err := u.GroupIds()
	if err != nil {
		return Account{}, fmt.Errorf("cannot find the groups of user %s: %w", name, err)
	}
	for _, g := range groups {
		if gid, ok := number(g); ok {
			a.Groups = append(a.Groups, gid)
		}
	}
	return a, nil
}

func lookupGroup(name string) (uint32, error) {
	g, err := user.LookupGroup(name)
	if err == nil {
		if gid, ok := number(g.Gid); ok {
			return gid, nil
		}
	}
	if gid, ok := number(name); ok {
		return gid, nil
	}
	return 0, fmt.Errorf("there is no group %s", name)
}

func number(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil && n != 1<<32-1 // -1 means "leave it" to setuid(2)
}

// Environment is what login(1) would say about the account.
func (a Account) Environment() []string {
	home := a.Home
	if home == "" {
		home = "/"
	}
	return []string{"USER=" + a.Name, "LOGNAME=" + a.Name, "HOME=" + home}
}

// start starts a command as the account, from the calling thread, which is
// locked. The thread must not be unlocked if the first result is false.
func (a *Account) start(cmd *exec.Cmd, start func(*exec.Cmd) error) (clean bool, err error) {
	if a == nil {
		return true, start(cmd)
	}
	own := int(a.UID) == os.Geteuid() && int(a.GID) == os.Getegid()
	if !own {
		// One that is ours already needs no right to become it.
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: a.UID, Gid: a.GID, Groups: a.Groups}
	}
	clean, err = withoutCapabilities(func() error { return start(cmd) })
	if errors.Is(err, unix.EPERM) && !own {
		err = fmt.Errorf("may not become user %s: that needs CAP_SETUID and CAP_SETGID, and CAP_KILL to end its programs (%w)", a.Name, err)
	}
	return clean, err
}

// withoutCapabilities does something while the calling thread's ambient
// capabilities, which a child would inherit, are put away (capabilities(7)).
// It tells whether the thread is what it was before.
func withoutCapabilities(do func() error) (clean bool, err error) {
	var had []uintptr
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if set, err := unix.PrctlRetInt(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET, c, 0, 0); err == nil && set == 1 {
			had = append(had, c)
		}
	}
	if len(had) == 0 {
		return true, do()
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return true, fmt.Errorf("cannot put the daemon's capabilities away: %w", err)
	}
	err = do()
	clean = true
	for _, c := range had {
		clean = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, c, 0, 0) == nil && clean
	}
	return clean, err
}
