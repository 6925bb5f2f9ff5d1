package local

import (
	"bytes"
	"context"
	"fmt"
	"regexp"

	"github.com/holdfast-net/holdfast/internal/check"
	"github.com/holdfast-net/holdfast/internal/program"
)

// processProbe counts processes.
type processProbe struct {
	kind    check.Process
	command *regexp.Regexp // nil: any
	all     *Processes
	own     bool // all is ours to close
	user    *program.Account
}

func newProcess(k check.Process, env Env) (check.Probe, error) {
	p := &processProbe{kind: k, all: env.Processes}
	if k.Command != "" {
		re, err := regexp.Compile(k.Command)
		if err != nil {
			return nil, fmt.Errorf("cannot look for processes: %w", err)
		}
		p.command = re
	}
	if p.all == nil {
		p.all, p.own = NewProcesses(), true
	}
	return p, nil
}

// Close releases what is not shared.
func (p *processProbe) Close() error {
	if p.own {
		return p.all.Close()
	}
	return nil
}

// Try counts.
func (p *processProbe) Try(context.Context) check.Seen {
	if p.kind.User != "" && p.user == nil {
		a, err := program.Lookup(p.kind.User, "")
		if err != nil {
			return check.Failed(err.Error())
		}
		p.user = &a
	}
	list, err := p.all.now()
	if err != nil {
		return check.Failed(err.Error())
	}
	n := 0
	for i := range list {
		if p.fits(&list[i]) {
			n++
		}
	}
	text := fmt.Sprintf("%d running", n)
	if p.user != nil {
		text += " as " + p.user.Name
	}
	if n < p.kind.Min || n > p.kind.Max {
		return failedf("%s, wanted %s", text, wanted(p.kind.Min, p.kind.Max))
	}
	return check.Passed(text)
}

func (p *processProbe) fits(x *process) bool {
	if p.kind.Name != "" && !named(x, p.kind.Name) {
		return false
	}
	if p.command != nil {
		// A kernel thread has no command line: no pattern is about it.
		if len(x.args) == 0 || !p.command.Match(bytes.ReplaceAll(bytes.TrimRight(x.args, "\x00"), []byte{0}, []byte{' '})) {
			return false
		}
	}
	if p.user != nil {
		uid, ok := p.all.user(x.pid)
		return ok && uid == p.user.UID
	}
	return true
}

// maxComm is TASK_COMM_LEN less the zero that ends it.
const maxComm = 15

// named compares with both names of a process: programs change the first
// argument to show what they do ("nginx: master process"), scripts have their
// interpreter's.
func named(x *process, name string) bool {
	if x.comm == name[:min(len(name), maxComm)] {
		return true
	}
	first, _, _ := bytes.Cut(x.args, []byte{0})
	return string(first[bytes.LastIndexByte(first, '/')+1:]) == name
}

// wanted is a range in words.
func wanted(least, most int) string {
	switch {
	case most == 0:
		return "none"
	case most >= check.Unbounded:
		return fmt.Sprintf("at least %d", least)
	case least == most:
		return fmt.Sprintf("%d", least)
	}
	return fmt.Sprintf("%d to %d", least, most)
}
