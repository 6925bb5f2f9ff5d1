package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// heartbeat is how often a quiet stream says that it is alive, so that both
// ends notice when the other is gone.
const heartbeat = 15 * time.Second

// follow streams the journal as server-sent events (HTML Living Standard,
// §9.2): each with the journal's id, so that a client which lost the
// connection goes on where it was. It first sends what the client does not
// have yet, bounded by last.
func (s *Server) follow(w http.ResponseWriter, req *http.Request, q query) {
	select {
	case s.followers <- struct{}{}:
		defer func() { <-s.followers }()
	default:
		refuse(w, http.StatusServiceUnavailable, fmt.Sprintf("%d clients follow the journal already", cap(s.followers)), "close one of them")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	stream := http.NewResponseController(w)
	send := func(b []byte) bool {
		if stream.SetWriteDeadline(time.Now().Add(writeTimeout)) != nil {
			return false
		}
		if _, err := w.Write(b); err != nil {
			return false
		}
		return stream.Flush() == nil
	}
	if !send([]byte("retry: 1000\n\n")) {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		all, news := s.opt.Daemon.Events(q.after, 0)
		page := q.cut(all)
		q.last, q.limit = 0, 0 // for the past only
		if len(all) > 0 {
			q.after = all[len(all)-1].ID
		}
		if len(page) > 0 && !send(frames(page)) {
			return
		}
		select {
		case <-news:
		case <-beat.C:
			if !send([]byte(": alive\n\n")) {
				return
			}
		case <-req.Context().Done():
			return
		}
	}
}

// frames writes entries the way a stream carries them.
func frames(events []api.Event) []byte {
	var b bytes.Buffer
	for _, ev := range events {
		data, err := json.Marshal(ev)
		if err != nil {
			continue // a time that JSON cannot write; the next entry can be
		}
		fmt.Fprintf(&b, "id: %d\ndata: %s\n\n", ev.ID, data)
	}
	return b.Bytes()
}
