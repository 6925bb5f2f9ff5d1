package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/holdfast-net/holdfast/internal/check"
)

// resolver is up when a name server answers as wanted.
type resolver struct {
	kind    check.DNS
	answer  check.Matcher
	name    string
	qtype   uint16
	dialer  *dialer
	address string
}

func newDNS(k check.DNS) (*resolver, error) {
	answer, err := k.Answer.Compile()
	if err != nil {
		return nil, err
	}
	qtype, ok := dns.StringToType[k.Type]
	if !ok {
		return nil, fmt.Errorf("there is no type %q", k.Type)
	}
	return &resolver{
		kind: k, answer: answer, name: dns.Fqdn(k.Name), qtype: qtype,
		dialer: newDialer(k.Via, weBegin), address: k.To.String(),
	}, nil
}

// Try implements check.Probe.
func (p *resolver) Try(ctx context.Context) check.Seen {
	start := time.Now()
	wanted := p.kind.RCode
	if p.kind.Answer.Form != check.NoPattern {
		wanted += " with " + p.kind.Answer.String()
	}
	network := "udp"
	if p.kind.Network == check.DNSTCP {
		network = "tcp"
	}
	reply, err := p.ask(ctx, network)
	if err == nil && reply.Truncated && network == "udp" {
		// RFC 7766 §5: what does not fit into a datagram is asked for again.
		reply, err = p.ask(ctx, "tcp")
	}
	if err != nil {
		return failed(start, err, wanted)
	}
	return judgeDNS(reply, p.qtype, p.kind.RCode, &p.answer, p.kind.Answer, took(start), wanted)
}

// payload is what fits into a datagram everywhere (the DNS flag day of 2020).
const payload = 1232

// maxStrays is how many datagrams that answer something else are read.
const maxStrays = 16

// ask puts the question once.
func (p *resolver) ask(ctx context.Context, network string) (*dns.Msg, error) {
	conn, release, err := p.dialer.dial(ctx, network, p.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer release()
	q := new(dns.Msg)
	q.SetQuestion(p.name, p.qtype) // with a random ID
	q.RecursionDesired = !p.kind.Iterative
	q.SetEdns0(payload, false)
	c := &dns.Conn{Conn: conn, UDPSize: payload}
	if err := c.WriteMsg(q); err != nil {
		return nil, err
	}
	for range maxStrays {
		reply, err := c.ReadMsg()
		if err != nil && !isTimeout(err) && reply != nil && errors.As(err, new(*dns.Error)) {
			return nil, errors.New("an answer that cannot be read")
		}
		if err != nil {
			return nil, err
		}
		if answers(reply, q) {
			return reply, nil
		}
		if network == "tcp" {
			break
		}
	}
	return nil, errors.New("answers to something else")
}

// answers tells whether a message is the reply to a question (RFC 5452 §9.1).
// A server that could not read the question may leave it out.
func answers(reply, q *dns.Msg) bool {
	if !reply.Response || reply.Id != q.Id {
		return false
	}
	if len(reply.Question) == 0 {
		return reply.Rcode != dns.RcodeSuccess
	}
	r, asked := reply.Question[0], q.Question[0]
	return len(reply.Question) == 1 && r.Qtype == asked.Qtype && r.Qclass == asked.Qclass && strings.EqualFold(r.Name, asked.Name)
}

// judgeDNS compares an answer with what is wanted.
func judgeDNS(reply *dns.Msg, qtype uint16, rcode string, answer *check.Matcher, pattern check.Pattern, time, wanted string) check.Seen {
	code, ok := dns.RcodeToString[reply.Rcode]
	if !ok {
		code = fmt.Sprintf("RCODE%d", reply.Rcode)
	}
	data := dataOf(reply.Answer, qtype)
	text := code + " in " + time
	if len(data) > 0 {
		text = code + ", " + oneLine(strings.Join(data, ", ")) + " in " + time
	}
	found := slices.ContainsFunc(data, func(d string) bool { return answer.Match([]byte(d)) == check.Found })
	if code != rcode || pattern.Form != check.NoPattern && !found {
		return check.Failed(text + ", wanted " + wanted)
	}
	return check.Passed(text)
}

// dataOf is the data of the records of a type, as in a zone file. Other types
// are what led there (CNAME) or came along (RRSIG).
func dataOf(records []dns.RR, qtype uint16) []string {
	var data []string
	for _, rr := range records {
		if rr.Header().Rrtype == qtype {
			data = append(data, strings.TrimPrefix(rr.String(), rr.Header().String()))
		}
	}
	return data
}
