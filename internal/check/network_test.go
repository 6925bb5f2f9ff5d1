package check

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseStatusSet(t *testing.T) {
	for _, c := range []struct {
		text string
		want StatusSet
	}{
		{"200", StatusSet{{200, 200}}},
		{"200-299,302", StatusSet{{200, 299}, {302, 302}}},
		{" 200 , 301 - 308 ", StatusSet{{200, 200}, {301, 308}}},
		{"2xx,4XX", StatusSet{{200, 299}, {400, 499}}},
		{"", nil},
		{"200,", nil},
		{"99", nil},
		{"1000", nil},
		{"299-200", nil},
		{"ok", nil},
		{"+20", nil},
		{"0xx", nil},
		{"200-", nil},
	} {
		got, err := ParseStatusSet(c.text)
		if diff := cmp.Diff(c.want, got); diff != "" || (err == nil) != (c.want != nil) {
			t.Errorf("%q: %v, %v", c.text, got, err)
		}
	}
	s, _ := ParseStatusSet("200-299,302")
	for code, want := range map[int]bool{199: false, 200: true, 299: true, 300: false, 302: true, 0: false} {
		if s.Has(code) != want {
			t.Errorf("%s has %d: %v", s, code, !want)
		}
	}
}

func TestParseEndpoint(t *testing.T) {
	for _, c := range []struct {
		text string
		port uint16
		want Endpoint
	}{
		{"192.0.2.1:80", 0, Endpoint{"192.0.2.1", 80}},
		{"[2001:db8::1]:80", 0, Endpoint{"2001:db8::1", 80}},
		{"2001:db8::1", 53, Endpoint{"2001:db8::1", 53}},
		{"[fe80::1%eth0]:80", 0, Endpoint{"fe80::1%eth0", 80}},
		{"db.example.org:5432", 0, Endpoint{"db.example.org", 5432}},
		{"localhost", 53, Endpoint{"localhost", 53}},
	} {
		got, err := ParseEndpoint(c.text, c.port)
		if err != nil || got != c.want {
			t.Errorf("%q: %v, %v", c.text, got, err)
		}
	}
	for _, text := range []string{
		"", ":80", "192.0.2.1", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.256:80", "10.0.0:80", "0.0.0.0:80", "[::]:80",
		"224.0.0.1:80", "[fe80::1]:80", "[192.0.2.1]:80", "[2001:db8::1", "[2001:db8::1]x", "-x:80", "a..b:80", "a b:80", "http://x:80", "x/y:80",
	} {
		if got, err := ParseEndpoint(text, 0); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		pattern Pattern
		data    string
		want    Match
	}{
		{Pattern{}, "", Found},
		{Pattern{Contains, "ok"}, "it is ok", Found},
		{Pattern{Contains, "ok"}, "it is o", NotYet},
		{Pattern{Regexp, "^220 "}, "220 mx", Found},
		{Pattern{Regexp, "^220 "}, "421 mx", NotYet},
		{Pattern{Hex, "00 0a"}, "\x00", NotYet},
		{Pattern{Hex, "00 0a"}, "\x00\x0a", Found},
		{Pattern{Hex, "00 0a"}, "\x00\x0b", NeverFound},
		{Pattern{Hex, "?? 1?"}, "\xff\x1f", Found},
		{Pattern{Hex, "?? 1?"}, "\xff\x2f", NeverFound},
	} {
		m, err := c.pattern.Compile()
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Match([]byte(c.data)); got != c.want {
			t.Errorf("%s in %q: %d, wanted %d", c.pattern, c.data, got, c.want)
		}
	}
	for _, p := range []Pattern{{Contains, ""}, {Regexp, "("}, {Hex, "0"}, {Hex, "0 0"}, {Hex, "gg"}, {Hex, "  "}, {Contains, strings.Repeat("x", maxPattern+1)}, {9, "x"}} {
		if len(p.Problems()) == 0 {
			t.Errorf("%v is taken for a pattern", p)
		}
	}
	if b, err := ParseBytes("de ad BE EF"); err != nil || string(b) != "\xde\xad\xbe\xef" {
		t.Errorf("%x, %v", b, err)
	}
	if _, err := ParseBytes("d?"); err == nil {
		t.Error("any byte cannot be sent")
	}
}

// TestProblems names the field of everything that is wrong.
func TestProblems(t *testing.T) {
	to := Endpoint{"192.0.2.1", 80}
	http := DefaultHTTP()
	http.URLs = []string{"http://192.0.2.1/"}
	with := func(change func(*HTTP)) HTTP {
		k := http
		change(&k)
		return k
	}
	postgres := DefaultPostgres()
	postgres.To = to
	dns := DefaultDNS()
	dns.To = to
	ping := DefaultPing()
	ping.Host = "192.0.2.1"
	step := Step{Send: "x", Expect: Pattern{Contains, "y"}}
	script := Script{To: to, Steps: []Step{step}, MaxRead: 1}
	for _, c := range []struct {
		kind interface{ Problems() []Problem }
		want []string
	}{
		{TCP{To: to}, nil},
		{TCP{}, []string{"address", "address"}},
		{TCP{To: to, Via: Via{Source: netip.MustParseAddr("::1"), Device: "a/b"}}, []string{"source", "device"}},
		{TLS{To: to, Secure: DefaultSecure()}, nil},
		{TLS{To: to, Secure: Secure{Name: "a b", Key: "k", CA: "c", ALPN: []string{""}, MinDays: -1, WarnDays: -2}}, []string{"name", "key", "ca", "alpn.1", "min_days", "warn_days"}},
		{http, nil},
		{with(func(k *HTTP) { k.URLs = nil }), []string{"url"}},
		{with(func(k *HTTP) { k.URLs = []string{"http://192.0.2.1/", "ftp://x/"} }), []string{"urls.2"}},
		{with(func(k *HTTP) { k.URLs = []string{"http://u:secret@192.0.2.1:0/#x"} }), []string{"url", "url", "url"}},
		{with(func(k *HTTP) { k.Method, k.Host, k.Status = "G T", "a b", nil }), []string{"method", "host", "status"}},
		{with(func(k *HTTP) { k.Method, k.Expect = "HEAD", Pattern{Contains, "x"} }), []string{"expect"}},
		{with(func(k *HTTP) { k.MaxBody, k.Redirects, k.KeepAlive, k.Version = -1, 99, true, HTTP2 }), []string{"max_body", "redirects", "keep_alive"}},
		{with(func(k *HTTP) { k.Headers = []Header{{"Host", "x"}, {"a b", ""}, {"X", "a\nb"}, {"Connection", "x"}} }), []string{"headers.Host", "headers", "headers.X", "headers.Connection"}},
		{with(func(k *HTTP) { k.Secure.ALPN, k.Secure.Name = []string{"h2"}, "-" }), []string{"tls.alpn", "tls.name"}},
		{script, nil},
		{Script{To: to, MaxRead: 1}, []string{"steps"}},
		{Script{To: to, Steps: []Step{step, {}, {Send: "x", Fail: Pattern{Regexp, "("}}}, Secure: &Secure{Key: "k"}}, []string{"steps.2", "steps.3.fail", "steps.3.fail", "max_read", "tls.key"}},
		{postgres, nil},
		{Postgres{To: to, SSLMode: "maybe", MaxLag: 1, Role: Primary, Value: "1"}, []string{"user", "database", "sslmode", "max_lag", "value"}},
		{dns, nil},
		{DNS{To: to, Name: "a..b", Type: "X", RCode: "FINE", Answer: Pattern{Hex, "00"}}, []string{"name", "type", "rcode", "answer"}},
		{UDP{To: to}, nil},
		{UDP{To: to, Silence: SilencePasses, Expect: Pattern{Hex, "x"}}, []string{"expect", "listen"}},
		{ping, nil},
		{Ping{Host: "fe80::1", Count: 2, MaxLoss: 100}, []string{"host", "spacing", "max_loss", "size"}},
		{GRPC{To: to}, nil},
		{GRPC{To: to, Service: "a\n", Authority: "a b", Secure: &Secure{ALPN: []string{"h2"}}}, []string{"service", "authority", "tls.alpn"}},
	} {
		var got []string
		for _, p := range c.kind.Problems() {
			got = append(got, p.Field)
			if strings.Contains(p.Text+p.Hint, "secret") {
				t.Errorf("a secret in %+v", p)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%T: %v, wanted %v", c.kind, c.kind.Problems(), c.want)
		}
	}
}

func TestPresets_HaveNoProblems(t *testing.T) {
	for _, word := range Presets() {
		s, err := Preset(word, Login{})
		if err != nil {
			t.Fatal(err)
		}
		s.To = Endpoint{"192.0.2.1", PresetPort(word)}
		if found := s.Problems(); len(found) > 0 {
			t.Errorf("%s: %v", word, found)
		}
	}
	for _, c := range []struct {
		word string
		who  Login
	}{{"ldap", Login{}}, {"smtp", Login{User: "a\r\nQUIT"}}, {"smtp", Login{Password: "x"}}, {"mysql", Login{User: "x"}}} {
		if _, err := Preset(c.word, c.who); err == nil {
			t.Errorf("%s %v is a preset", c.word, c.who)
		}
	}
}

func FuzzParseStatusSet(f *testing.F) {
	for _, s := range []string{"200", "200-299,302", "2xx", " 1 - 2", ","} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		set, err := ParseStatusSet(s)
		if err != nil {
			return
		}
		if found := set.problems(); len(found) > 0 {
			t.Errorf("%q has problems: %v", s, found)
		}
		again, err := ParseStatusSet(set.String())
		if err != nil || !slices.Equal(set, again) {
			t.Errorf("%q is %s, and that is %v, %v", s, set, again, err)
		}
	})
}

func FuzzParseEndpoint(f *testing.F) {
	for _, s := range []string{"192.0.2.1:80", "[2001:db8::1]:80", "x", "[", "a:b:c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := ParseEndpoint(s, 1)
		if err != nil {
			return
		}
		if again, err := ParseEndpoint(e.String(), 0); err != nil || again != e {
			t.Errorf("%q is %v, and that is %v, %v", s, e, again, err)
		}
		if found := e.problems("address"); len(found) > 0 {
			t.Errorf("%q has problems: %v", s, found)
		}
	})
}

// FuzzPattern: what has been found stays found, and what is lost stays lost,
// however an answer is cut into pieces.
func FuzzPattern(f *testing.F) {
	f.Add(uint8(Contains), "ok", []byte("it is ok"))
	f.Add(uint8(Regexp), "^2[0-9]+ ", []byte("220 mx"))
	f.Add(uint8(Hex), "?? 1? 00", []byte("\x01\x12\x00"))
	f.Fuzz(func(t *testing.T, form uint8, text string, data []byte) {
		p := Pattern{PatternForm(form % 4), text}
		m, err := p.Compile()
		if err != nil {
			return
		}
		if p.Form == Regexp && strings.ContainsAny(text, "$zbB") {
			return // these look at what comes after
		}
		if p.Form == Regexp && slices.ContainsFunc(data, func(b byte) bool { return b >= 0x80 }) {
			return // and half a character is another one
		}
		last := NotYet
		for i := range min(len(data), 200) + 1 {
			got := m.Match(data[:i])
			if last != NotYet && got != last {
				t.Fatalf("%s in %q: %d, and then %d", p, data[:i], last, got)
			}
			last = got
		}
	})
}
