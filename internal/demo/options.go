package demo

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/holdfast-net/holdfast/vrrp"
)

// Options is how a demo is run.
type Options struct {
	Interval time.Duration // of the adverts; 0: 100ms
	JSON     bool          // one document instead of the show
	Keep     bool          // leave the lab up until Enter or a signal
	Version  string        // of this program

	In       io.Reader // nil: os.Stdin
	Out, Err io.Writer // nil: os.Stdout, os.Stderr

	// Executable is the holdfast that the nodes run; "": this one.
	Executable string
	// Args makes Executable call Run with the same Options again, in the copy
	// of it that builds the lab; nil: os.Args without the first.
	Args []string
}

// DefaultInterval is short enough for a demo that takes twenty seconds.
const DefaultInterval = 100 * time.Millisecond

func (o *Options) complete() error {
	if o.Interval == 0 {
		o.Interval = DefaultInterval
	}
	if o.Interval < vrrp.MinInterval || o.Interval > vrrp.MaxInterval {
		return fmt.Errorf("cannot run a demo with adverts every %v: %v to %v are possible",
			o.Interval, vrrp.MinInterval, vrrp.MaxInterval)
	}
	if o.In == nil {
		o.In = os.Stdin
	}
	if o.Out == nil {
		o.Out = os.Stdout
	}
	if o.Err == nil {
		o.Err = os.Stderr
	}
	if o.Args == nil {
		o.Args = os.Args[1:]
	}
	if o.Executable != "" {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot run a demo: cannot find this program's own file: %w", err)
	}
	o.Executable = self
	return nil
}
