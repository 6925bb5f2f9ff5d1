package bfd

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

const (
	version    = 1
	controlLen = 24 // RFC 5880 §4.1, the mandatory section
	authMin    = 2  // type and length of an authentication section

	bitPoll, bitFinal, bitIndependent = 0x20, 0x10, 0x08
	bitAuth, bitDemand, bitMultipoint = 0x04, 0x02, 0x01
)

// Control is the mandatory section of a control packet, RFC 5880 §4.1.
// Intervals are whole microseconds up to MaxInterval.
type Control struct {
	Diag              Diag
	State             State
	Poll, Final       bool
	Independent       bool // the sender's BFD does not share fate with its control plane
	Demand            bool
	DetectMult        uint8
	MyDiscriminator   uint32
	YourDiscriminator uint32
	DesiredMinTx      time.Duration
	RequiredMinRx     time.Duration
	RequiredMinEchoRx time.Duration
}

// MaxInterval is the longest interval that a packet can say.
const MaxInterval = (1<<32 - 1) * time.Microsecond

// Decode reads a control packet, which is only read, and says whether it has
// the form that RFC 5880 §6.8.6 demands before a session is looked for. It
// returns the authentication section, nil where the packet has none.
func (c *Control) Decode(b []byte) (auth []byte, drop Drop) {
	// RFC 5880 §6.8.6, in its order. What is too short to hold a field is
	// truncated, whatever its length field may say.
	if len(b) == 0 {
		return nil, DropTruncated
	}
	if b[0]>>5 != version {
		return nil, DropVersion
	}
	if len(b) < 4 {
		return nil, DropTruncated
	}
	signed, length := b[1]&bitAuth != 0, int(b[3])
	switch {
	case length < controlLen, signed && length < controlLen+authMin:
		return nil, DropLength
	case length > len(b):
		return nil, DropTruncated
	case b[2] == 0:
		return nil, DropMultiplier
	case b[1]&bitMultipoint != 0:
		return nil, DropMultipoint
	}
	*c = Control{
		Diag: Diag(b[0] & 0x1f), State: State(b[1] >> 6),
		Poll: b[1]&bitPoll != 0, Final: b[1]&bitFinal != 0,
		Independent: b[1]&bitIndependent != 0, Demand: b[1]&bitDemand != 0,
		DetectMult:        b[2],
		MyDiscriminator:   binary.BigEndian.Uint32(b[4:]),
		YourDiscriminator: binary.BigEndian.Uint32(b[8:]),
		DesiredMinTx:      interval(b[12:]),
		RequiredMinRx:     interval(b[16:]),
		RequiredMinEchoRx: interval(b[20:]),
	}
	if c.MyDiscriminator == 0 {
		return nil, DropMyDiscriminator
	}
	if signed {
		auth = b[controlLen:length]
	}
	return auth, DropNone
}

// Append appends the packet without an authentication section to b.
func (c *Control) Append(b []byte) []byte {
	flags := byte(c.State)<<6 | flag(c.Poll, bitPoll) | flag(c.Final, bitFinal) |
		flag(c.Independent, bitIndependent) | flag(c.Demand, bitDemand)
	b = append(b, version<<5|byte(c.Diag)&0x1f, flags, c.DetectMult, controlLen)
	b = binary.BigEndian.AppendUint32(b, c.MyDiscriminator)
	b = binary.BigEndian.AppendUint32(b, c.YourDiscriminator)
	b = appendInterval(b, c.DesiredMinTx)
	b = appendInterval(b, c.RequiredMinRx)
	return appendInterval(b, c.RequiredMinEchoRx)
}

func flag(on bool, bit byte) byte {
	if on {
		return bit
	}
	return 0
}

func interval(b []byte) time.Duration {
	return time.Duration(binary.BigEndian.Uint32(b)) * time.Microsecond
}

func appendInterval(b []byte, d time.Duration) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(d/time.Microsecond))
}

// String gives the packet as a transcript shows it, such as
// "up poll x3 tx 5ms rx 5ms 1>2".
func (c Control) String() string {
	var b strings.Builder
	b.WriteString(c.State.String())
	if c.Diag != DiagNone {
		fmt.Fprintf(&b, " (%s)", c.Diag)
	}
	for _, f := range []struct {
		on   bool
		word string
	}{{c.Poll, " poll"}, {c.Final, " final"}, {c.Demand, " demand"}} {
		if f.on {
			b.WriteString(f.word)
		}
	}
	fmt.Fprintf(&b, " x%d tx %s rx %s %d>%d", c.DetectMult, c.DesiredMinTx, c.RequiredMinRx, c.MyDiscriminator, c.YourDiscriminator)
	return b.String()
}
