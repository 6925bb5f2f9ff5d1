package check

import "fmt"

// TLS is up when a TLS handshake is finished and the certificate is as wanted.
// With TLS 1.3 a server that demands a client's certificate says so only after
// that: use http or script to see that it lets the client in.
//
//	tls: 10.0.0.11:443
//	tls: {address: 10.0.0.11:443, name: www.example.org, ca: /etc/holdfast/ca.pem, min_days: 3, warn_days: 14}
type TLS struct {
	To     Endpoint
	Secure Secure
	Via    Via
}

// Word implements Kind.
func (TLS) Word() string { return "tls" }

// Target implements Kind.
func (t TLS) Target() string { return t.To.String() }

// Problems says what is wrong.
func (t TLS) Problems() []Problem {
	var found problems
	found.below("", t.To.problems("address"))
	found.below("", t.Secure.Problems())
	found.below("", t.Via.problems(t.To.Host))
	return found
}

// Secure is how TLS is spoken. Files are read when the check starts and at
// every reload.
type Secure struct {
	// Name is sent as SNI and must be in the certificate. "": the host that is
	// connected to; an address is not sent (RFC 6066 §3), but it must be in
	// the certificate all the same.
	Name string
	// Verify tells whether the chain and the name are checked. Default true.
	// The days to expiry are looked at in either case.
	Verify bool
	CA     string // file of PEM certificates to trust; "": those of the system
	Cert   string // file of the client's PEM certificate, leaf first; "": none
	Key    string // file of its PEM key; "": the key is in Cert
	// ALPN are the protocols offered, best first. The server must take one of
	// them where any is given. HTTP and gRPC set their own.
	ALPN []string
	// MinDays is for how many days the certificate (and what it hangs on)
	// must still be good. Default 0: it has not expired.
	MinDays int
	// WarnDays warns where less is left. Default 0: no warning.
	WarnDays int
}

// DefaultSecure is TLS as a browser speaks it.
func DefaultSecure() Secure { return Secure{Verify: true} }

// Problems says what is wrong.
func (s Secure) Problems() []Problem {
	var found problems
	if s.Name != "" {
		if err := checkHost(s.Name); err != nil {
			found.say("name", "", "%s", err)
		}
	}
	if s.Key != "" && s.Cert == "" {
		found.say("key", "give cert: FILE, too", "there is a key, but no certificate")
	}
	if !s.Verify && s.CA != "" {
		found.say("ca", "remove one of them", "nothing is verified, so there is nothing to trust")
	}
	for i, p := range s.ALPN {
		if p == "" || len(p) > 255 {
			found.say(fmt.Sprintf("alpn.%d", i+1), "", "a protocol's name has 1 to 255 characters")
		}
	}
	const most = 36500
	if s.MinDays < 0 || s.MinDays > most {
		found.say("min_days", "", "%d days: 0 to %d", s.MinDays, most)
	}
	if s.WarnDays != 0 && (s.WarnDays <= s.MinDays || s.WarnDays > most) {
		found.say("warn_days", "", "%d days: a warning must come before the failure at %d days", s.WarnDays, s.MinDays)
	}
	return found
}
