package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
)

// sink is where the writer puts lines. Write takes whole lines and either
// keeps all of them or none.
type sink interface {
	Write(lines []byte) error
	Close() error
}

// How long the writer waits after a disk error before it tries again.
const (
	retryMin = time.Second
	retryMax = 30 * time.Second
)

// follow is the writer's goroutine: it takes entries from the ring in order
// and gives them to the disk. It advances only past what the disk kept, so
// once a full disk has room again nothing is missing that the ring still has.
func (j *Journal) follow(s sink, written uint64) {
	defer close(j.done)
	defer s.Close()
	retry := retryMin
	for {
		var again <-chan time.Time
		wake := j.wake
		if err := j.drain(s, &written); err != nil {
			// Entries that arrive meanwhile must not turn into a
			// storm of attempts.
			again, wake = time.After(retry), nil
			retry = min(2*retry, retryMax)
		} else {
			retry = retryMin
		}
		select {
		case <-wake:
		case <-again:
		case <-j.stop:
			// What is lost here is told by Err, which Close returns.
			_ = j.drain(s, &written)
			return
		}
	}
}

// drain writes everything that the disk does not have yet.
func (j *Journal) drain(s sink, written *uint64) error {
	for {
		batch, lost := j.pending(*written)
		if len(batch) == 0 {
			return nil
		}
		if err := j.write(s, batch); err != nil {
			return err
		}
		*written = batch[len(batch)-1].ID
		if lost > 0 {
			j.Append(api.Event{
				Kind: "daemon", Code: CodeLost,
				Reason: fmt.Sprintf("%d journal entries never reached the disk, which did not keep up", lost),
			})
		}
	}
}

// pending returns the next entries to write and how many were overwritten in
// the ring before they could be.
func (j *Journal) pending(written uint64) (batch []*api.Event, lost uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	batch, _ = j.ring.after(written, chunk, nil)
	if len(batch) > 0 {
		lost = batch[0].ID - written - 1
	}
	return batch, lost
}

// write hands a batch to the disk and keeps the books about trouble.
func (j *Journal) write(s sink, batch []*api.Event) error {
	var lines bytes.Buffer
	enc := json.NewEncoder(&lines)
	enc.SetEscapeHTML(false)
	for _, ev := range batch {
		if err := enc.Encode(ev); err != nil {
			// Only a time outside the years 0..9999 does that; the
			// other entries must not wait for it.
			continue
		}
	}
	j.mu.Lock()
	j.busy = time.Now()
	j.mu.Unlock()

	err := s.Write(lines.Bytes())

	j.mu.Lock()
	before := j.trouble
	j.trouble, j.busy = err, time.Time{}
	j.mu.Unlock()
	switch {
	case err != nil && before == nil:
		j.Append(api.Event{Kind: "daemon", Code: CodeTrouble, Reason: fmt.Sprintf("%v; entries are kept in memory until it works again", err)})
	case err == nil && before != nil:
		j.Append(api.Event{Kind: "daemon", Code: CodeRecovered, Reason: "the journal is written to disk again"})
	}
	return err
}
