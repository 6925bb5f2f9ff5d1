package config

import (
	"net/netip"

	"github.com/holdfast-net/holdfast/internal/check"
)

// localKind reads the kinds that look at this machine, ask something beside a
// service, or are made of other checks.
func (rd *reader) localKind(c *rawCheck) check.Kind {
	switch c.word {
	case "exec":
		o := rd.short(c, "run")
		argv := rd.argv(o, "run")
		if !o.has("run") && !o.wrong {
			rd.add(ruleMissing, o.at, "add run: [/usr/local/bin/ready]", "exec has no run")
		}
		c.program = argv
		return check.Exec{Run: values(argv), User: o.text("user").v, Group: o.text("group").v, Codes: check.Codes(o.choice("codes").v)}
	case "file":
		o := rd.short(c, "path")
		return check.File{
			Path: o.required("path").v, Absent: o.boolean("absent").v, Value: o.boolean("value").v, Times: o.integer("times").v,
			Contains: o.text("contains").v, MaxAge: o.duration("max_age").v,
		}
	case "process":
		o := rd.short(c, "name")
		return check.Process{
			Name: o.text("name").v, Command: o.text("command").v, User: o.text("user").v,
			Min: o.integer("min").v, Max: o.integer("max").or(check.Unbounded),
		}
	case "link":
		o := rd.short(c, "name")
		c.link = o.required("name")
		return check.Link{
			Name: c.link.v, Min: o.integer("min").v, NoCarrier: o.boolean("no_carrier").v,
			Speed: o.integer("speed").v, MTU: o.integer("mtu").v,
		}
	case "route":
		return rd.routeKind(c)
	case "address":
		o := rd.short(c, "is")
		return check.Address{Is: o.addr("is"), Dev: o.text("dev").v}
	case "bfd":
		o := rd.short(c, "peer")
		return check.BFD{Peer: o.addr("peer"), Dev: o.text("dev").v}
	case "agent":
		o := rd.short(c, "address")
		return check.Agent{To: o.endpoint("address", 0), Send: o.text("send").v, Required: o.boolean("required").v, Via: o.via()}
	case "peer":
		o := rd.short(c, "node")
		return check.Peer{Node: o.required("node").v, Within: o.duration("within").v}
	}
	return rd.composite(c)
}

func (rd *reader) routeKind(c *rawCheck) check.Kind {
	o := rd.short(c, "to")
	r := check.Route{Via: o.addr("via"), Dev: o.text("dev").v, Lookup: o.boolean("lookup").v}
	r.Table = o.integer("table").v
	if !o.has("table") && !r.Lookup {
		r.Table = check.MainTable
	}
	to := o.text("to")
	switch {
	case to.from == absent && !o.wrong:
		rd.add(ruleMissing, o.at, "add to: default", "route has no to")
	case !to.set():
	case to.v == "default":
		r.To = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	default:
		if a, err := netip.ParseAddr(to.v); err == nil && a.Zone() == "" {
			r.To = netip.PrefixFrom(a, a.BitLen())
			break
		}
		p, err := netip.ParsePrefix(to.v)
		if err != nil {
			rd.add(ruleAddress, to.at, "write it as the table has it: 10.0.0.0/8, default or ::/0", "%q is no destination", cut(to.v))
		}
		r.To = p
	}
	return r
}

// composite reads a check that is made of others.
func (rd *reader) composite(c *rawCheck) check.Kind {
	o := object{
		rd: rd, path: "checks.NAME", at: c.wordAt,
		values: map[string]*node{c.word: c.body}, keys: map[string]span{c.word: c.wordAt},
	}
	if c.word == "not" {
		member := o.text("not")
		c.members = []val[string]{member}
		return check.Not{Of: member.v}
	}
	c.members = o.names(c.word)
	of := values(c.members)
	if len(of) == 0 && c.body.kind == listNode {
		rd.add(ruleCheck, c.wordAt, "write the names of the checks: [a, b]", "%s is of no check", c.word)
	}
	if c.word == "any" {
		return check.Any{Of: of}
	}
	return check.All{Of: of}
}
