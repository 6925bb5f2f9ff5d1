package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Report is how a cluster's store is.
type Report struct {
	Leader  string // empty: nobody leads, as far as is known
	Members []Member
}

// Member is one, as the file, the store and it itself have it.
type Member struct {
	Name    string
	Address string // where clients ask it
	ID      uint64 // in the store; 0: it is none there
	Listed  bool   // in the file
	Learner bool   // it has no vote yet
	Begun   bool   // it has been there once
	Word    *Word  // what it says; nil: nothing
	Trouble string // what is wrong with it; empty: nothing
	Hint    string // what to do about it
}

// Answers says whether a member takes part in decisions.
func (m *Member) Answers() bool {
	return m.ID != 0 && !m.Learner && m.Word != nil && m.Word.State == Running && m.Word.Leader != ""
}

func (r *Report) member(name string) *Member {
	for i := range r.Members {
		if r.Members[i].Name == name {
			return &r.Members[i]
		}
	}
	return nil
}

// votes are how many members have a vote, and how many of them answer.
func (r *Report) votes() (all, answer int) {
	for i := range r.Members {
		if m := &r.Members[i]; m.ID != 0 && !m.Learner {
			all++
			if m.Answers() {
				answer++
			}
		}
	}
	return all, answer
}

// Majority says whether the store can agree on something.
func (r *Report) Majority() bool {
	all, answer := r.votes()
	return r.Leader != "" && 2*answer > all
}

// errNeeded is the error of a change that takes too much.
var errNeeded = errors.New("the store would have no majority")

// spare says whether the others can do without a member.
func (r *Report) spare(name string) error {
	all, answer := r.votes()
	m := r.member(name)
	if m.Learner {
		return nil
	}
	all--
	if m.Answers() {
		answer--
	}
	if all == 0 {
		return fmt.Errorf("%s is the only member", name)
	}
	if 2*answer <= all {
		return fmt.Errorf("%w: without %s %d of %d would answer", errNeeded, name, answer, all)
	}
	return nil
}

// Status asks all members at their doors.
func (a *Admin) Status(ctx context.Context) *Report {
	ctx, cancel := context.WithTimeout(ctx, askBound+time.Second)
	defer cancel()
	heard, silent := a.doors.AskAll(ctx, a.spec.Peers)
	return report(&a.spec, heard, silent)
}

// report puts together what the file, the members and their silence say.
func report(s *Spec, heard map[string]*Word, silent map[string]error) *Report {
	r := &Report{}
	var best *Word
	for _, p := range s.Peers {
		if w := heard[p.Name]; w != nil && w.State == Running && (best == nil || better(w, best)) {
			best = w
		}
	}
	for _, p := range s.Peers {
		m := Member{Name: p.Name, Address: p.Addr.String(), Listed: true, Word: heard[p.Name]}
		if err := silent[p.Name]; err != nil {
			m.Trouble = fmt.Sprintf("it does not answer: %v", err)
		}
		r.Members = append(r.Members, m)
	}
	if best != nil {
		r.Leader = best.Leader
		for _, i := range best.Members {
			r.place(s, i)
		}
	}
	for i := range r.Members {
		r.judge(s, &r.Members[i], best)
	}
	return r
}

func better(w, than *Word) bool {
	if (w.Leader != "") != (than.Leader != "") {
		return w.Leader != ""
	}
	return w.Term > than.Term || w.Term == than.Term && w.Applied > than.Applied
}

// place finds the member of the file that one of the store is.
func (r *Report) place(s *Spec, i Info) {
	p, listed := s.byURL(i.PeerURL)
	at := slices.IndexFunc(r.Members, func(m Member) bool { return listed && m.Name == p.Name })
	if at < 0 {
		name := i.Name
		if name == "" {
			name = i.PeerURL
		}
		r.Members = append(r.Members, Member{Name: name, Address: i.PeerURL})
		at = len(r.Members) - 1
	}
	m := &r.Members[at]
	m.ID, m.Learner, m.Begun = i.ID, i.Learner, i.Name != ""
}

// judge says what is wrong with a member and what to do.
func (r *Report) judge(s *Spec, m *Member, best *Word) {
	w := m.Word
	switch {
	case m.ID != 0 && !m.Listed:
		m.Trouble, m.Hint = "it is a member of the store, and not in the file", "add it to the file of all nodes, or run holdfast cluster shrink "+m.Name
	case m.Trouble != "":
		m.Hint = "see that its daemon runs, and that TCP reaches its three ports; where its disk is lost, run holdfast cluster replace " + m.Name + " once it runs"
	case w.State == Apart && best != nil && m.ID == 0:
		m.Trouble, m.Hint = w.Text, "run holdfast cluster grow "+m.Name
	case w.State == Apart && best != nil:
		m.Trouble, m.Hint = w.Text, "run holdfast cluster replace "+m.Name
	case w.State != Running:
		m.Trouble = w.Text
	case m.Learner:
		m.Trouble = "it is catching up, and has no vote yet"
	case w.Leader == "":
		m.Trouble, m.Hint = "it has no leader", "the store needs a majority of its members"
	case slices.Contains(w.Alarms, "CORRUPT"):
		m.Trouble, m.Hint = "its data is not that of the others", "run holdfast cluster replace "+m.Name
	case slices.Contains(w.Alarms, "NOSPACE"):
		m.Trouble, m.Hint = fmt.Sprintf("the database has reached its bound of %d MiB (%d in use) and takes nothing more", quota>>20, w.InUse>>20),
			"find out who writes so much; it goes on by itself within a minute or two after that has ended"
	case w.Disk.IsSlow(s.Heartbeat):
		m.Trouble = fmt.Sprintf("its disk is slow: a write took up to %s in the last minute, and an election begins after %s", w.Disk.Slowest, electionBeats*s.Heartbeat)
		m.Hint = "put state: on a faster disk, or give the cluster a longer heartbeat"
	case w.List != s.list():
		m.Trouble, m.Hint = "its file names other nodes, witnesses or addresses of the cluster than this one", "make the cluster the same in all files"
	}
}
