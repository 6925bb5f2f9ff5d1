package local

import (
	"context"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// bfdProbe looks at a BFD session of this node.
type bfdProbe struct {
	kind check.BFD
	env  Env
}

// Try asks the daemon.
func (p bfdProbe) Try(context.Context) check.Seen {
	if p.env.Session == nil {
		return check.Failed("this node keeps no BFD sessions")
	}
	where := ""
	if p.kind.Dev != "" {
		where = " on " + p.kind.Dev
	}
	state, up, known := p.env.Session(p.kind.Peer, p.kind.Dev)
	switch {
	case !known:
		return failedf("there is no session with %s%s, wanted one that is up", p.kind.Peer, where)
	case !up:
		return failedf("the session%s is %s, wanted up", where, state)
	}
	return passedf("the session%s is up", where)
}

// peerProbe asks whether another node is heard.
type peerProbe struct {
	kind check.Peer
	env  Env
}

// Try asks the daemon.
func (p peerProbe) Try(context.Context) check.Seen {
	if p.env.Heard == nil {
		return check.Failed("this node listens to no others")
	}
	ago, known := p.env.Heard(p.kind.Node)
	switch {
	case !known:
		return failedf("%s was never heard, wanted within %s", p.kind.Node, p.kind.Within)
	case ago > p.kind.Within:
		return failedf("heard %s ago, wanted within %s", ago.Round(100*time.Millisecond), p.kind.Within)
	}
	return passedf("heard %s ago", took(ago))
}
