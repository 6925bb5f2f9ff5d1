package vrrp

// Drop is why a packet was discarded; DropNone means accepted.
// The order is the order of the checks: RFC 9568 §7.1 and errata 8298-8301,
// then what unicast, authentication and RFC 3768 §7.1 add.
type Drop uint8

const (
	DropNone         Drop = iota
	DropFamily            // carried by the other IP version
	DropTTL               // TTL or hop limit below what is demanded
	DropCARP              // a CARP message: it shares VRRP's protocol number
	DropVersion           // the other version
	DropType              // not an ADVERTISEMENT
	DropTruncated         // shorter than its own fields say
	DropChecksum          // no known form of the checksum fits
	DropVRID              // another virtual router
	DropZeroCount         // no address (erratum 8299)
	DropNotLinkLocal      // IPv6: the first address is not link-local (erratum 8300)
	DropZeroInterval      // erratum 8301
	DropOwnPacket         // our own source address
	DropUnknownPeer       // unicast: source is not a configured peer
	DropAuthType          // no authentication, or another kind than ours
	DropAuthFailed        // wrong password, unknown key or wrong tag
	DropReplay            // authentic, but old or seen before
	DropInterval          // v2 only, RFC 3768 §7.1
	DropAddressList       // v2 with StrictList
	NumDrops
)

var dropNames = [NumDrops]string{
	DropNone:         "accepted",
	DropFamily:       "other address family",
	DropTTL:          "ttl too low",
	DropCARP:         "carp, not vrrp",
	DropVersion:      "wrong version",
	DropType:         "unknown type",
	DropTruncated:    "truncated",
	DropChecksum:     "bad checksum",
	DropVRID:         "other virtual router id",
	DropZeroCount:    "no addresses",
	DropNotLinkLocal: "first address not link-local",
	DropZeroInterval: "zero interval",
	DropOwnPacket:    "own source address",
	DropUnknownPeer:  "unknown peer",
	DropAuthType:     "wrong authentication type",
	DropAuthFailed:   "authentication failed",
	DropReplay:       "replayed or clock differs",
	DropInterval:     "interval differs",
	DropAddressList:  "address list differs",
}

// String gives a short lower case clause.
func (d Drop) String() string { return name(dropNames[:], int(d), "drop") }
