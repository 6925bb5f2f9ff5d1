package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// list reads a list of single values. An empty list is given, not absent.
func (o object) list(name string) (items []*node, at span, from origin) {
	k, n, at := o.key(name)
	switch {
	case o.wrong:
		return nil, at, wrong
	case n == nil:
		return nil, at, absent
	case n.kind == nullNode:
		return nil, at, given
	case n.kind == scalarNode:
		o.rd.add(ruleType, n.span, fmt.Sprintf("write it in brackets: [%s]", printable(cut(n.text))), "%s must be a list, not a single value", name)
		return nil, at, wrong
	case n.kind == mapNode:
		o.rd.add(ruleType, n.span, example(k), "%s must be a list, not a mapping", name)
		return nil, at, wrong
	}
	for _, item := range n.items {
		if item.kind != scalarNode || item.text == "" && !item.quoted {
			if item.line == 0 {
				item.span = at
			}
			o.rd.add(ruleType, item.span, example(k), "%s must be a list of single values; one of them is %s", name, kindOrEmpty(item))
			from = wrong
			continue
		}
		items = append(items, item)
	}
	if from == wrong {
		return items, at, wrong
	}
	return items, at, given
}

func kindOrEmpty(n *node) string {
	if n.kind == scalarNode {
		return "empty"
	}
	return n.kind.String()
}

// names reads a list of words.
func (o object) names(name string) []val[string] {
	items, _, _ := o.list(name)
	var out []val[string]
	for _, n := range items {
		out = append(out, val[string]{n.text, n.span, given})
	}
	return out
}

// prefixes reads addresses with an optional length.
func (o object) prefixes(name string) (out []val[netip.Prefix], at span, from origin) {
	items, at, from := o.list(name)
	for _, n := range items {
		p, problem, hint := parsePrefix(n.text)
		if problem != "" {
			o.rd.add(ruleAddress, n.span, hint, "%q is not an address: %s", cut(n.text), problem)
			from = wrong
			continue
		}
		out = append(out, val[netip.Prefix]{p, n.span, given})
	}
	return out, at, from
}

// addrs reads addresses without a length.
func (o object) addrs(name string) (out []val[netip.Addr], at span, from origin) {
	items, at, from := o.list(name)
	for _, n := range items {
		p, problem, hint := parsePrefix(n.text)
		if problem == "" && strings.Contains(n.text, "/") {
			problem, hint = "a length does not belong here", "write "+p.Addr().String()
		}
		if problem != "" {
			o.rd.add(ruleAddress, n.span, hint, "%q is not an address: %s", cut(n.text), problem)
			from = wrong
			continue
		}
		out = append(out, val[netip.Addr]{p.Addr(), n.span, given})
	}
	return out, at, from
}

// parsePrefix reads an address with or without a length, host bits kept.
func parsePrefix(s string) (p netip.Prefix, problem, hint string) {
	addr, length, hasLength := strings.Cut(s, "/")
	a, err := netip.ParseAddr(addr)
	switch {
	case err != nil && strings.Count(addr, ".") == 3 && strings.Contains("."+addr, ".0"):
		return p, "a part starts with 0 or is too large", "write each part as a plain decimal number: 192.0.2.10"
	case err != nil:
		return p, "it must be like 192.0.2.10/24 or 2001:db8::10/64", ""
	case a.Zone() != "":
		return p, "a zone does not belong here", "name the interface with interface: in the group"
	case a.Is4In6():
		return p, "it is an IPv4 address in an IPv6 one", "write " + a.Unmap().String()
	case !hasLength:
		return netip.PrefixFrom(a, a.BitLen()), "", ""
	}
	bits, err := strconv.Atoi(length)
	switch {
	case err != nil || !isDigits(length):
		if mask, err := netip.ParseAddr(length); err == nil && mask.Is4() {
			hint = "write the length instead of the mask: " + addr + "/24 for 255.255.255.0"
		}
		return p, "the part after / must be a number", hint
	case bits < 1 || bits > a.BitLen():
		return p, fmt.Sprintf("the length must be 1 to %d", a.BitLen()), ""
	}
	return netip.PrefixFrom(a, bits), "", ""
}
