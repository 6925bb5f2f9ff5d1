package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// tracedAtMost is how many packets a second are told. The daemon has more urgent
// things to do: adverts.
const tracedAtMost = 5000

// trace streams packets until the client is gone.
func (s *Server) trace(w http.ResponseWriter, req *http.Request) {
	q, err := parseTrace(req)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), "")
		return
	}
	stream := http.NewResponseController(w)
	begun := false
	begin := func() {
		if !begun {
			begun = true
			w.Header().Set("Content-Type", "text/event-stream")
			w.Header().Set("Cache-Control", "no-store")
		}
	}
	told, since := 0, time.Now()
	err = s.opt.Daemon.Trace(req.Context(), q, func(p *api.TracedPacket) bool {
		begin()
		data, err := json.Marshal(p)
		if err != nil || stream.SetWriteDeadline(time.Now().Add(writeTimeout)) != nil {
			return false
		}
		if _, err := fmt.Fprintf(w, "data: %s\n\n", data); err != nil || stream.Flush() != nil {
			return false
		}
		if told++; told == tracedAtMost/100 {
			time.Sleep(time.Until(since.Add(time.Second / 100)))
			told, since = 0, time.Now()
		}
		return true
	})
	if err != nil && !begun {
		fail(w, err)
	}
}

func parseTrace(req *http.Request) (api.TraceQuery, error) {
	v := req.URL.Query()
	q := api.TraceQuery{Service: v.Get("service"), Backend: v.Get("backend"), Client: v.Get("client")}
	for name := range v {
		switch name {
		case "service", "backend", "client":
		case "snap":
			n, err := strconv.Atoi(v.Get(name))
			if err != nil || n < 1 {
				return q, fmt.Errorf("snap is a number of bytes, not %q", v.Get(name))
			}
			q.Snap = n
		default:
			return q, fmt.Errorf("there is no parameter %q; service, backend, client and snap are", name)
		}
	}
	return q, nil
}
