package server

import (
	"bytes"
	"net/http"
	"time"
)

// rest is how many times as long as it took to compute an answer nothing more
// is computed for clients on TCP.
const rest = 4

// turns keeps what anybody on the network can make the daemon compute to a
// fifth of one processor: it works in the real-time class, where it would get
// all of it. Clients have their turns one after another; who reads its answer
// slowly delays nobody.
type turns struct {
	handler http.Handler
	turn    chan struct{} // one deep
}

func inTurns(h http.Handler) http.Handler {
	return &turns{handler: h, turn: make(chan struct{}, 1)}
}

func (t *turns) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.URL.Query().Get("follow") == "1" {
		t.handler.ServeHTTP(w, req) // waits nearly always, and their number is bounded
		return
	}
	a := &answer{header: w.Header(), status: http.StatusOK}
	if !t.compute(a, req) {
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()) // the only error is a client that is gone
}

// compute waits for a turn and says whether it came while the client waited.
func (t *turns) compute(a *answer, req *http.Request) bool {
	select {
	case t.turn <- struct{}{}:
	case <-req.Context().Done():
		return false
	}
	start := time.Now()
	defer func() { time.AfterFunc(rest*time.Since(start), func() { <-t.turn }) }()
	t.handler.ServeHTTP(a, req)
	return true
}

// answer is a http.ResponseWriter that keeps what is written.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }
