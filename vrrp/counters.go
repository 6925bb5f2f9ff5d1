package vrrp

// Counters count since the Router was made. Names follow RFC 8347.
type Counters struct {
	Sent, Received, PriorityZeroSent, PriorityZeroReceived uint64
	BecameActive                                           uint64
	ChecksumRFC5798, ChecksumRFC9568                       uint64 // accepted adverts by form
	Dropped                                                [NumDrops]uint64
}
