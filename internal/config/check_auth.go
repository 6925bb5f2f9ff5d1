package config

// auth checks how adverts are authenticated.
func (c *checker) auth(g *rawGroup) {
	v := g.vrrp
	a := v.auth
	if a.pass != nil && a.hmac != nil {
		c.add(ruleTwoAuths, a.at, "hmac is the one that keeps attackers out; it works with version 2 and 3", "auth has both hmac and pass")
	}
	if a.pass != nil && v.version.good() && v.version.v == 3 {
		// RFC 9568 §9: version 3 has no authentication field.
		c.add(rulePassVersion, a.pass.at, "use hmac, or version: 2", "version 3 has no passwords")
	}
	if a.hmac == nil || len(a.hmac.keys) == 0 {
		return
	}
	h := a.hmac
	switch {
	case h.active.from == absent && len(h.keys) > 1:
		c.add(ruleActiveKey, h.at, "add active: and the id of one of the keys", "there are several keys and none is said to be active")
	case h.active.set() && !h.hasKey(h.active.v):
		c.add(ruleActiveKey, h.active.at, "", "key %d is active, but there is no key %d", h.active.v, h.active.v)
	}
}

func (h *rawHMAC) hasKey(id int) bool {
	for _, k := range h.keys {
		if k.id.v == id || k.id.from == wrong {
			return true
		}
	}
	return false
}
