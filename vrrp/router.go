package vrrp

import (
	"net/netip"
	"time"
)

// Router is one virtual router, RFC 9568 §6.
type Router struct{ cfg Config }

func New(cfg Config) (*Router, error) { return &Router{cfg: cfg}, nil }

// Step tells the router what happened at now and appends what must be done to out.
func (r *Router) Step(now time.Time, ev Event, out []Action) []Action { return out }

// Deadline is when Step wants a Tick; zero means never.
func (r *Router) Deadline() time.Time { return time.Time{} }

func (r *Router) State() State                  { return Init }
func (r *Router) Asking() bool                  { return false } // an ActionAsk waits for its Grant
func (r *Router) Config() Config                { return r.cfg }
func (r *Router) Priority() uint8               { return r.cfg.Priority } // effective
func (r *Router) ActiveInterval() time.Duration { return 0 }              // Active_Adver_Interval
func (r *Router) DownInterval() time.Duration   { return 0 }              // Active_Down_Interval
func (r *Router) SkewTime() time.Duration       { return 0 }
func (r *Router) Active() (Peer, bool)          { return Peer{}, false } // the Active heard last, if a peer is
func (r *Router) Peers(dst []Peer) []Peer       { return dst }           // appends every sender heard, oldest first, bounded
func (r *Router) Counters() Counters            { return Counters{} }
func (r *Router) Reconfigure(now time.Time, cfg Config, out []Action) ([]Action, error) {
	return out, nil
} // keeps the state; VRID, Family, Version stay

// AppendAdvert appends the VRRP message (no IP header) with the given priority to b.
func (r *Router) AppendAdvert(b []byte, now time.Time, dst netip.Addr, priority uint8) []byte {
	return b
}
