package lease

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Record is what the store keeps of a lease: one small value, replaced as a
// whole.
type Record struct {
	// Format is the version of this layout. A node that reads a newer one
	// does not touch it.
	Format int `json:"format"`
	// Holder is the node that holds, empty where nobody does. Instance is its
	// process, or the one that wrote last that nobody holds.
	Holder   string `json:"holder,omitempty"`
	Instance string `json:"instance"`
	// Place is the machine's gate that Instance commands, where it has a name.
	Place string `json:"place,omitempty"`
	// Epoch grows with each hold that begins, also with one of the same node:
	// it is the fencing token.
	Epoch uint64 `json:"epoch"`
	// Renewal grows with everything that is written but an Ask, whoever
	// writes it. With Instance it names a writing, and tells a record that was
	// written from one that came back from a backup.
	Renewal uint64 `json:"renewal"`
	// Term is how long the others wait after they have seen a renewal.
	Term time.Duration `json:"term_ns"`
	// Priority is the holder's, with what it has for being the holder.
	Priority int `json:"priority,omitempty"`
	// Chosen says that an operator made the holder what it is: nobody asks it
	// to hand over.
	Chosen bool `json:"chosen,omitempty"`
	// Anew marks the first record where there was none. There may have been
	// one before, by which somebody still holds: nobody claims over this one
	// until a term after it was seen.
	Anew bool `json:"anew,omitempty"`
	// Next may claim first, where nobody holds.
	Next string `json:"next,omitempty"`
	// Owed are nodes that held, let their hold run out, and were not fenced
	// since, with commas between them. See Config.Fences.
	Owed string `json:"owed,omitempty"`
	// Ask is of the best node that would rather hold itself.
	Ask *Ask `json:"ask,omitempty"`
}

// Ask is a request to the holder to hand over.
type Ask struct {
	Node     string `json:"node"`
	Priority int    `json:"priority"`
}

// Format is the layout that this package writes.
const Format = 1

// Bounds of a term. Below the shortest one the delays of ordinary stores and
// schedulers are most of it.
const (
	MinTerm = 200 * time.Millisecond
	MaxTerm = time.Hour
)

// ErrNewer is the error of a record of a newer layout.
var ErrNewer = errors.New("it was written by a newer holdfast")

// Append encodes the record. Equal records have equal encodings.
func (r *Record) Append(b []byte) []byte {
	data, err := json.Marshal(r)
	if err != nil {
		panic(err) // there is nothing in it that JSON does not have
	}
	return append(b, data...)
}

// Parse reads a record.
func Parse(data []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return Record{}, fmt.Errorf("cannot read lease: %w", err)
	}
	switch {
	case r.Format > Format:
		return Record{}, fmt.Errorf("cannot read lease: %w (format %d)", ErrNewer, r.Format)
	case r.Format < 1:
		return Record{}, errors.New("cannot read lease: it has no format")
	case r.Term < MinTerm || r.Term > MaxTerm:
		return Record{}, fmt.Errorf("cannot read lease: its term of %s is none (%s to %s)", r.Term, MinTerm, MaxTerm)
	case r.Instance == "":
		return Record{}, errors.New("cannot read lease: nobody has written it")
	}
	return r, nil
}
