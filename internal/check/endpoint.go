package check

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Endpoint is where a probe connects: an address literal, with a zone where it
// is link-local ("fe80::1%eth0"), or a name, and a port.
//
// An address is better: a name is asked for at every look, within the look's
// timeout, so that the check is down when the resolver is.
type Endpoint struct {
	Host string
	Port uint16
}

// String is the form that ParseEndpoint reads.
func (e Endpoint) String() string {
	host := e.Host
	if strings.ContainsRune(host, ':') {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(int(e.Port))
}

// ParseEndpoint reads "192.0.2.1:80", "[2001:db8::1]:80", "name:80". Where
// port is not 0 it is the default: an address alone is enough then.
func ParseEndpoint(s string, port uint16) (Endpoint, error) {
	host, digits, given, err := splitEndpoint(s)
	if err != nil {
		return Endpoint{}, err
	}
	e := Endpoint{Host: host, Port: port}
	if given {
		n, err := strconv.ParseUint(digits, 10, 16)
		if err != nil || n == 0 {
			return Endpoint{}, fmt.Errorf("%q is no port: 1 to 65535", digits)
		}
		e.Port = uint16(n)
	}
	if e.Port == 0 {
		return Endpoint{}, errors.New("the port is missing: write " + Endpoint{Host: host, Port: 80}.String() + " with the port you mean")
	}
	return e, checkHost(host)
}

// splitEndpoint finds the port, without judging it. An IPv6 address without
// brackets has none.
func splitEndpoint(s string) (host, port string, given bool, err error) {
	if rest, ok := strings.CutPrefix(s, "["); ok {
		host, after, closed := strings.Cut(rest, "]")
		if !closed {
			return "", "", false, errors.New("the ] after the address is missing")
		}
		if a, err := netip.ParseAddr(host); err != nil || !a.Is6() {
			return "", "", false, fmt.Errorf("%q in brackets is no IPv6 address", host)
		}
		if after == "" {
			return host, "", false, nil
		}
		port, given = strings.CutPrefix(after, ":")
		if !given {
			return "", "", false, fmt.Errorf("%q after the address is no port", after)
		}
		return host, port, true, nil
	}
	if strings.Count(s, ":") != 1 {
		return s, "", false, nil
	}
	host, port, _ = strings.Cut(s, ":")
	return host, port, true, nil
}

// checkHost says what is wrong with an address or a name. Names are those of
// RFC 1123 §2.1, with the underscore that internal names like to have.
func checkHost(host string) error {
	if host == "" {
		return errors.New("the address is missing")
	}
	if a, err := netip.ParseAddr(host); err == nil {
		switch {
		case a.IsMulticast():
			return fmt.Errorf("%s is a multicast address: many would answer, or none", a)
		case a.IsUnspecified():
			return fmt.Errorf("%s is no address to connect to: did you mean 127.0.0.1 or ::1?", a)
		case a.Is6() && a.IsLinkLocalUnicast() && a.Zone() == "":
			return fmt.Errorf("%s is link-local: say on which interface, as in %s%%eth0", a, a)
		}
		return nil
	}
	if strings.ContainsAny(host, ":%") {
		return fmt.Errorf("%q is no address", host)
	}
	if len(host) > 253 {
		return errors.New("a name has at most 253 characters")
	}
	digits := true
	for label := range strings.SplitSeq(strings.TrimSuffix(host, "."), ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return fmt.Errorf("%q is neither an address nor a name", host)
		}
		for _, c := range []byte(label) {
			switch {
			case c >= '0' && c <= '9':
			case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_':
				digits = false
			default:
				return fmt.Errorf("%q is neither an address nor a name", host)
			}
		}
	}
	// "10.0.0" and "192.0.2.256" are slips, not names.
	if digits {
		return fmt.Errorf("%q is no address", host)
	}
	return nil
}

// problems says what is wrong with an endpoint that was not read by ParseEndpoint.
func (e Endpoint) problems(field string) []Problem {
	var found problems
	if err := checkHost(e.Host); err != nil {
		found.say(field, "", "%s", err)
	}
	if e.Port == 0 {
		found.say(field, "write ADDRESS:PORT", "the port is missing")
	}
	return found
}

// problems says what cannot be bound to, and what does not fit the address that
// is looked at.
func (v Via) problems(host string) []Problem {
	var found problems
	to, err := netip.ParseAddr(host)
	if v.Source.IsValid() && err == nil && v.Source.Unmap().Is4() != to.Unmap().Is4() {
		found.say("source", "give one of the same family", "%s cannot be the source of what goes to %s", v.Source, to)
	}
	if v.Source.IsValid() && v.Source.IsMulticast() {
		found.say("source", "", "%s is a multicast address", v.Source)
	}
	if v.Device != "" && !linkName(v.Device) {
		found.say("device", "interfaces have names of up to 15 characters", "%q is no name of an interface", v.Device)
	}
	return found
}
