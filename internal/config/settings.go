package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// setting is one value as Diff sees it.
type setting struct {
	path   string
	text   string // as users write it; empty: not set
	effect Effect // of changing it
	secret Secret // compared, never shown
	// opaque is compared, not shown, and a difference means an election: the
	// families behind a list of addresses.
	opaque string
}

// settings collects them.
type settings []setting

func (s *settings) add(path string, effect Effect, text string) {
	if text != "" {
		*s = append(*s, setting{path: path, text: text, effect: effect})
	}
}

func (s *settings) secret(path string, effect Effect, x Secret) {
	*s = append(*s, setting{path: path, text: redacted, secret: x, effect: effect})
}

func daemonSettings(c *Config) []setting {
	var s settings
	s.add("node", Daemon, c.Node)
	for _, k := range c.Checks {
		s = append(s, k.written...)
	}
	for _, x := range c.Services {
		s = append(s, x.written...)
	}
	s.cluster(c)
	s.add("state", Daemon, c.State)
	s.add("control.socket", Daemon, c.Control.Socket)
	s.add("control.group", Daemon, c.Control.Group)
	s.add("http.listen", Daemon, c.HTTP.Listen)
	s.add("realtime.mode", Daemon, c.Realtime.Mode.String())
	s.add("realtime.priority", Daemon, strconv.Itoa(c.Realtime.Priority))
	s.add("guardian", Daemon, c.Guardian.String())
	s.fence(c)
	s.flows(c)
	s.balancer(c)
	return s
}

// identity is what a group is known by.
func identity(g Group) []setting {
	var out []setting
	for _, s := range groupSettings(g) {
		switch s.path {
		case "addresses", "interface", "vrrp.id", "vrrp.priority", "lease.priority":
			out = append(out, s)
		}
	}
	return out
}

func groupSettings(g Group) []setting {
	var s settings
	s.add("addresses", InPlace, list(texts(g.Addresses, netip.Prefix.String)))
	if len(s) > 0 {
		s[0].opaque = fmt.Sprint(g.Families())
	}
	s.add("interface", Election, g.Interface)
	if g.Lease != nil {
		s.lease(g.Lease)
	} else {
		s.vrrp(g.VRRP)
	}
	s.add("checks", InPlace, list(texts(g.Checks, Use.String)))
	s.add("with", InPlace, list(g.With))
	s.add("guard", Election, g.Guard.String())
	s.groupFence(g.Fence)
	s.add("run.active", InPlace, list(g.Run.Active))
	s.add("run.backup", InPlace, list(g.Run.Backup))
	s.add("run.fault", InPlace, list(g.Run.Fault))
	s.add("run.timeout", InPlace, duration(g.Run.Timeout))
	s.steps(g)
	s.add("announce.repeat", InPlace, strconv.Itoa(g.Announce.Repeat))
	s.add("announce.refresh", InPlace, duration(g.Announce.Refresh))
	s.add("reset_clients", InPlace, strconv.FormatBool(g.ResetClients))
	return s
}

func (s *settings) vrrp(v VRRP) {
	s.add("vrrp.id", Election, strconv.Itoa(int(v.ID)))
	s.add("vrrp.priority", InPlace, strconv.Itoa(int(v.Priority)))
	s.add("vrrp.interval", InPlace, duration(v.Interval))
	s.add("vrrp.version", Election, strconv.Itoa(int(v.Version)))
	s.add("vrrp.preempt", InPlace, strconv.FormatBool(v.Preempt))
	s.add("vrrp.preempt_delay", InPlace, duration(v.PreemptDelay))
	s.add("vrrp.startup_delay", InPlace, duration(v.StartupDelay))
	s.add("vrrp.peers", InPlace, list(texts(v.Peers, netip.Addr.String)))
	s.add("vrrp.hops", InPlace, strconv.Itoa(int(v.Hops)))
	s.add("vrrp.mac", Election, v.MAC.String())
	s.add("vrrp.accept", InPlace, strconv.FormatBool(v.Accept))
	s.add("vrrp.checksum", InPlace, v.Checksum.String())
	s.add("vrrp.address_list", InPlace, map[bool]string{true: "strict", false: "report"}[v.StrictList])
	s.add("vrrp.learn.min", InPlace, optional(v.LearnMin))
	s.add("vrrp.learn.max", InPlace, optional(v.LearnMax))
	s.auth(v.Auth)
	s.bfd(v.BFD)
}

// cluster is who votes, and with which keys.
func (s *settings) cluster(c *Config) {
	keys := func(path string, all []Secret) {
		for i, k := range all {
			s.secret(path+[...]string{"key", "second_key"}[i], Daemon, k)
		}
	}
	if c.Cluster != nil {
		for _, v := range c.Cluster.Nodes {
			s.add("cluster.nodes."+v.Name, Daemon, v.Addr.String())
		}
		for _, v := range c.Cluster.Witnesses {
			s.add("cluster.witnesses."+v.Name, Daemon, v.Addr.String())
		}
		if e := c.Cluster.Store; e != nil {
			s.add("cluster.store", Daemon, "embedded")
			s.add("cluster.certificates", Daemon, e.Certificates)
			s.add("cluster.heartbeat", Daemon, duration(e.Heartbeat))
		}
		keys("cluster.", c.Cluster.Keys)
	}
	if c.Witness != nil {
		s.add("witness.listen", Daemon, c.Witness.Listen)
		keys("witness.", c.Witness.Keys)
	}
}

func (s *settings) auth(a Auth) {
	if !a.Pass.Empty() {
		s.secret("vrrp.auth.pass", InPlace, a.Pass)
	}
	h := a.HMAC
	if h == nil {
		return
	}
	for _, id := range h.sortedIDs() {
		s.secret(fmt.Sprintf("vrrp.auth.hmac.keys.%d", id), InPlace, h.Keys[id])
	}
	s.add("vrrp.auth.hmac.active", InPlace, strconv.Itoa(int(h.Active)))
	s.add("vrrp.auth.hmac.mode", InPlace, h.Mode.String())
	s.add("vrrp.auth.hmac.window", InPlace, optional(h.Window))
}

func (s *settings) bfd(b *BFD) {
	if b == nil {
		return
	}
	s.add("vrrp.bfd.interval", InPlace, duration(b.Interval))
	s.add("vrrp.bfd.multiplier", InPlace, strconv.Itoa(int(b.Multiplier)))
	if !b.Key.Empty() {
		s.secret("vrrp.bfd.auth", InPlace, b.Key)
	}
}

// How values are written in the file.

// String is "auto" or "off".
func (m RealtimeMode) String() string { return [...]string{"auto", "off"}[m] }

// String is "auto", "release" or "off".
func (m GuardianMode) String() string { return [...]string{"auto", "release", "off"}[m] }

// String, Set and Type make a choice a flag.
func (c *GuardianChoice) String() string {
	if !c.Given {
		return ""
	}
	return c.Mode.String()
}

// Set takes one of the file's words.
func (c *GuardianChoice) Set(s string) error {
	mode, ok := guardianModes[s]
	if !ok {
		return errors.New("it is one of auto, release, off")
	}
	*c = GuardianChoice{Mode: mode, Given: true}
	return nil
}

// Type is what help calls it.
func (c *GuardianChoice) Type() string { return "word" }

// String is "auto", "virtual" or "physical".
func (m MACMode) String() string { return [...]string{"auto", "virtual", "physical"}[m] }

// String is the use of a check as the file has it.
func (u Use) String() string {
	if u.Weight == 0 {
		return u.Check
	}
	return fmt.Sprintf("{%s: {weight: %d}}", u.Check, u.Weight)
}

func texts[T any](in []T, text func(T) string) []string {
	var out []string
	for _, x := range in {
		out = append(out, text(x))
	}
	return out
}

func list(in []string) string {
	if len(in) == 0 {
		return ""
	}
	in = slices.Clone(in)
	for i, s := range in {
		if s == "" || strings.ContainsAny(s, ",[]{}\"' #") && s[0] != '{' {
			in[i] = strconv.Quote(s)
		}
	}
	return "[" + strings.Join(in, ", ") + "]"
}

// duration is d without the zeros that Go puts behind minutes and hours.
func duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// optional is duration, with nothing for a zero that means a default.
func optional(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return duration(d)
}
