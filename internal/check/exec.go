package check

import (
	"path"
	"strings"
)

// Codes is how the exit status of a program is read.
type Codes string

const (
	// CodesStatus: 0 is up, everything else is down. It is what keepalived
	// does for a vrrp_script, whatever its weight: the weight of a script is
	// configured and never comes from its status.
	CodesStatus Codes = "status"

	// CodesNagios is for the plug-ins of Nagios, Icinga and others: 0 is ok,
	// 1 a warning (up, and shown as one), 2 critical and 3 unknown (both
	// down). The first line of the output, up to the "|" before performance
	// data, is the text. Other statuses are unknown, as for Nagios.
	CodesNagios Codes = "nagios"

	// CodesNagiosStrict is the same with warnings down.
	CodesNagiosStrict Codes = "nagios-strict"

	// CodesWeight is keepalived's misc_dynamic of a MISC_CHECK: 0 is up with
	// the configured weight, 1 is down, and 2 to 255 is up with a weight of
	// two less than the status: 2 gives weight 0, 255 gives 253.
	// (keepalived.conf(5) says in one place that status 10 sets weight 10;
	// its code subtracts two.) A program ended by a signal is down.
	CodesWeight Codes = "weight"
)

// Exec runs a program and takes its exit status for the answer.
//
// It runs without a shell, in "/", without standard input, with the
// environment of the daemon less what is private to it, in a process group of
// its own. At the check's timeout the whole group gets SIGTERM and 300 ms
// later SIGKILL. The next run waits until nothing is left of the last one.
//
//	exec: [/usr/lib/nagios/plugins/check_load, -w, "5", -c, "10"]
//	exec: {run: [/usr/local/bin/ready, web], user: web, codes: weight}
type Exec struct {
	// Run is the program with its arguments; the program is an absolute path.
	Run []string
	// User that it runs as, a name or a number, with the supplementary groups
	// that the group database gives that user. Empty: as the daemon does.
	User string
	// Group that it runs as, a name or a number. Empty: the user's own.
	Group string
	// Codes is how the exit status is read. Default CodesStatus.
	Codes Codes
}

// Word is the kind's key in the file.
func (Exec) Word() string { return "exec" }

// Target is the program without its arguments, which may hold secrets.
func (x Exec) Target() string {
	if len(x.Run) == 0 {
		return ""
	}
	return x.Run[0]
}

// Problems says what is wrong. Fields: run, user, group, codes. Whether the
// program can be run on this machine is not asked here: that needs the machine.
func (x Exec) Problems() []Problem {
	var p problems
	p.add(len(x.Run) == 0, "run", "for example run: [/usr/local/bin/ready, web]", "there is no program to run")
	if len(x.Run) > 0 {
		p.add(!path.IsAbs(x.Run[0]), "run", "write the path from /; PATH is not searched", "program %q is not an absolute path", x.Run[0])
		nul := false
		for _, arg := range x.Run {
			nul = nul || strings.Contains(arg, "\x00")
		}
		p.add(nul, "run", "", "an argument has a zero byte")
	}
	p.add(!accountName(x.User), "user", "", "%q cannot be the name of a user", x.User)
	p.add(!accountName(x.Group), "group", "", "%q cannot be the name of a group", x.Group)
	switch x.Codes {
	case CodesStatus, CodesNagios, CodesNagiosStrict, CodesWeight:
	default:
		p.add(true, "codes", "one of status, nagios, nagios-strict and weight", "codes %q is not known", x.Codes)
	}
	return p
}

// accountName tells whether passwd(5) or group(5) could hold a name.
func accountName(s string) bool {
	return len(s) <= 256 && !strings.ContainsAny(s, ":\n\x00/ ") && !strings.HasPrefix(s, "-")
}
