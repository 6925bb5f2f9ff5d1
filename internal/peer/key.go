package peer

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"time"
)

// Key is the shared secret of a group. The zero Key signs nothing and demands
// no signature.
type Key struct {
	ID     uint8 // the one used to sign
	Keys   map[uint8][]byte
	Window time.Duration // accepted difference of the clocks
}

// Signs says whether messages are signed with the key.
func (k Key) Signs() bool { return !k.none() }

func (k Key) none() bool { return len(k.Keys) == 0 }

func (k Key) sender() uint8 {
	if k.none() {
		return 0
	}
	return k.ID
}

// sign appends the tag of the message that begins at b[at].
func (k Key) sign(b []byte, at int) []byte {
	if k.none() {
		return b
	}
	h := hmac.New(sha256.New, k.Keys[k.ID])
	h.Write(b[at:])
	return h.Sum(b)
}

// Verify checks the signature of an encoded Call that was decoded from b, and
// that it was sent within the window around now: an old one must not move an
// address again.
func (k Key) Verify(b []byte, c Call, now time.Time) error {
	if k.none() {
		return nil
	}
	h, rest, err := parseHeader(b)
	if err != nil {
		return err
	}
	secret, known := k.Keys[h.key]
	if h.key == 0 || !known || len(rest) < callSize+sha256.Size {
		return ErrUnsigned
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(b[:len(b)-len(rest)+callSize])
	if !hmac.Equal(mac.Sum(nil), rest[callSize:callSize+sha256.Size]) {
		return ErrSignature
	}
	if age := now.Sub(c.Sent).Abs(); age > k.Window {
		return fmt.Errorf("%w (%s)", ErrStale, age.Round(time.Millisecond))
	}
	return nil
}
