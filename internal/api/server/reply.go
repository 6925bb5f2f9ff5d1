package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// reply writes one document. A client that does not read it is given up.
func reply(w http.ResponseWriter, status int, doc any) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	// The only error here is a client that is gone.
	_ = enc.Encode(doc)
}

// refuse answers with a Result that says no.
func refuse(w http.ResponseWriter, status int, text, hint string) {
	reply(w, status, api.Result{Schema: api.SchemaResult, Text: text, Hint: hint})
}

// fail answers with an error of the daemon.
func fail(w http.ResponseWriter, err error) {
	if errors.Is(err, context.DeadlineExceeded) {
		refuse(w, http.StatusGatewayTimeout, "the daemon did not finish within "+commandTimeout.String(), "what it had begun may still happen: holdfast events")
		return
	}
	hint := ""
	if h, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		hint = h.Hint()
	}
	refuse(w, http.StatusInternalServerError, err.Error(), hint)
}

// body reads the JSON document of a request; an empty one is the zero value.
// It answers itself where it returns false.
func body(w http.ResponseWriter, req *http.Request, into any) bool {
	slow := http.NewResponseController(w)
	_ = slow.SetReadDeadline(time.Now().Add(readTimeout))
	defer func() { _ = slow.SetReadDeadline(time.Time{}) }()
	dec := json.NewDecoder(req.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if errors.Is(err, io.EOF) {
		return true
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		refuse(w, http.StatusRequestEntityTooLarge, tooLarge.Error(), "")
		return false
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "cannot read the request: "+err.Error(), "")
		return false
	}
	return true
}
