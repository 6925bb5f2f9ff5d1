package database

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/holdfast-net/holdfast/internal/lab"
)

// Door is how clients reach the database: from a host, through the address.
type Door struct {
	From     *lab.Host
	Address  string
	User     string
	Password string
}

// open makes a connection.
func (d Door) open(ctx context.Context) (*pgconn.PgConn, error) {
	c, err := pgconn.ParseConfig("host=" + d.Address + " port=5432 dbname=postgres sslmode=disable passfile=/dev/null servicefile=/dev/null")
	if err != nil {
		return nil, err
	}
	c.User, c.Password = d.User, d.Password
	c.DialFunc = func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		doErr := d.From.Do(func() error {
			var dialer net.Dialer
			conn, err = dialer.DialContext(ctx, network, address)
			return nil
		})
		if doErr != nil {
			return nil, doErr
		}
		return conn, err
	}
	return pgconn.ConnectConfig(ctx, c)
}

// Ask asks one question over a new connection, and gives the rows of the answer.
func (d Door) Ask(ctx context.Context, query string) ([][]string, error) {
	conn, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	return ask(ctx, conn, query)
}

func ask(ctx context.Context, conn *pgconn.PgConn, query string) ([][]string, error) {
	results, err := conn.Exec(ctx, query).ReadAll()
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for _, r := range results {
		for _, row := range r.Rows {
			var words []string
			for _, w := range row {
				words = append(words, string(w))
			}
			rows = append(rows, words)
		}
	}
	return rows, nil
}

// Commit is one that was acknowledged.
type Commit struct {
	Number int64
	At     time.Time // when the writer was told
}

// Writer inserts numbers through the address, one after the other.
type Writer struct {
	door   Door
	cancel context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex
	acked []Commit
}

// What a patient client does: it asks again soon, and waits a second for an
// answer.
const (
	writePause   = 5 * time.Millisecond
	writePatient = time.Second
)

// Write begins to write. The table is there already.
func Write(door Door) *Writer {
	ctx, cancel := context.WithCancel(context.Background())
	w := &Writer{door: door, cancel: cancel, done: make(chan struct{})}
	go w.run(ctx)
	return w
}

func (w *Writer) run(ctx context.Context) {
	defer close(w.done)
	var conn *pgconn.PgConn
	// A number is tried once: whether one that was not acknowledged is there
	// is nobody's promise.
	for n := int64(1); ctx.Err() == nil; n++ {
		conn = w.write(ctx, conn, n)
		select {
		case <-ctx.Done():
		case <-time.After(writePause):
		}
	}
	if conn != nil {
		closing, cancel := context.WithTimeout(context.Background(), writePatient)
		defer cancel()
		_ = conn.Close(closing)
	}
}

func (w *Writer) write(ctx context.Context, conn *pgconn.PgConn, n int64) *pgconn.PgConn {
	ctx, cancel := context.WithTimeout(ctx, writePatient)
	defer cancel()
	if conn == nil {
		var err error
		if conn, err = w.door.open(ctx); err != nil {
			return nil
		}
	}
	if _, err := ask(ctx, conn, fmt.Sprintf("insert into ledger values (%d)", n)); err != nil {
		// Not with a cancel request: PostgreSQL acknowledges a commit whose
		// wait for standbys is cancelled.
		_ = conn.Conn().Close()
		return nil
	}
	w.mu.Lock()
	w.acked = append(w.acked, Commit{n, time.Now()})
	w.mu.Unlock()
	return conn
}

// Stop ends it.
func (w *Writer) Stop() {
	w.cancel()
	<-w.done
}

// Acked is what was acknowledged so far.
func (w *Writer) Acked() []Commit {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.acked)
}

// Gap is the longest time without an acknowledged commit that ended after since.
func Gap(acked []Commit, since time.Time) time.Duration {
	var most time.Duration
	for i := 1; i < len(acked); i++ {
		if acked[i].At.After(since) {
			most = max(most, acked[i].At.Sub(acked[i-1].At))
		}
	}
	return most
}

// Lost are the commits that were acknowledged and are not in the table.
func Lost(ctx context.Context, door Door, acked []Commit) ([]int64, error) {
	rows, err := door.Ask(ctx, "select n from ledger")
	if err != nil {
		return nil, fmt.Errorf("cannot read the ledger: %w", err)
	}
	there := map[int64]bool{}
	for _, r := range rows {
		n, err := strconv.ParseInt(r[0], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("cannot read the ledger: %w", err)
		}
		there[n] = true
	}
	var lost []int64
	for _, c := range acked {
		if !there[c.Number] {
			lost = append(lost, c.Number)
		}
	}
	return lost, nil
}
