package check

import "net/netip"

// Address looks for an address on this machine. One that is tentative, or
// whose duplicate was found (RFC 4862 §5.4), is not there.
//
//	address: 10.0.0.1
//	address: {is: 2001:db8::1, dev: lo}
type Address struct {
	// Is is the address.
	Is netip.Addr
	// Dev is the interface that it must be on. Empty: any.
	Dev string
}

// Word is the kind's key in the file.
func (Address) Word() string { return "address" }

// Target is the address.
func (x Address) Target() string { return x.Is.String() }

// Problems says what is wrong. Fields: is, dev.
func (x Address) Problems() []Problem {
	var p problems
	p.add(!x.Is.IsValid(), "is", "for example address: 10.0.0.1", "there is no address")
	p.add(x.Dev != "" && !linkName(x.Dev), "dev", "", "%q cannot be the name of an interface", x.Dev)
	return p
}
