package vrrp

import "crypto/subtle"

// Authentication types of version 2. RFC 3768 §5.3.6 keeps 1 and 2 reserved
// for what RFC 2338 said of them. Type 2, the IP Authentication Header, never
// reached routers and is not spoken here.
const (
	authNone = 0
	authPass = 1 // RFC 2338 §5.3.6.2: a password in clear text; guards against mistakes only
)

// password is a PASS as it is sent: padded with zeros.
type password [authDataLen]byte

// checkPass compares the version 2 authentication of a message with ours.
// A sender without a password also fills the field with zeros (RFC 3768
// §5.3.10), but what it holds then is ignored.
func (r *Router) checkPass(m *message) Drop {
	switch {
	case m.authType != r.authType():
		return DropAuthType
	case m.authType == authPass && subtle.ConstantTimeCompare(m.auth, r.pass[:]) == 0:
		return DropAuthFailed
	}
	return DropNone
}

func (r *Router) authType() uint8 {
	if r.cfg.Pass != "" {
		return authPass
	}
	return authNone
}
