package server

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/holdfast-net/holdfast/internal/api"
)

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, s.opt.Daemon.Status().Plain())
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, s.opt.Version)
}

func (s *Server) plan(w http.ResponseWriter, req *http.Request) {
	ctx, cancel := command(req)
	defer cancel()
	p, err := s.opt.Daemon.Plan(ctx)
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, p.Plain())
}

func (s *Server) events(w http.ResponseWriter, req *http.Request) {
	q, err := parseQuery(req)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), "")
		return
	}
	if q.follow {
		s.follow(w, req, q)
		return
	}
	all, _ := s.opt.Daemon.Events(q.after, 0)
	page := api.Events{Schema: api.SchemaEvents, Node: s.opt.Daemon.Status().Node, Events: q.cut(all)}
	reply(w, http.StatusOK, page)
}

// query is what a client wants of the journal.
type query struct {
	after  uint64
	limit  int    // at most so many, the oldest ones; 0: all
	last   int    // at most so many, the newest ones; 0: all
	group  string // of this group alone; empty: all
	follow bool
}

// maxCount bounds limit and last; more than the journal ever keeps.
const maxCount = 1 << 20

func parseQuery(req *http.Request) (query, error) {
	v := req.URL.Query()
	for name := range v {
		switch name {
		case "after", "limit", "last", "group", "follow":
		default:
			return query{}, fmt.Errorf("there is no parameter %q; after, limit, last, group and follow are", name)
		}
	}
	q := query{group: v.Get("group"), follow: v.Get("follow") == "1"}
	after := v.Get("after")
	// The standard's way to resume a stream wins: the browser sends it by
	// itself, with the address that it was given first.
	if id := req.Header.Get("Last-Event-ID"); id != "" {
		after = id
	}
	if after != "" {
		n, err := strconv.ParseUint(after, 10, 64)
		if err != nil {
			return query{}, fmt.Errorf("after is an event's id, a number, not %q", after)
		}
		q.after = n
	}
	for name, into := range map[string]*int{"limit": &q.limit, "last": &q.last} {
		if text := v.Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || n > maxCount {
				return query{}, fmt.Errorf("%s is a number of events, not %q", name, text)
			}
			*into = n
		}
	}
	return q, nil
}

// wants says whether an entry is one of those asked for.
func (q query) wants(ev api.Event) bool { return q.group == "" || ev.Group == q.group }

// cut picks what was asked for; the result is a list also when it is empty.
func (q query) cut(all []api.Event) []api.Event {
	out := make([]api.Event, 0, len(all))
	for _, ev := range all {
		if q.wants(ev) {
			out = append(out, ev)
		}
	}
	if q.limit > 0 && len(out) > q.limit {
		out = out[:q.limit]
	}
	if q.last > 0 && len(out) > q.last {
		out = out[len(out)-q.last:]
	}
	return out
}
