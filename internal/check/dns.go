package check

import (
	"fmt"
	"strings"
)

// DNS asks a name server and looks at the answer's code and records.
//
//	dns: 10.0.0.53
//	dns: {address: 10.0.0.53, name: www.example.org, type: A, answer: 192.0.2.10, network: tcp}
type DNS struct {
	To   Endpoint // default port 53
	Name string   // of the question; default "." (keepalived's, too)
	Type string   // in capitals: "A", "SOA"; default SOA
	// RCode is the code that the answer must have, in capitals; default
	// NOERROR. NXDOMAIN may be what is wanted, of a filter.
	RCode string
	// Answer must be in the data of some record of Type in the answer, as in a
	// zone file: "192.0.2.1", "mail.example.org." "": not looked at. The zero
	// value takes an answer without records, too (a name that exists, but has
	// none of the type).
	Answer  Pattern
	Network DNSNetwork
	// Iterative does not ask for recursion: of an authoritative server.
	Iterative bool
	Via       Via
}

// DNSNetwork is how the question travels.
type DNSNetwork uint8

const (
	DNSUDP DNSNetwork = iota // and again by TCP where the answer was cut (RFC 7766 §5)
	DNSTCP
)

// String is the word of the file.
func (n DNSNetwork) String() string { return [...]string{"udp", "tcp"}[n] }

// DefaultDNS asks for the start of authority of the root.
func DefaultDNS() DNS { return DNS{Name: ".", Type: "SOA", RCode: "NOERROR"} }

// DNSTypes are the record types that can be asked for. RFC 1035 §3.2.2 and
// what came later.
func DNSTypes() []string {
	return []string{"A", "AAAA", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SRV", "SVCB", "TLSA", "TXT"}
}

// DNSCodes are the codes that can be wanted: RFC 1035 §4.1.1, RFC 2136 §2.2.
func DNSCodes() []string {
	return []string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"}
}

// Word implements Kind.
func (DNS) Word() string { return "dns" }

// Target implements Kind.
func (d DNS) Target() string { return d.To.String() + " " + d.Name + " " + d.Type }

// Problems says what is wrong.
func (d DNS) Problems() []Problem {
	var found problems
	found.below("", d.To.problems("address"))
	if why := wrongQuestion(d.Name); why != "" {
		found.say("name", "", "%s", why)
	}
	found.oneOf("type", d.Type, DNSTypes())
	found.oneOf("rcode", d.RCode, DNSCodes())
	found.below("answer", d.Answer.Problems())
	if d.Answer.Form == Hex {
		found.say("answer", "use contains: or regexp:", "records are compared as text")
	}
	if d.Answer != (Pattern{}) && d.RCode == "NXDOMAIN" {
		found.say("answer", "remove it", "a name that does not exist has no records")
	}
	found.below("", d.Via.problems(d.To.Host))
	return found
}

// wrongQuestion: RFC 1035 §2.3.4. Every byte is allowed in a label (RFC 2181
// §11), but blanks and what is not ASCII are slips.
func wrongQuestion(name string) string {
	if name == "" {
		return `the name is empty: write "." for the root`
	}
	if len(name) > 254 || len(name) == 254 && !strings.HasSuffix(name, ".") {
		return "a name has at most 253 characters"
	}
	if name == "." {
		return ""
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if label == "" || len(label) > 63 {
			return fmt.Sprintf("%q is no name: labels have 1 to 63 characters", name)
		}
		if strings.ContainsFunc(label, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' || r == '"' }) {
			return fmt.Sprintf("%q is no name: letters, digits, - and _", name)
		}
	}
	return ""
}
