package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/holdfast-net/holdfast/internal/api"
)

// Read returns the newest entries of the journal that was kept in dir, oldest
// first and at most limit (0: all). It needs no daemon, and one may be
// writing meanwhile: this is for looking into what happened before a node
// went down.
func Read(dir string, limit int) ([]api.Event, error) {
	if _, err := os.Stat(fileName(dir, 0)); err != nil {
		return nil, fmt.Errorf("cannot read journal in %s: %w", dir, bare(err))
	}
	files := 1
	for ; files < 1000; files++ {
		if _, err := os.Stat(fileName(dir, files)); err != nil {
			break
		}
	}
	refs, err := load(dir, files, limit)
	if err != nil {
		return nil, fmt.Errorf("cannot read journal in %s: %w", dir, bare(err))
	}
	out := make([]api.Event, len(refs))
	for i, ev := range refs {
		out[i] = *ev
	}
	return out, nil
}

// load reads the newest entries, at most limit (0: all), oldest first. It
// begins at the end, so that a start does not parse what it would drop.
// Lines that are not entries (torn by a crash, or by hand) are skipped, and
// so is an entry whose ID does not fit between its neighbours.
func load(dir string, files, limit int) ([]*api.Event, error) {
	var newest []*api.Event // newest first
	below := uint64(0)      // the ID of the entry after; 0: none yet
	for i := range files {
		data, err := os.ReadFile(fileName(dir, i))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for len(data) > 0 && (limit <= 0 || len(newest) < limit) {
			var line []byte
			data, line = cutLast(data)
			ev := new(api.Event)
			if json.Unmarshal(line, ev) != nil || ev.ID == 0 || (below > 0 && ev.ID >= below) {
				continue
			}
			newest = append(newest, ev)
			below = ev.ID
		}
	}
	slices.Reverse(newest)
	return newest, nil
}

// cutLast takes the last line off data.
func cutLast(data []byte) (rest, line []byte) {
	data = bytes.TrimSuffix(data, []byte{'\n'})
	if i := bytes.LastIndexByte(data, '\n'); i >= 0 {
		return data[:i+1], data[i+1:]
	}
	return nil, data
}
