package demo

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		err  error
		hint string
	}{
		{fmt.Errorf("cannot make a network namespace: %w", unix.EPERM), tryElsewhere()},
		{unix.EACCES, tryElsewhere()},
		{unix.ENOSPC, "user.max_net_namespaces"},
		{unix.EINVAL, "CONFIG_USER_NS"},
		{unix.EOPNOTSUPP, "CONFIG_BRIDGE"},
		{errors.New("something else"), ""},
	} {
		err := explain(c.err)
		if want := "cannot build the demo's lab: " + c.err.Error(); err.Error() != want {
			t.Errorf("it says %q, want %q", err, want)
		}
		hint := err.(interface{ Hint() string }).Hint()
		if !strings.Contains(hint, c.hint) || (c.hint == "") != (hint == "") {
			t.Errorf("%v: hint %q, want %q in it", c.err, hint, c.hint)
		}
	}
}

func TestOptions_Interval(t *testing.T) {
	for interval, want := range map[time.Duration]bool{
		0: true, 10 * time.Millisecond: true, time.Second: true, time.Millisecond: false, time.Minute: false, -1: false,
	} {
		opt := Options{Interval: interval}
		if err := opt.complete(); (err == nil) != want {
			t.Errorf("interval %v: %v", interval, err)
		}
	}
}

// tryElsewhere is a word of the hint for those who may not.
func tryElsewhere() string {
	if os.Geteuid() == 0 {
		return "CAP_SYS_ADMIN"
	}
	return "sudo"
}
