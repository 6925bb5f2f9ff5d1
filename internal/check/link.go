package check

import (
	"path"
	"strings"
)

// Link looks at network interfaces: fit is one that is up, has carrier, and is
// as fast and takes as large packets as asked.
//
//	link: eth1
//	link: {name: "bond*", min: 2, speed: 10000, mtu: 9000}
type Link struct {
	// Name of the interface; with "*", "?" and "[a-z]" a pattern for several.
	Name string
	// Min is how many of the interfaces that the pattern names must be fit.
	// Default 1.
	Min int
	// NoCarrier takes an interface that is set up, without asking for carrier:
	// for dummies, tunnels and bridges without ports.
	NoCarrier bool
	// Speed is the least speed in Mbit/s. 0: any. An interface that does not
	// tell its speed (a tunnel, a virtual one) is not fit for a bound.
	Speed int
	// MTU is the least MTU in bytes. 0: any.
	MTU int
}

// maxLinkName is IFNAMSIZ less the zero that ends it.
const maxLinkName = 15

// Word is the kind's key in the file.
func (Link) Word() string { return "link" }

// Target is the interface, or the pattern.
func (x Link) Target() string { return x.Name }

// Problems says what is wrong. Fields: name, min, speed, mtu.
func (x Link) Problems() []Problem {
	var p problems
	_, err := path.Match(x.Name, "eth0")
	switch {
	case x.Name == "":
		p.add(true, "name", "for example link: eth1", "there is no interface")
	case err != nil:
		p.add(true, "name", "for example bond*", "%q is no pattern", x.Name)
	default:
		p.add(!x.Pattern() && !linkName(x.Name), "name", "", "%q cannot be the name of an interface", x.Name)
	}
	p.add(x.Min < 1, "min", "", "min %d is below 1", x.Min)
	p.add(x.Min > 1 && !x.Pattern(), "min", "write a pattern: name: bond*", "there is one %s at most, not %d", x.Name, x.Min)
	p.add(x.Speed < 0, "speed", "", "speed %d is negative", x.Speed)
	p.add(x.MTU < 0, "mtu", "", "mtu %d is negative", x.MTU)
	return p
}

// Pattern tells whether the name stands for several interfaces.
func (x Link) Pattern() bool { return strings.ContainsAny(x.Name, `*?[\`) }

// linkName tells whether the kernel would take a name (dev_valid_name).
func linkName(s string) bool {
	return s != "" && len(s) <= maxLinkName && s != "." && s != ".." && !strings.ContainsAny(s, "/: \t\n\v\f\r\x00")
}
