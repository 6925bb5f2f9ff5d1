package cluster

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// doorPath is where a Word is.
const doorPath = "/holdfast/member"

// askBound is how long a member at its door may need to answer.
const askBound = 2 * time.Second

// maxWord is more than any Word has.
const maxWord = 1 << 20

// serveDoor tells who asks how this member is, until ctx ends.
func serveDoor(ctx context.Context, at string, t *tls.Config, log *slog.Logger, word func() *Word) error {
	l, err := net.Listen("tcp", at)
	if err != nil {
		return fmt.Errorf("cannot open the member's door: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+doorPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(word()) // who is gone needs no answer
	})
	s := &http.Server{Handler: mux, ReadHeaderTimeout: askBound, WriteTimeout: askBound, IdleTimeout: time.Minute, MaxHeaderBytes: 4096, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	go func() {
		<-ctx.Done()
		_ = s.Close()
	}()
	go func() { _ = s.Serve(tls.NewListener(l, t)) }()
	return nil
}

// Doors asks members at their doors.
type Doors struct {
	client *http.Client
	end    func()
}

// NewDoors makes one with the certificates of this machine.
func NewDoors(t *tls.Config) *Doors {
	tr := &http.Transport{TLSClientConfig: t, DialContext: (&net.Dialer{Timeout: askBound}).DialContext, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute}
	return &Doors{client: &http.Client{Transport: tr, Timeout: askBound}, end: tr.CloseIdleConnections}
}

// Close ends its connections.
func (d *Doors) Close() { d.end() }

// Ask asks one member.
func (d *Doors) Ask(ctx context.Context, p Peer) (*Word, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+p.door()+doorPath, nil)
	if err != nil {
		return nil, err
	}
	r, err := d.client.Do(req)
	if err != nil {
		return nil, unwrapped(err)
	}
	defer r.Body.Close()
	w := &Word{}
	if err := json.NewDecoder(io.LimitReader(r.Body, maxWord)).Decode(w); err != nil || r.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answered what no member does (%s)", r.Status)
	}
	if w.Name != p.Name {
		return nil, fmt.Errorf("it is %s", w.Name)
	}
	return w, nil
}

// AskAll asks several at once. Who does not answer is in the second map.
func (d *Doors) AskAll(ctx context.Context, peers []Peer) (map[string]*Word, map[string]error) {
	heard, silent := map[string]*Word{}, map[string]error{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, p := range peers {
		all.Go(func() {
			w, err := d.Ask(ctx, p)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				silent[p.Name] = err
			} else {
				heard[p.Name] = w
			}
		})
	}
	all.Wait()
	return heard, silent
}

// unwrapped is the error of a connection without the address, which is
// known.
func unwrapped(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return op.Err
	}
	var t interface{ Timeout() bool }
	if errors.As(err, &t) && t.Timeout() {
		return errors.New("no answer in time")
	}
	return errors.Unwrap(err)
}
