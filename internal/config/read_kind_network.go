package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"

	"github.com/holdfast-net/holdfast/internal/check"
)

// kind reads what a check looks at. What it returns is worth nothing when
// something was reported.
func (rd *reader) kind(c *rawCheck) check.Kind {
	switch c.word {
	case "tcp":
		o := rd.short(c, "address")
		return check.TCP{To: o.endpoint("address", 0), Via: o.via()}
	case "tls":
		o := rd.short(c, "address")
		return check.TLS{To: o.endpoint("address", 0), Secure: o.secure(), Via: o.via()}
	case "http":
		return rd.http(c)
	case "script":
		return rd.script(c)
	case "postgres":
		return rd.postgres(c)
	case "dns":
		o := rd.short(c, "address")
		return check.DNS{
			To: o.endpoint("address", 53), Name: o.text("name").v, Type: o.choice("type").v, RCode: o.choice("rcode").v,
			Answer:  o.pattern("answer"),
			Network: map[string]check.DNSNetwork{"udp": check.DNSUDP, "tcp": check.DNSTCP}[o.choice("network").v], Iterative: o.boolean("iterative").v, Via: o.via(),
		}
	case "udp":
		o := rd.short(c, "address")
		return check.UDP{
			To: o.endpoint("address", 0), Send: check.Secret(o.bytes("send")), Expect: o.pattern("expect"),
			Silence: map[string]check.Silence{"fails": check.SilenceFails, "passes": check.SilencePasses}[o.choice("silence").v],
			Listen:  o.duration("listen").v, Via: o.via(),
		}
	case "ping":
		o := rd.short(c, "host")
		return check.Ping{
			Host: o.required("host").v, Count: o.integer("count").v, Spacing: o.duration("spacing").v,
			MaxLoss: o.integer("max_loss").v, Size: o.integer("size").v, Via: o.via(),
		}
	case "grpc":
		o := rd.short(c, "address")
		return check.GRPC{
			To: o.endpoint("address", 0), Service: o.text("service").v, Authority: o.text("authority").v,
			Secure: o.optionalSecure(), Via: o.via(),
		}
	}
	return rd.localKind(c)
}

func (rd *reader) http(c *rawCheck) check.Kind {
	o := rd.short(c, "url")
	h := check.DefaultHTTP()
	h.Method, h.Host, h.Body = o.text("method").v, o.text("host").v, o.text("body").v
	h.Expect, h.Reject = o.pattern("expect"), o.pattern("reject")
	h.MaxBody, h.Redirects, h.KeepAlive = o.integer("max_body").v, o.integer("redirects").v, o.boolean("keep_alive").v
	h.Version, _ = check.ParseHTTPVersion(o.choice("version").v)
	h.Secure, h.Via = o.tls().secure(), o.via()
	one, urls := o.text("url"), o.names("urls")
	for _, u := range urls {
		h.URLs = append(h.URLs, u.v)
	}
	switch {
	case one.set() && len(urls) > 0:
		rd.add(ruleCheck, o.keys["urls"], "write all of them into urls", "url and urls are both given")
	case one.set():
		h.URLs = []string{one.v}
	case len(urls) == 0 && one.from == absent && !o.wrong:
		rd.add(ruleMissing, o.at, "add url: http://127.0.0.1/healthz", "http has no url")
	}
	if status := o.text("status"); status.good() {
		set, err := check.ParseStatusSet(status.v)
		if err != nil {
			rd.add(ruleCheck, status.at, "", "%s", printable(err.Error()))
		}
		h.Status = set
	}
	if at := o.text("connect"); at.set() && at.v == backendHost {
		h.Connect = check.Endpoint{Host: backendHost}
	} else if at.set() {
		to, err := check.ParseEndpoint(at.v, portOf(h.URLs))
		if err != nil {
			rd.add(ruleCheck, at.at, "", "%s", printable(err.Error()))
		}
		h.Connect = to
	}
	_, n, _ := o.key("headers")
	for _, e := range rd.entries(n, "checks.NAME.http.headers") {
		h.Headers = append(h.Headers, check.Header{Name: e.key.text, Value: rd.shown(c, e.value, "checks.NAME.http.headers.NAME", e.key.span)})
	}
	return h
}

// portOf is the port of the first of some URLs.
func portOf(urls []string) uint16 {
	if len(urls) == 0 {
		return 80
	}
	u, err := url.Parse(urls[0])
	if err != nil {
		return 80
	}
	if port, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		return uint16(port)
	}
	if u.Scheme == "https" {
		return 443
	}
	return 80
}

func (rd *reader) script(c *rawCheck) check.Kind {
	o := rd.short(c, "address")
	preset := o.choice("preset")
	s := check.Script{
		To: o.endpoint("address", check.PresetPort(preset.v)), Secure: o.optionalSecure(), Goodbye: o.bytes("goodbye"),
		Polite: o.boolean("polite").v, MaxRead: o.integer("max_read").v, Via: o.via(),
	}
	who := check.Login{User: o.text("user").v}
	if k, n, at := o.key("password"); n != nil {
		who.Password = rd.shown(c, n, k.path, at)
	}
	_, steps, _ := o.key("steps")
	switch {
	case preset.set() && steps != nil:
		rd.add(ruleCheck, o.keys["steps"], "remove one of them", "a preset has steps of its own")
	case preset.set():
		p, err := check.Preset(preset.v, who)
		if err != nil {
			rd.add(ruleCheck, preset.at, "", "%s", printable(err.Error()))
			return s
		}
		s.Steps = p.Steps
		if !o.has("goodbye") {
			s.Goodbye = p.Goodbye
		}
		if !o.has("polite") {
			s.Polite = p.Polite
		}
		return s
	case preset.from == wrong:
	case who != check.Login{}:
		rd.add(ruleCheck, o.at, "write it into the steps", "user and password are for presets")
	case steps == nil:
		if !o.wrong {
			rd.add(ruleMissing, o.at, "add preset: "+orList(check.Presets())+", or steps: [{send: …, expect: …}]", "script has neither a preset nor steps")
		}
	case steps.kind != listNode:
		rd.add(ruleType, steps.span, "write it as steps: [{send: …, expect: …}]", "steps must be a list, not %s", steps.kind)
	default:
		for _, item := range steps.items {
			at := item.span
			if item.line == 0 {
				at = o.keys["steps"]
			}
			step := rd.object(item, "checks.NAME.script.steps", at)
			s.Steps = append(s.Steps, check.Step{Send: check.Secret(step.bytes("send")), Expect: step.pattern("expect"), Fail: step.pattern("fail")})
		}
	}
	return s
}

func (rd *reader) postgres(c *rawCheck) check.Kind {
	o := rd.short(c, "address")
	p := check.DefaultPostgres()
	p.To = o.endpoint("address", 5432)
	p.User, p.Database, p.SSLMode = o.text("user").v, o.text("database").v, o.choice("sslmode").v
	p.Role = map[string]check.PostgresRole{"any": check.AnyRole, "primary": check.Primary, "standby": check.Standby}[o.choice("role").v]
	p.MaxLag, p.Query, p.Value = o.duration("max_lag").v, o.text("query").v, o.text("value").v
	p.Secure, p.Via = o.tls().secure(), o.via()
	if k, n, at := o.key("password"); n != nil {
		p.Password = rd.shown(c, n, k.path, at)
	}
	return p
}

// shown reads a secret that a check shows to whom it looks at. A header may be
// plain text, too.
func (rd *reader) shown(c *rawCheck, n *node, path string, at span) check.Secret {
	if path == "checks.NAME.http.headers.NAME" && n.kind == scalarNode {
		rd.used[path] = true
		return check.Secret(n.text)
	}
	s := rd.secret(n, path, at)
	c.secrets = append(c.secrets, setting{path: fmt.Sprintf("checks.%s.%s", c.name, c.word), text: redacted, secret: s.value, effect: InPlace})
	return check.Secret(s.value.Bytes())
}

// endpoint reads an address and a port. A port of 0 means that one must be
// given.
func (o object) endpoint(name string, port uint16) check.Endpoint {
	x := o.text(name)
	if x.from == absent && !o.wrong {
		o.rd.add(ruleMissing, o.at, "add "+name+": 192.0.2.1:80", "%s has no %s", nameOf(o.path), name)
	}
	if !x.set() {
		return check.Endpoint{}
	}
	if x.v == backendHost {
		return check.Endpoint{Host: backendHost}
	}
	e, err := check.ParseEndpoint(x.v, port)
	if err != nil {
		o.rd.add(ruleCheck, x.at, "", "%s", printable(err.Error()))
	}
	return e
}

// required reads a text that must be there.
func (o object) required(name string) val[string] {
	x := o.text(name)
	if x.from == absent && !o.wrong {
		o.rd.add(ruleMissing, o.at, "add "+name+": …", "%s has no %s", nameOf(o.path), name)
	}
	return x
}

// via reads the way that the packets take.
func (o object) via() check.Via {
	return check.Via{Source: o.addr("source"), Device: o.form("device", ruleName, badInterface).v, Mark: uint32(o.integer("mark").v)}
}

// addr reads one address; a zone may be in it.
func (o object) addr(name string) netip.Addr {
	x := o.text(name)
	if !x.set() {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(x.v)
	if err != nil {
		o.rd.add(ruleAddress, x.at, "", "%s must be an address, not %q", name, cut(x.v))
	}
	return a
}

// tls begins reading the keys of TLS.
func (o object) tls() object {
	_, n, at := o.key("tls")
	return o.rd.object(n, tlsPath, at)
}

func (o object) secure() check.Secure {
	s := check.Secure{
		Name: o.text("name").v, Verify: o.boolean("verify").v, CA: o.form("ca", rulePath, badPath).v,
		Cert: o.form("cert", rulePath, badPath).v, Key: o.form("key", rulePath, badPath).v,
		MinDays: o.integer("min_days").v, WarnDays: o.integer("warn_days").v,
	}
	for _, p := range o.names("alpn") {
		s.ALPN = append(s.ALPN, p.v)
	}
	return s
}

// optionalSecure is nil where TLS is not spoken.
func (o object) optionalSecure() *check.Secure {
	s := o.tls().secure()
	if !o.has("tls") {
		return nil
	}
	return &s
}

// pattern reads what must be in an answer.
func (o object) pattern(name string) check.Pattern {
	k, n, at := o.key(name)
	switch {
	case n == nil:
		return check.Pattern{}
	case n.kind == scalarNode:
		return check.Pattern{Form: check.Contains, Text: n.text}
	}
	forms := map[string]check.PatternForm{"contains": check.Contains, "regexp": check.Regexp, "hex": check.Hex}
	if n.kind == mapNode && len(n.entries) == 1 && n.entries[0].value.kind == scalarNode {
		if form, ok := forms[n.entries[0].key.text]; ok {
			return check.Pattern{Form: form, Text: n.entries[0].value.text}
		}
	}
	o.rd.add(ruleType, at, fmt.Sprintf("write %s: TEXT, or %s: {regexp: …}, or %s: {hex: …}", name, name, name), "%s must be %s", name, k.kind)
	return check.Pattern{}
}

// bytes reads what is sent; nil where there is none.
func (o object) bytes(name string) []byte {
	k, n, at := o.key(name)
	switch {
	case n == nil:
		return nil
	case n.kind == scalarNode:
		return []byte(n.text)
	case n.kind == mapNode && len(n.entries) == 1 && n.entries[0].key.text == "hex" && n.entries[0].value.kind == scalarNode:
		b, err := check.ParseBytes(n.entries[0].value.text)
		if err != nil {
			o.rd.add(ruleCheck, n.entries[0].value.span, "", "%s", printable(err.Error()))
		}
		return b
	}
	o.rd.add(ruleType, at, fmt.Sprintf("write %s: TEXT or %s: {hex: …}", name, name), "%s must be %s", name, k.kind)
	return nil
}
