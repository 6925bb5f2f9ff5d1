package demo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// explain adds what to try where this machine does not let the demo run.
func explain(err error) error {
	f := &failure{text: fmt.Sprintf("cannot build the demo's lab: %v", err)}
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES), errors.Is(err, fs.ErrPermission):
		f.hint = "try with sudo"
		if os.Geteuid() == 0 {
			f.hint = "this root lacks CAP_SYS_ADMIN or CAP_NET_ADMIN, as in most containers: run it on the host"
		}
		if why := userNamespaces(); why != "" {
			f.hint += "; without root it needs user namespaces, and " + why
		}
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EUSERS):
		f.hint = "the machine's limit of namespaces is reached: see sysctl user.max_user_namespaces and user.max_net_namespaces"
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP):
		f.hint = "this kernel lacks network namespaces, veth or bridges (CONFIG_NET_NS, CONFIG_USER_NS, CONFIG_VETH, CONFIG_BRIDGE)"
	}
	return f
}

// userNamespaces says which switch keeps users from having namespaces, ""
// when none is known.
func userNamespaces() string {
	for _, s := range []struct{ file, bad, say string }{
		{"/proc/sys/user/max_user_namespaces", "0", "sysctl user.max_user_namespaces is 0"},
		{"/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone is 0"},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl kernel.apparmor_restrict_unprivileged_userns is 1"},
	} {
		if b, err := os.ReadFile(s.file); err == nil && len(b) > 0 && string(b[:1]) == s.bad {
			return s.say
		}
	}
	return ""
}
