package server

import (
	"net/http"
)

// Route is one thing a client can ask for.
type Route struct {
	Method, Path string
	Writes       bool   // changes something: root and the daemon's user only
	Answer       string // schema of the answer
	Summary      string // one sentence, for the documentation
	handle       func(*Server, http.ResponseWriter, *http.Request)
}

// Routes lists all of them; docs/api.md shows the same list.
func Routes() []Route {
	return []Route{
		{"GET", "/v1/status", false, "Status", "This node's view of everything, taken at one instant.", (*Server).status},
		{"GET", "/v1/events", false, "Events", "The journal: a page of it, or with follow=1 a stream of server-sent events.", (*Server).events},
		{"GET", "/v1/plan", false, "Plan", "What a reload would change.", (*Server).plan},
		{"GET", "/v1/version", false, "Version", "Which program this is and what it runs on.", (*Server).version},
		{"POST", "/v1/reload", true, "Plan", "Puts the file on disk in force; the answer says what that changed.", (*Server).reload},
		{"POST", "/v1/groups/{name}/handover", true, "Result", "Moves a group to another node; answers when it has moved.", (*Server).handover},
		{"POST", "/v1/maintenance", true, "Result", "Takes the node out of all elections, or back in.", (*Server).maintenance},
		{"GET", "/v1/fencing", false, "Fencing", "Which nodes can be cut off, which are, and whether the watchdog runs.", (*Server).fencing},
		{"POST", "/v1/fence", true, "Result", "Cuts a node off by its fence devices, or takes a person's word that it is off; answers when it is, or could not be.", (*Server).fence},
		{"GET", "/v1/backends", false, "Backends", "The services of this node, and how what stands behind them does.", (*Server).backends},
		{"GET", "/v1/backends/explain", false, "FlowExplanation", "Which backend a flow has or gets, and why: from=ADDRESS:PORT of a client, to=ADDRESS:PORT[/PROTOCOL] or the name of a service.", (*Server).explainFlow},
		{"GET", "/v1/trace", true, "TracedPacket", "A stream of server-sent events: packets of services that the kernel forwards, with what became of them, from now on.", (*Server).trace},
		{"POST", "/v1/backend", true, "Result", "Drains a backend, takes it down, lets it up again, or changes its weight.", (*Server).orderBackend},
		{"POST", "/v1/upgrade", true, "Result", "Replaces the running program by the one on the disk, without a move; answers when that has taken over.", (*Server).upgrade},
	}
}

// handler routes requests, each through the guard first.
func (s *Server) handler(g guard) http.Handler {
	mux := http.NewServeMux()
	methods := map[string]string{}
	for _, r := range Routes() {
		methods[r.Path] = r.Method
		mux.HandleFunc(r.Method+" "+r.Path, func(w http.ResponseWriter, req *http.Request) {
			if refusal, ok := g.allows(req.Context(), r.Writes); !ok {
				s.opt.Log.Info("refused a request", "path", req.URL.Path, "reason", refusal.Text)
				refuse(w, http.StatusForbidden, refusal.Text, refusal.Hint)
				return
			}
			req.Body = http.MaxBytesReader(w, req.Body, maxBody)
			r.handle(s, w, req)
		})
	}
	for path, method := range methods {
		mux.HandleFunc(path, func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Allow", method)
			refuse(w, http.StatusMethodNotAllowed, req.Method+" is not possible here", "use "+method)
		})
	}
	if _, public := g.(readOnly); public && s.opt.Metrics != nil {
		mux.Handle("GET /metrics", s.opt.Metrics)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) {
		refuse(w, http.StatusNotFound, "there is no "+req.URL.Path+" here", "the paths begin with /v1/status")
	})
	return mux
}
