package server

import (
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
