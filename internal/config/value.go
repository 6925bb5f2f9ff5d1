package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// val is one value with its place and how it came about.
type val[T any] struct {
	v    T
	at   span // the value; if it is not in the file, the key it would stand under
	from origin
}

type origin uint8

const (
	absent origin = iota // not in the file: the default, or zero
	given                // in the file
	wrong                // in the file and already reported; v is the default
)

// set tells whether the file has a good value.
func (x val[T]) set() bool { return x.from == given }

// good tells whether there is a value to check: from the file or a default.
func (x val[T]) good() bool { return x.from != wrong }

// scalar finds the single value of a key. It is nil if there is none to read;
// then from says why.
func (o object) scalar(name string) (k key, n *node, at span, from origin) {
	k, n, at = o.key(name)
	switch {
	case o.wrong:
		return k, nil, at, wrong
	case n == nil:
		return k, nil, at, absent
	case n.kind == nullNode:
		o.rd.add(ruleMissing, at, example(k), "%s has no value", name)
		return k, nil, at, wrong
	case n.kind != scalarNode:
		o.rd.add(ruleType, n.span, example(k), "%s must be %s, not %s", name, article(k), n.kind)
		return k, nil, n.span, wrong
	}
	return k, n, n.span, given
}

// text reads words that are taken as they are.
func (o object) text(name string) val[string] {
	k, n, at, from := o.scalar(name)
	if n == nil {
		return val[string]{k.def, at, from}
	}
	if n.text == "" {
		o.rd.add(ruleMissing, at, "", "%s is empty", name)
		return val[string]{k.def, at, wrong}
	}
	return val[string]{n.text, at, given}
}

func (o object) integer(name string) val[int] {
	k, n, at, from := o.scalar(name)
	def, _ := strconv.Atoi(k.def)
	if n == nil {
		return val[int]{def, at, from}
	}
	v, ok := o.rd.integerText(k, name, n)
	if !ok {
		return val[int]{def, at, wrong}
	}
	lo, _ := strconv.Atoi(k.min)
	hi, _ := strconv.Atoi(k.max)
	if v < lo || v > hi {
		o.rd.outOfRange(k, name, n, lo, hi)
		return val[int]{def, at, wrong}
	}
	return val[int]{v, at, given}
}

// integerText reads a decimal number. Leading zeros are refused, since YAML
// has both read them as octal and not.
func (rd *report) integerText(k key, name string, n *node) (int, bool) {
	digits := strings.TrimPrefix(n.text, "-")
	switch {
	case n.quoted && isDigits(digits):
		rd.add(ruleType, n.span, "remove the quotes", "%s must be a number, not text in quotes", name)
	case !isDigits(digits):
		rd.add(ruleType, n.span, example(k), "%s must be a whole number, not %q", name, n.text)
	case len(digits) > 1 && digits[0] == '0':
		rd.add(ruleType, n.span, fmt.Sprintf("write it without leading zeros: %s", strings.TrimLeft(digits[:len(digits)-1], "0")+digits[len(digits)-1:]),
			"%s is not a plain decimal number", name)
	default:
		v, err := strconv.Atoi(n.text)
		if err != nil { // too long for an int: as far out of range as can be
			v = 1 << 31
			if n.text[0] == '-' {
				v = -v
			}
		}
		return v, true
	}
	return 0, false
}

// outOfRange reports a number outside its bounds. Priorities and weights have
// rules of their own, because what is wrong with them says more.
func (rd *report) outOfRange(k key, name string, n *node, lo, hi int) {
	shown := n.text
	if len(shown) > 20 {
		shown = shown[:20] + "…"
	}
	switch k.path {
	case "groups.NAME.vrrp.priority":
		rd.add(rulePriority, n.span, "the node with the higher number wins; use 150 here and 100 on the peer",
			"priority %s is outside 1 to 254 (255 is for the owner of the addresses)", shown)
	case "groups.NAME.checks.CHECK.weight":
		if strings.HasPrefix(n.text, "-") {
			rd.add(ruleWeight, n.span, "write how much a failing check takes off the priority: weight: 50",
				"weight %s is negative; adding to the priority while a check passes is not supported", shown)
			return
		}
		rd.add(ruleWeight, n.span, "", "weight %s is outside 0 to 253", shown)
	case "groups.NAME.vrrp.version":
		rd.add(ruleRange, n.span, "", "version must be 2 or 3, not %s", shown)
	default:
		rd.add(ruleRange, n.span, "", "%s %s is outside %d to %d", name, shown, lo, hi)
	}
}

func (o object) duration(name string) val[time.Duration] {
	k, n, at, from := o.scalar(name)
	def, _ := time.ParseDuration(k.def)
	if n == nil {
		return val[time.Duration]{def, at, from}
	}
	v, err := time.ParseDuration(n.text)
	lo, _ := time.ParseDuration(k.min)
	hi, _ := time.ParseDuration(k.max)
	switch {
	case isNumber(n.text) && n.text != "0":
		unit := "s"
		if isDigits(n.text) && len(n.text) > 2 {
			unit = "ms"
		}
		o.rd.add(ruleDuration, at, fmt.Sprintf("add a unit: %s%s", cut(n.text), unit), "%s %s has no unit", name, cut(n.text))
	case err != nil:
		o.rd.add(ruleDuration, at, "write a number and a unit: 500ms, 1s, 1.5s, 1m30s", "%s must be a duration, not %q", name, cut(n.text))
	case v < lo || v > hi:
		o.rd.add(ruleRange, at, "", "%s %s is outside %s to %s", name, cut(n.text), k.min, k.max)
	default:
		return val[time.Duration]{v, at, given}
	}
	return val[time.Duration]{def, at, wrong}
}

func (o object) boolean(name string) val[bool] {
	k, n, at, from := o.scalar(name)
	def := k.def == "true"
	if n == nil {
		return val[bool]{def, at, from}
	}
	if !n.quoted {
		switch n.text {
		case "true":
			return val[bool]{true, at, given}
		case "false":
			return val[bool]{false, at, given}
		}
	}
	hint := ""
	switch strings.ToLower(n.text) {
	case "yes", "on", "true":
		hint = "write true, without quotes"
	case "no", "off", "false":
		hint = "write false, without quotes"
	}
	o.rd.add(ruleType, at, hint, "%s must be true or false, not %q", name, cut(n.text))
	return val[bool]{def, at, wrong}
}

func (o object) choice(name string) val[string] {
	k, n, at, from := o.scalar(name)
	if n == nil {
		return val[string]{k.def, at, from}
	}
	for _, w := range k.words {
		if n.text == w {
			return val[string]{w, at, given}
		}
	}
	hint := ""
	if near := nearest(n.text, k.words); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	o.rd.add(ruleChoice, at, hint, "%s must be %s, not %q", name, orList(k.words), cut(n.text))
	return val[string]{k.def, at, wrong}
}

// isNumber tells whether a duration has no unit.
func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil && !strings.ContainsAny(s, "xXpPiIn_")
}

func isDigits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// cut keeps quoted values short.
func cut(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
