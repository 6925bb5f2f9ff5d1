package check

import (
	"slices"
	"strings"
	"time"
)

// Postgres logs in to a PostgreSQL server and looks at its role, how far it is
// behind, and what a query says.
//
//	postgres: {address: 10.0.0.11:5432, user: holdfast, password: {file: /etc/holdfast/pg}, role: primary}
//	postgres: {address: 127.0.0.1:5432, role: standby, max_lag: 10s, query: "select ready()", value: t}
//
// The user needs nothing but CONNECT. A query that hangs is ended on the server
// by statement_timeout.
type Postgres struct {
	To       Endpoint
	User     string
	Password Secret // "": none is sent
	Database string // default postgres
	SSLMode  string // as libpq: disable, allow, prefer, require, verify-ca, verify-full; default prefer
	// Secure: CA, Cert, Key and Name are used; SSLMode says what is verified.
	Secure Secure
	Role   PostgresRole
	// MaxLag is how old the newest transaction that a standby has replayed
	// may be while there are others to replay, or no primary is connected that
	// could say so. A primary that is connected, but silent, is noticed after
	// wal_receiver_timeout. 0: not looked at.
	MaxLag time.Duration
	// Query is asked after that, in a read-only transaction; "": none. It must
	// give a row, and where Value is not empty its first column must be Value,
	// as text ("t" is true).
	Query string
	Value string
	Via   Via
}

// PostgresRole is what a server may be.
type PostgresRole uint8

const (
	AnyRole PostgresRole = iota
	Primary              // takes writes: not in recovery, and not read-only by default
	Standby              // in recovery
)

// String is the word of the file.
func (r PostgresRole) String() string { return [...]string{"any", "primary", "standby"}[r] }

// SSLModes are those of libpq, weakest first.
func SSLModes() []string {
	return []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
}

// DefaultPostgres takes any server that lets its user in.
func DefaultPostgres() Postgres {
	return Postgres{User: "postgres", Database: "postgres", SSLMode: "prefer", Secure: Secure{Verify: true}}
}

// Word implements Kind.
func (Postgres) Word() string { return "postgres" }

// Target implements Kind.
func (p Postgres) Target() string { return p.To.String() }

// Problems says what is wrong.
func (p Postgres) Problems() []Problem {
	var found problems
	found.below("", p.To.problems("address"))
	if p.User == "" {
		found.say("user", "", "a user is missing")
	}
	if p.Database == "" {
		found.say("database", "", "a database is missing")
	}
	for _, f := range []struct{ field, v string }{{"user", p.User}, {"database", p.Database}, {"query", p.Query}, {"password", string(p.Password)}} {
		if strings.ContainsRune(f.v, 0) {
			found.say(f.field, "", "there is a zero byte in it")
		}
	}
	if !slices.Contains(SSLModes(), p.SSLMode) {
		found.say("sslmode", "one of "+strings.Join(SSLModes(), ", "), "there is no mode %q", p.SSLMode)
	}
	if p.MaxLag < 0 {
		found.say("max_lag", "", "%s is no time to be late", p.MaxLag)
	}
	if p.MaxLag > 0 && p.Role == Primary {
		found.say("max_lag", "use role: standby or any", "a primary is never late")
	}
	if p.Value != "" && p.Query == "" {
		found.say("value", "write query:, too", "there is no query that could give it")
	}
	secure := p.Secure
	secure.Verify = true // SSLMode says so instead
	found.below("tls", secure.Problems())
	found.below("", p.Via.problems(p.To.Host))
	return found
}
