package mirror

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// Nonce is what a side has invented for one connection: nothing that was said
// on another one is worth anything on this one.
type Nonce [16]byte

// Print tells keys apart without telling them. The zero Print is no key.
type Print [8]byte

// PrintOf gives the print of a secret.
func PrintOf(secret []byte) Print {
	if len(secret) == 0 {
		return Print{}
	}
	return Print(derive(secret, "print of the key", nil)[:8])
}

// Greeting is the first word of each side.
type Greeting struct {
	Node  string
	Key   Print // of the caller; the other side repeats it
	Nonce Nonce
}

const (
	magic        = "HFF1"
	greetingSize = 4 + 1 + 8 + 16 // and the name
	maxName      = 63
	proofSize    = sha256.Size
)

// Reasons to end a connection that has just begun.
var (
	ErrGreeting = errors.New("the other side does not speak the protocol of flows")
	ErrKey      = errors.New("the nodes do not have the same key")
)

// Append encodes a greeting.
func (g Greeting) Append(b []byte) []byte {
	name := g.Node[:min(len(g.Node), maxName)]
	b = append(b, magic...)
	b = append(b, byte(len(name)))
	b = append(b, g.Key[:]...)
	b = append(b, g.Nonce[:]...)
	return append(b, name...)
}

// ReadGreeting reads the greeting of the other side.
func ReadGreeting(r io.Reader) (Greeting, error) {
	var head [greetingSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return Greeting{}, fmt.Errorf("cannot read a greeting: %w", err)
	}
	n := int(head[4])
	if string(head[:4]) != magic || n == 0 || n > maxName {
		return Greeting{}, ErrGreeting
	}
	name := make([]byte, n)
	if _, err := io.ReadFull(r, name); err != nil {
		return Greeting{}, fmt.Errorf("cannot read a greeting: %w", err)
	}
	return Greeting{Node: string(name), Key: Print(head[5:13]), Nonce: Nonce(head[13:29])}, nil
}

// Agreed is a connection whose sides have greeted each other.
type Agreed struct {
	secret []byte
	both   []byte // the greetings, the caller's first
}

// Agree joins the greetings of the one who called and of the one who answered.
// Without a secret nothing is signed.
func Agree(secret []byte, caller, answerer Greeting) Agreed {
	return Agreed{secret: secret, both: answerer.Append(caller.Append(nil))}
}

// Side is one of the two ends of a connection.
type Side uint8

const (
	Caller   Side = iota // who tells
	Answerer             // who hears
)

func (s Side) String() string { return [...]string{"caller", "answerer"}[s] }

// Proof shows that a side has the secret, and means this connection. It is
// empty where there is no secret.
func (a Agreed) Proof(s Side) []byte {
	if len(a.secret) == 0 {
		return nil
	}
	return derive(a.secret, "proof of the "+s.String(), a.both)
}

// Check reads the proof of the other side.
func (a Agreed) Check(r io.Reader, s Side) error {
	want := a.Proof(s)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil {
		return fmt.Errorf("%w, or the connection broke: %w", ErrKey, err)
	}
	if !hmac.Equal(got, want) {
		return ErrKey
	}
	return nil
}

// Seal gives what frames of a side are signed with.
func (a Agreed) Seal(s Side) *Seal {
	if len(a.secret) == 0 {
		return &Seal{}
	}
	return &Seal{mac: hmac.New(sha256.New, derive(a.secret, "frames of the "+s.String(), a.both))}
}

// derive makes a key for one purpose (RFC 2104).
func derive(secret []byte, purpose string, about []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("holdfast flows: " + purpose + "\x00"))
	h.Write(about)
	return h.Sum(nil)
}
