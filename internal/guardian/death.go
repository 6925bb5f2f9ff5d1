package guardian

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Death is what a guardian leaves for the daemon's next run to tell.
type Death struct {
	Noticed time.Time     // when the guardian knew
	Fate    string        // how the kernel says that it ended; empty: it does not
	Closed  bool          // the gates were closed
	Said    time.Duration // from Noticed until priority 0 was said
	Routers int           // in the name of how many virtual routers
	Failed  int           // packets that could not be sent
	Swept   time.Duration // from Noticed until everything was removed
	Removed int           // how many things
	Sweep   string        // what could not be
}

// String tells it.
func (d Death) String() string {
	return fmt.Sprintf("the run before this one died without a word at %s (%s); its guardian %s",
		d.Noticed.Format("15:04:05.000"), d.fate(), d.did())
}

func (d Death) fate() string {
	if d.Fate == "" {
		return "the kernel does not say how"
	}
	return d.Fate
}

// did is what the guardian did.
func (d Death) did() string {
	text := fmt.Sprintf("said priority 0 for %d virtual routers after %s and removed %d things within %s",
		d.Routers, milliseconds(d.Said), d.Removed, milliseconds(d.Swept))
	if d.Closed {
		text = "closed the gates, " + text
	}
	if d.Failed > 0 {
		text += fmt.Sprintf("; %d adverts could not be sent", d.Failed)
	}
	if d.Sweep != "" {
		text += "; something is left: " + d.Sweep
	}
	return text
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// file is where the word for the next run is.
func file(dir, name string) string { return filepath.Join(dir, name+".died") }

func (d Death) write(dir, name string) error {
	b, err := json.Marshal(d)
	if err == nil {
		err = os.WriteFile(file(dir, name), b, 0o600)
	}
	if err != nil {
		return fmt.Errorf("cannot leave word for the next run: %w", err)
	}
	return nil
}

// LastDeath is what a guardian left for this run, and is told once.
func LastDeath(dir, name string) (d Death, died bool, err error) {
	b, err := os.ReadFile(file(dir, name))
	if errors.Is(err, os.ErrNotExist) {
		return d, false, nil
	}
	if err == nil {
		err = errors.Join(os.Remove(file(dir, name)), json.Unmarshal(b, &d))
	}
	if err != nil {
		return d, false, fmt.Errorf("cannot read how the last run died: %w", err)
	}
	return d, true, nil
}
