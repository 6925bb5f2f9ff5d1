package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/holdfast-net/holdfast/internal/check"
)

// postgres is up when a server lets its user in and is what it should be.
type postgres struct {
	kind    check.Postgres
	config  *pgconn.Config
	address string
	dialer  *dialer
	secure  *secure
}

// maxMessage bounds what a server may send at once.
const maxMessage = 1 << 20

func newPostgres(k check.Postgres) (*postgres, error) {
	// The library insists on reading a connection string, and fills in what is
	// missing from the environment and the home directory. All that matters is
	// set below.
	c, err := pgconn.ParseConfig("host=/ port=5432 user=x dbname=x sslmode=disable passfile=/dev/null servicefile=/dev/null target_session_attrs=any")
	if err != nil {
		return nil, err
	}
	c.Host, c.Port = k.To.Host, k.To.Port
	c.User, c.Password, c.Database = k.User, string(k.Password), k.Database
	c.RuntimeParams = map[string]string{"application_name": "holdfast"}
	c.ConnectTimeout = 0 // ctx has the deadline
	c.MaxProtocolMessageBodyLen = maxMessage
	c.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil } // dial does it
	p := &postgres{kind: k, config: c, address: k.To.String(), dialer: newDialer(k.Via, weBegin)}
	return p, p.setTLS()
}

// setTLS makes what libpq's sslmode means of the configuration. A mode that
// has two ways tries the second where the first is refused.
func (p *postgres) setTLS() error {
	mode := p.kind.SSLMode
	s := p.kind.Secure
	s.Verify = true
	full, err := newSecure(s, p.kind.To.Host)
	if err != nil {
		return err
	}
	p.secure = full
	secure := full.config
	switch mode {
	case "allow", "prefer", "require":
		secure.InsecureSkipVerify, full.verifies = true, false
	case "verify-ca":
		secure.InsecureSkipVerify = true
		secure.VerifyConnection = func(state tls.ConnectionState) error { return verifyChain(state, secure.RootCAs) }
	}
	plain := &pgconn.FallbackConfig{Host: p.config.Host, Port: p.config.Port}
	switch mode {
	case "disable":
		secure = nil
	case "allow":
		p.config.Fallbacks = []*pgconn.FallbackConfig{{Host: plain.Host, Port: plain.Port, TLSConfig: secure}}
		secure = nil
	case "prefer":
		p.config.Fallbacks = []*pgconn.FallbackConfig{plain}
	}
	p.config.TLSConfig = secure
	return nil
}

// verifyChain is sslmode=verify-ca: the chain, and not the name.
func verifyChain(state tls.ConnectionState, roots *x509.CertPool) error {
	opts := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, c := range state.PeerCertificates[1:] {
		opts.Intermediates.AddCert(c)
	}
	_, err := state.PeerCertificates[0].Verify(opts)
	return err
}

// Try implements check.Probe.
func (p *postgres) Try(ctx context.Context) check.Seen {
	start := time.Now()
	open := conns{dialer: p.dialer, look: ctx}
	defer open.end()
	config := p.config.Copy()
	config.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := open.dial(ctx, p.address)
		if err != nil {
			return nil, err
		}
		return &polite{Conn: conn}, nil
	}
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return p.refused(start, open.dialFailure(), err, "a login")
	}
	warn, wrong := "", ""
	if t, ok := conn.Conn().(*tls.Conn); ok {
		wrong, warn = p.secure.days(t.ConnectionState(), time.Now())
	}
	var seen check.Seen
	if wrong != "" {
		seen = check.Failed(wrong)
	} else {
		seen = p.look(ctx, start, conn)
	}
	conn.Close(ctx) // Terminate, and the server closes
	if seen.OK {
		return warned(seen.Text, warn)
	}
	return seen
}

// polite is a connection that does not end with a reset, which a backend would
// log as an error. It lets the server close first, which it does after
// Terminate and after an error.
type polite struct {
	net.Conn
	read  bool
	plain bool // the first answer was 'N': no TLS here, and the library tries again without
}

// Read implements net.Conn.
func (c *polite) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if !c.read && n > 0 {
		c.read, c.plain = true, n == 1 && b[0] == 'N'
	}
	return n, err
}

// Close implements net.Conn.
func (c *polite) Close() error {
	if t, ok := c.Conn.(*net.TCPConn); ok && c.plain {
		t.SetLinger(-1) // the server waits for more: FIN tells it that there is none
		return c.Conn.Close()
	}
	drain(c.Conn)
	return c.Conn.Close()
}

// look asks for the role, the lag and the query's value.
func (p *postgres) look(ctx context.Context, start time.Time, conn *pgconn.PgConn) check.Seen {
	text := "login in " + took(start)
	if p.kind.Role != check.AnyRole || p.kind.MaxLag > 0 {
		row, err := first(ctx, conn, stateQuery)
		if err != nil {
			return p.refused(start, nil, err, "its state")
		}
		words, wrong := judgeState(row, p.kind)
		text = words + " in " + took(start)
		if wrong != "" {
			return check.Failed(text + ", wanted " + wrong)
		}
	}
	if p.kind.Query == "" {
		return check.Passed(text)
	}
	if _, err := first(ctx, conn, "begin transaction read only"+timeout(ctx)); err != nil {
		return p.refused(start, nil, err, "a transaction")
	}
	row, err := first(ctx, conn, p.kind.Query)
	wanted := "a row"
	if p.kind.Value != "" {
		wanted = strconv.Quote(p.kind.Value)
	}
	switch {
	case err != nil:
		return p.refused(start, nil, err, wanted+" from the query")
	case len(row) == 0:
		return check.Failed(text + ": no row, wanted " + wanted + " from the query")
	case p.kind.Value != "" && row[0] != p.kind.Value:
		return check.Failed(text + ": the query gave " + quote([]byte(row[0])) + ", wanted " + wanted)
	}
	return check.Passed(text + ", the query gave " + quote([]byte(row[0])))
}

// timeout has the server end the query when the look ends. It would not notice
// by itself, and every look would leave a backend that goes on.
func timeout(ctx context.Context) string {
	t, ok := ctx.Deadline()
	if !ok {
		return ""
	}
	return "; set local statement_timeout = " + strconv.FormatInt(max(1, time.Until(t).Milliseconds()), 10)
}

// stateQuery is one row: in recovery, read-only, seconds behind. There is
// nothing to be behind of where all that was received is replayed and the
// receiver is connected; without the connection nobody knows what is missing,
// so the age of what was replayed last counts.
const stateQuery = `select pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
 case when not pg_is_in_recovery() then 0
 when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() and exists (select from pg_stat_wal_receiver) then 0
 else greatest(0, extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())) end`

// judgeState says what a server is, and what was wanted where that is
// something else.
func judgeState(row []string, k check.Postgres) (words, wrong string) {
	if len(row) != 3 {
		return "an answer of another form", k.Role.String()
	}
	standby, readOnly := row[0] == "t", row[1] == "t"
	switch {
	case standby:
		words = "standby"
	case readOnly:
		words = "primary that is read-only"
	default:
		words = "primary"
	}
	if k.Role == check.Primary && (standby || readOnly) || k.Role == check.Standby && !standby {
		return words, k.Role.String()
	}
	if k.MaxLag == 0 || !standby {
		return words, ""
	}
	seconds, err := strconv.ParseFloat(row[2], 64)
	if err != nil {
		// NULL: it has replayed nothing since it started.
		return words + " of unknown lag", "at most " + k.MaxLag.String()
	}
	lag := time.Duration(seconds * float64(time.Second))
	words += ", " + lag.Round(time.Millisecond).String() + " behind"
	if lag > k.MaxLag {
		return words, "at most " + k.MaxLag.String()
	}
	return words, ""
}

// first is the first row of a query, as text. Rows beyond are not read: the
// connection ends instead.
func first(ctx context.Context, conn *pgconn.PgConn, sql string) ([]string, error) {
	results := conn.Exec(ctx, sql)
	var row []string
	for row == nil && results.NextResult() {
		r := results.ResultReader()
		if r.NextRow() {
			row = make([]string, 0, 1)
			for _, v := range r.Values() {
				row = append(row, string(v))
			}
			if r.NextRow() {
				return row, nil // there are more, and a query is the last thing asked
			}
		}
	}
	return row, results.Close()
}

// refused says what the server said. dial is why there was no connection.
func (p *postgres) refused(start time.Time, dial, err error, wanted string) check.Seen {
	var said *pgconn.PgError
	switch {
	case errors.As(err, &said):
		return check.Failed(fmt.Sprintf("%s (%s) in %s, wanted %s", oneLine(said.Message), said.Code, took(start), wanted))
	case dial != nil:
		err = dial
	}
	return failed(start, err, wanted)
}
