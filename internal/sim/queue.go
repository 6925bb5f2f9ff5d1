package sim

import "time"

// kind says what an event does.
type kind uint8

const (
	atSwitch  kind = iota // frame reaches the switch of LAN lan from port
	atPort                // frame reaches port of LAN lan
	wakeSet               // the timer of set index of node
	talk                  // the hellos of node
	carried               // node's kernel has carried out order
	posted                // a function of node's process, or of the world
	probe                 // client index sends its probes
	boot                  // node's process has prepared its interfaces
	wakePlain             // the timer of router index of a plain node
)

// event is something that will happen.
type event struct {
	at    time.Duration
	seq   uint64 // events of one instant happen in the order of their making
	kind  kind
	lan   uint8
	port  uint8
	index uint16 // set, client or router
	node  uint16
	life  uint32 // of the process that it concerns
	frame *frame
	order order
	post  func()
}

// queue is a heap of events by time.
type queue struct {
	events []event
	seq    uint64
}

func (q *queue) push(e event) {
	q.seq++
	e.seq = q.seq
	q.events = append(q.events, e)
	i := len(q.events) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !q.less(i, up) {
			break
		}
		q.events[i], q.events[up] = q.events[up], q.events[i]
		i = up
	}
}

func (q *queue) pop() event {
	top := q.events[0]
	last := len(q.events) - 1
	q.events[0] = q.events[last]
	q.events[last] = event{}
	q.events = q.events[:last]
	i := 0
	for {
		c := 2*i + 1
		if c >= last {
			return top
		}
		if c+1 < last && q.less(c+1, c) {
			c++
		}
		if !q.less(c, i) {
			return top
		}
		q.events[i], q.events[c] = q.events[c], q.events[i]
		i = c
	}
}

func (q *queue) less(i, j int) bool {
	a, b := &q.events[i], &q.events[j]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}
