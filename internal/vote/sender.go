package vote

import "slices"

// maxSenders bounds the nodes that a voter remembers. Only who has the key
// gets a place.
const maxSenders = 64

// sender is a node that asks.
type sender struct {
	name    string
	id      NameHash
	place   int
	session uint64 // of its present process; 0: none yet
	token   uint64
	next    uint64 // the generation that its next process will have
	heard   Instant
	voters  uint64 // fingerprint of the voters that it counts
	floor   uint64 // the last stamp on a ballot that was forgotten
}

// senders are the nodes that asked a voter.
//
// A token says that an ask was made in this run of the voter, by a process
// that is the node's latest: each process of a node has a generation, and a
// token is given out for the present process with its own generation and for
// any other with the next one. Once the other has used it, the generation
// moves on, and what the former process sent, though its token was right,
// counts no more.
type senders struct {
	list        []*sender
	mint        minter
	generations uint64 // given out; never twice, also not to a node that was forgotten
}

// find returns the node of a signed message, with a new place for a new one.
// It is nil where there are too many.
func (s *senders) find(name []byte, now Instant, idle func(*sender) bool) *sender {
	for _, x := range s.list {
		if x.name == string(name) {
			return x
		}
	}
	x := &sender{name: string(name), id: HashName(string(name)), place: len(s.list), heard: now}
	x.next = s.generation()
	if len(s.list) < maxSenders {
		s.list = append(s.list, x)
		return x
	}
	// The one not heard for longest makes room, if nothing is promised to it.
	var oldest *sender
	for _, y := range s.list {
		if idle(y) && (oldest == nil || y.heard < oldest.heard) {
			oldest = y
		}
	}
	if oldest == nil {
		return nil
	}
	x.place = oldest.place
	s.list[x.place] = x
	return x
}

func (s *senders) generation() uint64 {
	s.generations++
	return s.generations
}

// admit says whether an ask with this token is from the node's latest
// process. fresh means that it is the first one of a new process.
func (s *senders) admit(x *sender, session, token uint64) (ok, fresh bool) {
	if session == x.session {
		return token == x.token, false
	}
	if token != s.tokenFor(x, session) {
		return false, false
	}
	x.session, x.token, x.floor = session, token, 0
	x.next = s.generation()
	return true, true
}

// tokenFor is the token that a process of the node has to show.
func (s *senders) tokenFor(x *sender, session uint64) uint64 {
	if session == x.session {
		return x.token
	}
	return s.mint.mint(x.name, session, x.next)
}

// heardSince lists the nodes that asked since an instant.
func (s *senders) heardSince(t Instant) []*sender {
	return slices.DeleteFunc(slices.Clone(s.list), func(x *sender) bool { return x.session == 0 || x.heard < t })
}
