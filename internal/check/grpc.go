package check

import "strings"

// GRPC asks a server by the standard health protocol, grpc.health.v1: it is up
// when the answer is SERVING.
//
//	grpc: 10.0.0.11:50051
//	grpc: {address: 10.0.0.11:50051, service: shop.Cart, tls: {ca: /etc/holdfast/ca.pem}}
type GRPC struct {
	To      Endpoint
	Service string // asked for; "": the whole server
	// Authority is the :authority of the request; "": Secure.Name, or the
	// host and port.
	Authority string
	Secure    *Secure // nil: plain
	Via       Via
}

// Word implements Kind.
func (GRPC) Word() string { return "grpc" }

// Target implements Kind.
func (g GRPC) Target() string {
	if g.Service == "" {
		return g.To.String()
	}
	return g.To.String() + " " + g.Service
}

// Problems says what is wrong.
func (g GRPC) Problems() []Problem {
	var found problems
	found.below("", g.To.problems("address"))
	if len(g.Service) > 1024 || strings.ContainsFunc(g.Service, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		found.say("service", "", "%q is no name of a service", g.Service)
	}
	if strings.ContainsFunc(g.Authority, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '/' }) {
		found.say("authority", "", "%q is no name of a host", g.Authority)
	}
	if g.Secure != nil {
		if len(g.Secure.ALPN) > 0 {
			found.say("tls.alpn", "remove it", "gRPC speaks h2 only")
		}
		found.below("tls", g.Secure.Problems())
	}
	found.below("", g.Via.problems(g.To.Host))
	return found
}
