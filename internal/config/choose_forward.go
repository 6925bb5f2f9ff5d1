package config

import "slices"

// chooseForward is what forward: auto comes to. Full NAT asks nothing of the
// network and of backends, and its connections survive a move of the address;
// a proxy can what it cannot.
func (c *checker) chooseForward(s *rawService) {
	if s.forward.v != autoForward {
		return
	}
	s.forward.v, s.why = "proxy", c.needsProxy(s)
	if s.why == "" {
		s.forward.v, s.why = "full-nat", "the kernel can, and connections survive a move of the address"
	}
}

// needsProxy says what of a service the kernel cannot do; empty: nothing.
func (c *checker) needsProxy(s *rawService) string {
	if s.proxied {
		return "the file has settings of a proxy for it"
	}
	if c.facts.NoKernel != "" {
		return "the kernel cannot here: " + c.facts.NoKernel
	}
	if served := c.facts.Forwards; served != nil && !slices.Contains(served, "full-nat") {
		return "this version serves nothing else"
	}
	if len(s.listen) == 0 {
		return ""
	}
	four := s.listen[0].v.Addr().Is4()
	for _, l := range s.listen {
		if l.v.Addr().Is4() != four {
			return "it listens on IPv4 and on IPv6"
		}
	}
	for _, b := range s.backends {
		switch a := b.address.v.Addr(); {
		case !b.address.set():
		case a.Is4() != four:
			return "a backend is of another family than the service"
		case a.IsLoopback():
			return "a backend is this machine itself"
		}
	}
	return ""
}
