package sim

import "time"

// kind says what an event does.
type kind uint8

const (
	atSwitch   kind = iota // frame reaches the switch of LAN lan from port
	atPort                 // frame reaches port of LAN lan
	wakeSet                // the timer of set index of node
	talk                   // the hellos of node
	carried                // node's kernel has carried out order
	posted                 // a function of node's process, or of the world
	probe                  // client index sends its probes
	boot                   // node's process has prepared its interfaces
	wakePlain              // the timer of router index of a plain node
	wakeSights             // the timer of node's sessions of BFD
)

// event is something that will happen.
type event struct {
	at    time.Duration
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

// queue is a heap of events by time. The heap moves places, which are small and
// hold no pointers; the events themselves stay where they are.
type queue struct {
	heap   []place
	events []event
	free   []int32 // of events
	seq    uint64
}

// place is where an event is. Events of one instant happen in the order of
// their making.
type place struct {
	at  time.Duration
	seq uint64
	of  int32
}

func (q *queue) push(e event) {
	q.seq++
	of := int32(len(q.events))
	if n := len(q.free); n > 0 {
		of, q.free = q.free[n-1], q.free[:n-1]
		q.events[of] = e
	} else {
		q.events = append(q.events, e)
	}
	p := place{at: e.at, seq: q.seq, of: of}
	q.heap = append(q.heap, p)
	i := len(q.heap) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !p.before(&q.heap[up]) {
			break
		}
		q.heap[i] = q.heap[up]
		i = up
	}
	q.heap[i] = p
}

// next is when the next event happens; there is one.
func (q *queue) next() time.Duration { return q.heap[0].at }

func (q *queue) empty() bool { return len(q.heap) == 0 }

func (q *queue) pop() event {
	of := q.heap[0].of
	last := len(q.heap) - 1
	p := q.heap[last]
	q.heap = q.heap[:last]
	for i := 0; last > 0; {
		c := 2*i + 1
		if c+1 < last && q.heap[c+1].before(&q.heap[c]) {
			c++
		}
		if c >= last || !q.heap[c].before(&p) {
			q.heap[i] = p
			break
		}
		q.heap[i] = q.heap[c]
		i = c
	}
	e := q.events[of]
	q.events[of] = event{}
	q.free = append(q.free, of)
	return e
}

func (a *place) before(b *place) bool { return a.at < b.at || a.at == b.at && a.seq < b.seq }
