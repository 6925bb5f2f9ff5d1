package server

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/holdfast-net/holdfast/internal/api"
)

// command bounds a command in time. It goes on when the client goes away:
// what was asked for has begun.
func command(req *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(req.Context()), commandTimeout)
}

func (s *Server) handover(w http.ResponseWriter, req *http.Request) {
	var h api.Handover
	if !body(w, req, &h) {
		return
	}
	name := req.PathValue("name")
	groups := s.opt.Daemon.Status().Groups
	if !slices.ContainsFunc(groups, func(g api.Group) bool { return g.Name == name }) {
		var names []string
		for _, g := range groups {
			names = append(names, g.Name)
		}
		hint := "there are no groups here"
		if len(names) > 0 {
			hint = "the groups here: " + strings.Join(names, ", ")
		}
		refuse(w, http.StatusNotFound, "there is no group "+name, hint)
		return
	}
	ctx, cancel := command(req)
	defer cancel()
	r, err := s.opt.Daemon.Handover(ctx, name, h)
	result(w, r, err)
}

func (s *Server) maintenance(w http.ResponseWriter, req *http.Request) {
	var m api.Maintenance
	if !body(w, req, &m) {
		return
	}
	ctx, cancel := command(req)
	defer cancel()
	r, err := s.opt.Daemon.Maintenance(ctx, m)
	result(w, r, err)
}

func (s *Server) fence(w http.ResponseWriter, req *http.Request) {
	var f api.Fence
	if !body(w, req, &f) {
		return
	}
	ctx, cancel := command(req)
	defer cancel()
	r, err := s.opt.Daemon.Fence(ctx, f)
	result(w, r, err)
}

func (s *Server) fencing(w http.ResponseWriter, req *http.Request) {
	f, err := s.opt.Daemon.Fencing(req.Context())
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, f)
}

func (s *Server) upgrade(w http.ResponseWriter, req *http.Request) {
	ctx, cancel := command(req)
	defer cancel()
	r, err := s.opt.Daemon.Upgrade(ctx)
	result(w, r, err)
}

// result answers a command: 409 where the daemon said no.
func result(w http.ResponseWriter, r api.Result, err error) {
	if err != nil {
		fail(w, err)
		return
	}
	r.Schema = api.SchemaResult
	status := http.StatusOK
	if !r.OK {
		status = http.StatusConflict
	}
	reply(w, status, r)
}

func (s *Server) reload(w http.ResponseWriter, req *http.Request) {
	ctx, cancel := command(req)
	defer cancel()
	p, err := s.opt.Daemon.Reload(ctx)
	if err != nil {
		fail(w, err)
		return
	}
	status := http.StatusOK
	if p.Failed() {
		status = http.StatusUnprocessableEntity
	}
	reply(w, status, p.Plain())
}
