package config

import (
	"fmt"
	"io"
)

// redacted is what is shown where a secret would be.
const redacted = "[secret]"

// Secret is a password or a key. No way of printing or encoding shows it; take
// the bytes with Bytes where the protocol needs them.
type Secret struct{ b []byte }

// NewSecret keeps a copy of b.
func NewSecret(b []byte) Secret { return Secret{b: append([]byte(nil), b...)} }

// Bytes is the secret itself. Callers must not change it.
func (s Secret) Bytes() []byte { return s.b }

// Empty tells whether there is no secret.
func (s Secret) Empty() bool { return len(s.b) == 0 }

// Equal tells whether two secrets are the same.
func (s Secret) Equal(o Secret) bool { return string(s.b) == string(o.b) }

// String hides the secret.
func (s Secret) String() string {
	if s.Empty() {
		return ""
	}
	return redacted
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// Format hides the secret from every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText hides the secret from encoders (JSON, YAML, slog).
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
