package bfd

// Drop is why a packet was discarded; DropNone means that it was not. The
// order is the order of the checks: RFC 5880 §6.8.6, with RFC 5881 §5 after
// the session is known, and §6.7 within.
type Drop uint8

const (
	DropNone              Drop = iota
	DropVersion                // another version than 1
	DropLength                 // its length field is too small for a packet
	DropTruncated              // shorter than its length field says
	DropMultiplier             // detect multiplier 0
	DropMultipoint             // the multipoint bit is set
	DropMyDiscriminator        // its sender names no session
	DropNoSession              // names a session that is not here
	DropZeroDiscriminator      // names no session, but its sender is beyond that
	DropUnknownPeer            // names no session, and none is with its sender
	DropLink                   // arrived on another link than the session's
	DropTTL                    // TTL or hop limit is not 255
	DropAuthUnexpected         // authenticated, and we are not
	DropAuthMissing            // not authenticated, and we are
	DropAuthType               // authenticated in another way than ours
	DropAuthKey                // unknown key id
	DropAuthLength             // authentication section of a wrong length
	DropAuthSequence           // sequence number seen before, or far ahead
	DropAuthFailed             // wrong digest
	DropAdminDown              // we are administratively down
	NumDrops
)

var dropNames = [NumDrops]string{
	DropNone:              "accepted",
	DropVersion:           "wrong version",
	DropLength:            "length too small",
	DropTruncated:         "truncated",
	DropMultiplier:        "detect multiplier is zero",
	DropMultipoint:        "multipoint",
	DropMyDiscriminator:   "no discriminator of its sender",
	DropNoSession:         "no such session",
	DropZeroDiscriminator: "no discriminator of ours",
	DropUnknownPeer:       "unknown peer",
	DropLink:              "another link",
	DropTTL:               "ttl is not 255",
	DropAuthUnexpected:    "authenticated unexpectedly",
	DropAuthMissing:       "not authenticated",
	DropAuthType:          "wrong authentication type",
	DropAuthKey:           "unknown key",
	DropAuthLength:        "wrong authentication length",
	DropAuthSequence:      "replayed",
	DropAuthFailed:        "authentication failed",
	DropAdminDown:         "administratively down here",
}

// String gives a short lower case clause.
func (d Drop) String() string { return name(dropNames[:], int(d), "drop") }

// Counters count since the Session was made.
type Counters struct {
	Sent, Received          uint64 // of packets asked for, and accepted
	PollsSent, FinalsSent   uint64 // of those sent
	PollsHeard, FinalsHeard uint64 // of those accepted
	BecameUp, LeftUp        uint64
	Dropped                 [NumDrops]uint64
}
