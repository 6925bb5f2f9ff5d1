package daemon

import (
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/watchdog"
)

// dog does with the watchdog what the engine says. A device may take
// milliseconds for a word, so it has a goroutine of its own; what it feeds on
// still comes from the engine's loop alone.
type dog struct {
	opt    watchdog.Options
	engine func() *engine.Engine
	note   func(api.Event)
	words  chan dogWord
	ended  chan struct{}

	device *watchdog.Device // nil: it is not open
	usable string           // what was told last: why it cannot be armed
	told   bool
	failed bool // feeding it failed, which was noted
}

type dogWord uint8

const (
	dogArm dogWord = iota
	dogFeed
	dogDisarm
	dogEnd
)

// dogLook is how often it is looked whether the device is there.
const dogLook = 5 * time.Second

func (d *Daemon) newDog(cfg *config.Config) *dog {
	return &dog{
		opt:    watchdog.Options{Path: cfg.Watchdog.Device, Timeout: cfg.Watchdog.Timeout, Pretimeout: cfg.Watchdog.Pretimeout},
		engine: func() *engine.Engine { return d.engine }, note: d.note,
		words: make(chan dogWord, 16), ended: make(chan struct{}),
	}
}

// Arm, Feed and Disarm are engine.Watchdog.
func (w *dog) Arm() { w.words <- dogArm }

// Feed leaves out a meal where the last one was not eaten yet.
func (w *dog) Feed() {
	if len(w.words) == 0 {
		w.words <- dogFeed
	}
}

func (w *dog) Disarm() { w.words <- dogDisarm }

// run is its goroutine. asked tells whether a group of the file asks for it:
// nobody else's device is touched.
func (w *dog) run(asked func() bool) {
	defer close(w.ended)
	look := time.NewTicker(dogLook)
	defer look.Stop()
	if asked() {
		w.look()
	}
	for {
		select {
		case word := <-w.words:
			if word == dogEnd {
				return
			}
			w.obey(word)
		case <-look.C:
			if asked() {
				w.look()
			}
		}
	}
}

func (w *dog) obey(word dogWord) {
	switch {
	case word == dogArm:
		w.engine().Armed(w.open())
	case w.device == nil:
	case word == dogFeed:
		err := w.device.Feed()
		if err != nil && !w.failed {
			w.note(api.Event{Kind: "notice", Code: "HF2211", Reason: err.Error() + ": this machine may be reset"})
		}
		w.failed = err != nil
	case word == dogDisarm:
		if err := w.device.Disarm(); err != nil {
			w.note(api.Event{Kind: "notice", Code: "HF2211", Reason: err.Error() + ": this machine may be reset"})
		}
		w.device = nil
		w.note(api.Event{Kind: "fence", Code: "HF2210", Reason: "the watchdog is stopped: nothing is held that it is for"})
	}
}

func (w *dog) open() error {
	if w.device != nil {
		return nil
	}
	device, err := watchdog.Open(w.opt)
	if err != nil {
		return err
	}
	w.device = device
	w.note(api.Event{Kind: "fence", Code: "HF2210", Reason: fmt.Sprintf("the watchdog runs: %s resets this machine %s after it was fed last", w.opt.Path, device.Timeout())})
	return nil
}

// look tells the engine whether the device could be used. One that runs although
// this process has not opened it was left so by one that died, or is another
// program's: opening it shows which, and feeds it in time.
func (w *dog) look() {
	if w.device != nil {
		return
	}
	info, err := watchdog.Look(w.opt.Path)
	left := err == nil && info.Running
	if left {
		err = w.open()
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	if w.told && text == w.usable && !left {
		return
	}
	w.usable, w.told = text, true
	w.engine().WatchdogUsable(err, left && err == nil)
}

// close ends the goroutine once it has done what the engine said last. A device
// that is still open then is left running: it is there for daemons that could
// not let go of everything.
func (w *dog) close(passed func() bool) {
	w.words <- dogEnd
	select {
	case <-w.ended:
	case <-time.After(dogLook):
		return // the device does not answer
	}
	if w.device == nil {
		return
	}
	if !passed() {
		w.note(api.Event{Kind: "notice", Code: "HF2211", Reason: fmt.Sprintf("the watchdog goes on: this machine is reset in %s", w.device.Timeout())})
	}
	w.device.Abandon()
}

func asksWatchdog(cfg *config.Config) bool {
	for i := range cfg.Groups {
		if cfg.Groups[i].Fence.Watchdog {
			return true
		}
	}
	return false
}

// startDog makes it and lets it work, once there is an engine to tell. A process
// that goes on in the place of another one leaves the device alone while that one
// may have it still: it would take that for another program's. The engine goes by
// what the other process knew of it, and opens it when it is free.
func (d *Daemon) startDog(w *dog) (end func()) {
	go w.run(func() bool {
		return (d.heir == nil || d.heir.gone.Load()) && asksWatchdog(d.current.Load().cfg)
	})
	return func() { w.close(func() bool { return d.passed }) }
}

var _ engine.Watchdog = (*dog)(nil)
