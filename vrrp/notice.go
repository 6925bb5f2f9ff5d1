package vrrp

// Notice is a kind of report: a disagreement named as such.
type Notice uint8

const (
	NoticeNone              Notice = iota
	NoticeDrop                     // a packet was dropped because of Drop (first time, then at most once a minute per cause and peer)
	NoticeInterval                 // peer's interval differs (Got, Want)
	NoticeIntervalBounded          // learnt interval was outside the bounds and clamped (Got, Want)
	NoticeAddressList              // peer's address list differs
	NoticeChecksumForm             // peer uses the other IPv4 checksum form
	NoticeVersion                  // peer speaks the other version
	NoticeAuth                     // peer's authentication differs from ours
	NoticeTwoOwners                // a second node claims priority 255
	NoticeLosingActive             // a lower priority node was Active too; answered with an advert: announce again
	NoticeSpoof                    // an advert with our own address and a higher priority
	NoticeDuplicatePriority        // equal priority Active heard
)

var noticeNames = [...]string{
	NoticeNone:              "nothing",
	NoticeDrop:              "packet dropped",
	NoticeInterval:          "peer has another interval",
	NoticeIntervalBounded:   "peer's interval is out of bounds",
	NoticeAddressList:       "peer has another address list",
	NoticeChecksumForm:      "peer uses the other checksum form",
	NoticeVersion:           "peer speaks the other version",
	NoticeAuth:              "peer authenticates differently",
	NoticeTwoOwners:         "peer is owner too",
	NoticeLosingActive:      "peer was active too and lost",
	NoticeSpoof:             "somebody else uses this node's address",
	NoticeDuplicatePriority: "peer has the same priority",
}

// String gives a short lower case clause.
func (n Notice) String() string { return name(noticeNames[:], int(n), "notice") }
