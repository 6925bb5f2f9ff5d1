package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// check reads one check: which kind it is, what that kind is given, and what
// all kinds have in common.
func (rd *reader) check(e entry) *rawCheck {
	c := &rawCheck{name: e.key.text, at: e.key.span}
	rd.name(e.key, "check")
	before := len(rd.found)
	o := rd.object(e.value, "checks.NAME", e.key.span)
	for _, word := range kindWords {
		_, n, at := o.key(word)
		switch {
		case n == nil:
		case c.word != "":
			rd.add(ruleCheckKind, at, "make a check of each, and one of both: {all: [A, B]}", "check %s looks at %s already", c.name, c.word)
		default:
			c.word, c.wordAt, c.body = word, at, n
		}
	}
	if c.word == "" {
		if !o.wrong && len(rd.found) == before {
			rd.add(ruleCheckKind, c.at, "write what it looks at: {http: http://127.0.0.1/healthz} or another of "+orList(kindWords), "check %s looks at nothing", c.name)
		}
		return c
	}
	ok := len(rd.found)
	c.kind = rd.kind(c)
	if len(rd.found) > ok {
		c.kind = nil
	} else {
		rd.problems(c)
	}
	c.settings = rd.settings(o, c)
	c.written = written("checks."+c.name, e.value, c.secrets)
	return c
}

// settings reads what all kinds have in common.
func (rd *reader) settings(o object, c *rawCheck) check.Settings {
	rise, fall := 2, 3
	switch c.word {
	case "file", "process", "link", "route", "address", "bfd", "peer":
		rise, fall = 1, 1
	}
	interval := o.duration("interval")
	s := check.Settings{
		Interval:     interval.v,
		FastInterval: o.duration("fast_interval").or(interval.v),
		DownInterval: o.duration("down_interval").or(interval.v),
		Timeout:      o.duration("timeout").or(min(max(interval.v, 100*time.Millisecond), 2*time.Second)),
		Jitter:       o.integer("jitter").v,
		Rise:         o.integer("rise").or(rise),
		Fall:         o.integer("fall").or(fall),
		Initial:      map[string]check.Initial{"wait": check.InitialWait, "up": check.InitialUp, "down": check.InitialDown}[o.choice("initial").v],
	}
	if o.has("flap") {
		f := o.child("flap")
		s.Flap = check.Flap{Changes: f.integer("changes").v, Within: f.duration("within").v, Stable: f.duration("stable").v}
	}
	if c.word == "all" || c.word == "any" || c.word == "not" {
		for _, name := range rd.index.children["checks.NAME"] {
			if o.has(name) && !slices.Contains(kindWords, name) {
				rd.add(ruleCheck, o.keys[name], "write it in the checks that it is made of", "%s has no effect: check %s is made of others", name, c.name)
			}
		}
		return check.Settings{}
	}
	if timeout := o.values["timeout"]; timeout != nil && c.word == "exec" && s.Timeout > s.Interval {
		rd.add(ruleCheckTiming, timeout.span, "", "the program may take longer (%s) than the interval (%s): it is not run twice at once, so the interval will not be kept", duration(s.Timeout), duration(s.Interval))
	}
	return s
}

// or is the value, or what stands for it where the file has none.
func (x val[T]) or(otherwise T) T {
	if x.set() {
		return x.v
	}
	return otherwise
}

// short begins reading what a kind is given: a mapping, or the one value that
// it needs, which stands for the key named field.
func (rd *reader) short(c *rawCheck, field string) object {
	path := "checks.NAME." + c.word
	n := c.body
	if n.kind == scalarNode || n.kind == listNode && field == "run" {
		return object{rd: rd, path: path, at: c.wordAt, values: map[string]*node{field: n}, keys: map[string]span{field: n.span}}
	}
	return rd.object(n, path, c.wordAt)
}

// problems shows what the kind itself finds wrong with what it was given.
func (rd *reader) problems(c *rawCheck) {
	// One that looks at backends is judged as it looks at one of them.
	kind, _ := forBackend(c.kind, netip.AddrPortFrom(netip.IPv4Unspecified().Next(), 1))
	judge, ok := kind.(interface{ Problems() []check.Problem })
	if !ok {
		return
	}
	for _, p := range judge.Problems() {
		rd.add(ruleCheck, c.place(p.Field), p.Hint, "%s", printable(p.Text))
		c.kind = nil
	}
}

// place finds where a field of a kind is written: "steps.1.expect". What is
// not there has the place of what it should be in.
func (c *rawCheck) place(field string) span {
	at, n := c.wordAt, c.body
	if n.kind == scalarNode {
		return n.span
	}
	for part := range strings.SplitSeq(field, ".") {
		var next *node
		switch {
		case n == nil:
		case n.kind == listNode:
			if i, err := strconv.Atoi(part); err == nil && i >= 1 && i <= len(n.items) {
				next = n.items[i-1]
			}
		case n.kind == mapNode:
			for _, e := range n.entries {
				if e.key.text == part {
					next, at = e.value, e.key.span
				}
			}
		}
		if next == nil {
			break
		}
		n = next
		if n.line > 0 && n.kind == scalarNode {
			at = n.span
		}
	}
	return at
}

// written lists the values below a node by their paths, for the difference of
// two files.
func written(path string, n *node, out []setting) []setting {
	switch {
	case n == nil:
	case n.kind == mapNode:
		for _, e := range n.entries {
			out = written(path+"."+e.key.text, e.value, out)
		}
	case n.kind == listNode && !slices.ContainsFunc(n.items, func(x *node) bool { return x.kind != scalarNode }):
		out = append(out, setting{path: path, text: list(texts(n.items, func(x *node) string { return x.text })), effect: InPlace})
	case n.kind == listNode:
		for i, x := range n.items {
			out = written(fmt.Sprintf("%s.%d", path, i+1), x, out)
		}
	case secretValue(path):
		out = append(out, setting{path: path, text: redacted, secret: NewSecret([]byte(n.text)), effect: InPlace})
	default:
		out = append(out, setting{path: path, text: n.text, effect: InPlace})
	}
	return out
}

// secretValue tells whether a value of a check must not be shown.
func secretValue(path string) bool {
	last := path[strings.LastIndexByte(path, '.')+1:]
	return !harmless(last) && (last == "text" || last == "send" || strings.Contains(path, ".password") || strings.Contains(path, ".headers."))
}
