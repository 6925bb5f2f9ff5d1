package group

// A leased set is elected by a record in a store that the nodes share (package
// lease), not by adverts. To the set that is a mandate like any other: it
// wants it as long as it is fit, claims when it has it, keeps its doors within
// it, and gives it back when they are closed. Its routers are states and
// timers as they always are, and the caller sends nothing of what they say: so
// they hear nobody, and the way of a claim and of a leave is one for all.
//
// Who follows a leave is not heard on the wire, either: the store tells.

func (s *Set) leased() bool { return s.groups[0].Leased }

// follow notes who follows this node.
func (s *Set) follow() { s.leave.heard, s.leave.heir = s.primary(), s.tenant }

// followed reports whether somebody does.
func (l *leave) followed() bool { return l.heard.IsValid() || l.heir != "" }

// succession is what is known of that node, in words.
func (l *leave) succession() string {
	if l.heir != "" {
		return l.heir + " has the lease,"
	}
	return l.heard.String() + " is active,"
}

// rank is the priority that a mandate is asked for with. Who lacks something
// takes a lease that nobody has, and no other.
func (s *Set) rank() uint8 {
	if s.leased() && s.behind() {
		return 1
	}
	return s.members[s.lead].router.Priority()
}

// wantAgain asks with another priority.
func (s *Set) wantAgain() {
	if s.wanting && s.leased() {
		s.emit(Action{Kind: ActionWant, Router: s.lead, Priority: s.rank()})
	}
}
