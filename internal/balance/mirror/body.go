package mirror

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// begin is that all flows of some services follow.
type begin struct {
	number  uint32
	listens []balance.Endpoint
}

func (x begin) append(b []byte) []byte {
	return appendEndpoints(binary.BigEndian.AppendUint32(b, x.number), x.listens)
}

func parseBegin(b []byte) (x begin, err error) {
	if len(b) < 4 {
		return x, fmt.Errorf("%w: half a beginning", ErrFrame)
	}
	x.number = binary.BigEndian.Uint32(b)
	x.listens, err = parseEndpoints(b[4:])
	return x, err
}

// end is that those were all, and how many.
type end struct {
	number uint32
	flows  uint64
}

func (x end) append(b []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, x.number), x.flows)
}

func parseEnd(b []byte) (x end, err error) {
	if len(b) != 12 {
		return x, fmt.Errorf("%w: an end of %d bytes", ErrFrame, len(b))
	}
	return end{binary.BigEndian.Uint32(b), binary.BigEndian.Uint64(b[4:])}, nil
}

// pulse is a sign of life: how late news were lately, and which ports full NAT
// takes on that node.
type pulse struct {
	lag   time.Duration
	ports [2]uint16
	fixed bool
}

func (x pulse) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(x.lag))
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, x.ports[0]), x.ports[1])
	if x.fixed {
		return append(b, 1)
	}
	return append(b, 0)
}

func parsePulse(b []byte) (x pulse, err error) {
	if len(b) != 13 || b[12] > 1 {
		return x, fmt.Errorf("%w: a pulse of %d bytes", ErrFrame, len(b))
	}
	ports := [2]uint16{binary.BigEndian.Uint16(b[8:]), binary.BigEndian.Uint16(b[10:])}
	return pulse{time.Duration(binary.BigEndian.Uint64(b)), ports, b[12] == 1}, nil
}

// ack says up to which frame everything was done, and how many flows could not
// be put since the connection began.
type ack struct{ seq, refused uint64 }

func (x ack) append(b []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, x.seq), x.refused)
}

func parseAck(b []byte) (x ack, err error) {
	if len(b) != 16 {
		return x, fmt.Errorf("%w: an ack of %d bytes", ErrFrame, len(b))
	}
	return ack{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}, nil
}

func appendEndpoints(b []byte, all []balance.Endpoint) []byte {
	for _, e := range all {
		b = appendEndpoint(b, e)
	}
	return b
}

func parseEndpoints(b []byte) (out []balance.Endpoint, err error) {
	for len(b) > 0 {
		var e balance.Endpoint
		if e, b, err = parseEndpoint(b); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// view is the holder's view of the service that listens somewhere.
type view struct {
	listen balance.Endpoint
	balance.View
}

// A view goes out a few times an hour and may grow in later versions: hence
// words and not bytes.
func (x view) append(b []byte) ([]byte, error) {
	text, err := json.Marshal(x.View)
	if err != nil {
		return nil, fmt.Errorf("cannot encode a view: %w", err)
	}
	return append(appendEndpoint(b, x.listen), text...), nil
}

func parseView(b []byte) (x view, err error) {
	if x.listen, b, err = parseEndpoint(b); err != nil {
		return x, err
	}
	if err := json.Unmarshal(b, &x.View); err != nil {
		return x, fmt.Errorf("%w: %w", ErrFrame, err)
	}
	return x, nil
}
