package server

import (
	"fmt"
	"net/http"

	"github.com/holdfast-net/holdfast/internal/api"
)

func (s *Server) backends(w http.ResponseWriter, req *http.Request) {
	b, err := s.opt.Daemon.Backends(req.Context())
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, b)
}

func (s *Server) orderBackend(w http.ResponseWriter, req *http.Request) {
	var o api.BackendOrder
	if !body(w, req, &o) {
		return
	}
	ctx, cancel := command(req)
	defer cancel()
	r, err := s.opt.Daemon.OrderBackend(ctx, o)
	result(w, r, err)
}

func (s *Server) explainFlow(w http.ResponseWriter, req *http.Request) {
	q := req.URL.Query()
	for name := range q {
		if name != "from" && name != "to" {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("there is no parameter %q; from and to are", name), "")
			return
		}
	}
	e, err := s.opt.Daemon.ExplainFlow(req.Context(), q.Get("from"), q.Get("to"))
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, e)
}
