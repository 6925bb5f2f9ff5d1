package check

import (
	"cmp"
	"regexp"
	"strings"
)

// Process counts running processes. Zombies do not count.
//
//	process: nginx
//	process: {command: "^/usr/bin/java .*-jar /opt/app\\.jar", user: app, min: 2, max: 4}
type Process struct {
	// Name is that of the program: the last part of its path as it was
	// started (argv[0]), or what the kernel calls it (comm, of which it keeps
	// 15 bytes). Of Name and Command at least one is given; with both, both
	// must fit.
	Name string
	// Command is a regular expression (RE2) over the command line, whose
	// arguments are joined by single spaces. It may match anywhere in it.
	Command string
	// User whose processes count, a name or a number: the effective one.
	// Empty: anybody's.
	User string
	// Min and Max are how many there must be. Default 1 and Unbounded. Both 0:
	// there must be none.
	Min, Max int
}

// Unbounded is the Max of a Process that may run any number of times.
const Unbounded = 1 << 30

// Word is the kind's key in the file.
func (Process) Word() string { return "process" }

// Target is the name, or else the pattern.
func (x Process) Target() string { return cmp.Or(x.Name, x.Command) }

// Problems says what is wrong. Fields: name, command, user, min, max.
func (x Process) Problems() []Problem {
	var p problems
	p.add(x.Name == "" && x.Command == "", "name", "for example process: nginx", "neither the name nor the command line of a process is given")
	p.add(strings.ContainsAny(x.Name, "/\x00"), "name", "use command: for paths", "a name has no slash: %q", x.Name)
	if _, err := regexp.Compile(x.Command); err != nil {
		p.add(true, "command", "", "command is no regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	p.add(!accountName(x.User), "user", "", "%q cannot be the name of a user", x.User)
	p.add(x.Min < 0, "min", "", "min %d is negative", x.Min)
	p.add(x.Max < 0, "max", "", "max %d is negative", x.Max)
	p.add(x.Max >= 0 && x.Max < x.Min, "max", "", "max %d is below the min of %d", x.Max, x.Min)
	p.add(x.Min == 0 && x.Max >= Unbounded, "min", "min: 0 with max: 0 asks for none", "any number would do, also none")
	return p
}
