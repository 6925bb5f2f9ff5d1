package bpf

// reminders is how many times in its timeout another node is told of a flow
// that lives: it sees no packets, and would forget the flow before this one
// does.
const reminders = 4

// remind tells again of an established flow when its moment came since the last
// sweep, if it was seen since the moment before. All flows have different
// moments, so no sweep tells of all at once.
func (p *Plane) remind(k flowKey, f flow, now uint64) {
	if f.Ends&mirrored != 0 || p.swept == 0 || p.watcher.Load() == nil {
		return
	}
	every := max(uint64(p.ownTimeout(k, f, true)/reminders), 1)
	moment := k.moment(every)
	if (now+moment)/every == (p.swept+moment)/every || now-min(f.Seen, now) > every+uint64(interval) {
		return
	}
	p.tell(k, f, toldFlow)
}

func (p *Plane) tell(k flowKey, f flow, what uint32) {
	if w := p.watcher.Load(); w != nil {
		w.tell(k, f, what)
	}
}
