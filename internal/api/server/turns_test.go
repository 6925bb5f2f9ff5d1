package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// After an answer that took a second the next one begins four seconds later,
// whoever asks; a client that has gone away has no turn.
func TestTurns_RestAfterWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		h := inTurns(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			at = append(at, time.Since(began))
			time.Sleep(time.Second)
			w.Header().Set("X-Kept", "yes")
			w.WriteHeader(http.StatusTeapot)
			_, _ = w.Write([]byte("short and stout"))
		}))
		answers := make(chan *httptest.ResponseRecorder, 3)
		for range 3 {
			go func() {
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), "GET", "/v1/status", nil))
				answers <- rec
			}()
		}
		for range 3 {
			rec := <-answers
			if rec.Code != http.StatusTeapot || rec.Header().Get("X-Kept") != "yes" || rec.Body.String() != "short and stout" {
				t.Errorf("got %d %v %q", rec.Code, rec.Header(), rec.Body)
			}
		}
		for i, want := range []time.Duration{0, 5 * time.Second, 10 * time.Second} {
			if at[i] != want {
				t.Errorf("answer %d began after %v, want %v", i+1, at[i], want)
			}
		}
		time.Sleep(time.Minute)
	})
}

// A handler that panics gives its turn back.
func TestTurns_SurviveAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		h := inTurns(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			calls++
			panic("a bug")
		}))
		for range 2 {
			func() {
				defer func() { _ = recover() }()
				h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
			}()
		}
		time.Sleep(time.Minute)
		if calls != 2 {
			t.Errorf("%d calls", calls)
		}
	})
}
