package proxy

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// sessions bounds the sessions of datagrams of all loops. Each has a descriptor,
// and anybody can begin one with a forged address: without a bound a flood of
// them would leave none for connections.
type sessions struct {
	most int64
	now  atomic.Int64
}

// mostSessions is also what a process with more descriptors has.
const mostSessions = 1 << 16

// newSessions leaves half of the descriptors to connections.
func newSessions() *sessions {
	most := int64(mostSessions)
	var of unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &of) == nil {
		most = min(most, int64(min(of.Cur/2, mostSessions)))
	}
	return &sessions{most: most}
}

// take counts one more, unless there are as many as there may be.
func (s *sessions) take() bool {
	if s.now.Add(1) > s.most {
		s.now.Add(-1)
		return false
	}
	return true
}

func (s *sessions) give() { s.now.Add(-1) }

// place has a new session counted. Where there is no room, the oldest of this
// loop that nobody has answered yet makes some: so a flood pushes out its own.
func (l *loop) place(s *service) bool {
	for !l.sessions.take() {
		oldest := l.unanswered.Front()
		if oldest == nil {
			s.crowded.Add(1)
			return false
		}
		x := oldest.Value.(*session)
		x.socket.service.displaced.Add(1)
		x.end()
	}
	return true
}

// heard notes that a session was answered: it makes room for nobody any more.
func (s *session) heard() {
	if s.waits != nil {
		s.socket.loop.unanswered.Remove(s.waits)
		s.waits = nil
	}
}
