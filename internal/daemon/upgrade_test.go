package daemon

import (
	"strings"
	"testing"

	"github.com/holdfast-net/holdfast/internal/program"
	"github.com/holdfast-net/holdfast/internal/steps"
)

// Who cannot upgrade because a step does not end hears which group, step and
// process it is, and what to do.
func TestHeldUp(t *testing.T) {
	running := []steps.Running{{Group: "db", Step: "exec /bin/umount /srv", PID: 1234}}
	for _, tt := range []struct {
		name    string
		running []steps.Running
		seen    program.Seen
		what    string
		how     string
	}{
		{
			"stuck", running,
			program.Seen{There: true, Name: "umount", Stuck: true, Where: "nfs_wait_bit_killable"},
			`process 1234 (umount) of step "exec /bin/umount /srv" of group db waits for the kernel and cannot be killed (state D, in nfs_wait_bit_killable)`, "/proc/1234/stack",
		},
		{"stuck somewhere", running, program.Seen{There: true, Name: "umount", Stuck: true}, "(state D)", "maintenance on"},
		{"slow", running, program.Seen{There: true, Name: "umount"}, "of group db runs", "again"},
		{"gone meanwhile", running, program.Seen{}, "", ""},
		{"nothing runs", nil, program.Seen{}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			what, how := heldUp(tt.running, func(int) program.Seen { return tt.seen })
			if !strings.Contains(what, tt.what) || !strings.Contains(how, tt.how) || tt.what == "" && what != "" {
				t.Errorf("%q; %q", what, how)
			}
		})
	}
}
