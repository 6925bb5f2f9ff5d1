package config

import (
	"errors"

	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/internal/program"
)

// programs checks that what a group runs can be run. A wrong path would show
// only at the next failover. It is a warning: the group holds without.
func (c *checker) programs(g *rawGroup) {
	for _, argv := range [][]val[string]{g.run.active, g.run.backup, g.run.fault} {
		c.program(argv, program.Own(), ruleProgram)
	}
}

// checkProgram checks that the user of a check can run its program. What may
// come later (a file system that is mounted later, a directory of users) is a
// warning, as for interfaces; what time alone does not mend is an error.
func (c *checker) checkProgram(k *rawCheck) {
	x, ok := k.kind.(check.Exec)
	if !ok || c.facts.Files == nil || len(k.program) == 0 {
		return
	}
	who, err := program.Lookup(x.User, x.Group)
	if err != nil {
		c.add(ruleProgram, k.program[0].at, "", "cannot run %q: %v", cut(k.program[0].v), err)
		return
	}
	c.program(k.program, who, ruleMayNotRun)
}

// program says what keeps an account from running a program. bad is the rule
// for what is there and cannot be run.
func (c *checker) program(argv []val[string], who program.Account, bad rule) {
	if len(argv) == 0 || !argv[0].set() || c.facts.Files == nil {
		return
	}
	name, at := argv[0].v, argv[0].at
	var o *program.Obstacle
	if !errors.As(program.Runnable(c.facts.Files, name, who), &o) {
		return
	}
	id, hint := bad, o.Hint
	if o.Name != "" { // it is not there
		id = ruleProgram
		// Of very short names too many are near.
		if near := nearest(o.Name, o.Names); near != "" && hint == "" && len(o.Name) > 3 {
			hint = "did you mean " + printable(near) + "?"
		}
	}
	c.add(id, at, printable(hint), "cannot run this program: %s", printable(o.Text))
}
