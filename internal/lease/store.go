package lease

import "time"

// Revision names one state of one record in a store. Only equality means
// anything: etcd's is a number, that of Kubernetes may be anything.
type Revision string

// Absent is the revision of a record that is not there.
const Absent Revision = "absent"

// Found is a record as the store had it at some instant between the question
// and the answer. Where it is Absent the Record is zero.
type Found struct {
	Revision Revision
	Record   Record
}

// Condition says what has to be in the store for a Swap to take effect.
type Condition struct {
	// Revision is what is there.
	Revision Revision
	// After is used where Revision is empty: what is there is this record,
	// which this node wrote a moment ago and has no answer about yet. A store
	// that can compare values (etcd) does so; another one waits for that
	// earlier answer, and uses its revision.
	After *Record
}

// Query is something that a [Candidate] asks of the store. It is answered by
// one [Answer] with the same Serial, late, never or in any order: nothing
// depends on that but how soon things move.
type Query struct {
	Kind   QueryKind
	Serial uint64
	If     Condition     // Swap
	Record Record        // Swap
	Within time.Duration // an answer is of no use after that
}

// QueryKind names what is asked.
type QueryKind uint8

const (
	// Get reads the record. What it gives is what the store had after it was
	// asked: a majority's, not the memory of one member.
	Get QueryKind = iota
	// Swap replaces the record if the condition is met, atomically.
	Swap
	// Watch has each change of the record reported by Changed, with Serial 0,
	// from now on: late, twice, or not at all where another one follows. Its
	// answer comes when that has ended.
	Watch
)

// Answer is what the store said.
type Answer struct {
	Kind   QueryKind
	Serial uint64
	// OK says that a Swap took effect. Without OK and without Err it did not,
	// and will not.
	OK bool
	// Found is what was read; after a Swap what is there now. After one that
	// did not take effect its Revision may be empty, where the store does not
	// say.
	Found Found
	// Err says that nothing is known: a Swap may have taken effect, or may
	// still do so.
	Err error
}
