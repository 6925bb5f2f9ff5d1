package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/holdfast-net/holdfast/internal/engine"
	"github.com/holdfast-net/holdfast/internal/linux/gate"
)

// heirVariable tells a daemon that it is to go on in the place of the one that
// started it, and how many files of the gate it inherits, behind the socket to
// that one.
const heirVariable = "HOLDFAST_HEIR"

// Where an heir finds them.
const (
	willFD     = 3
	heirGateFD = 4
)

// willVersion is that of what the two processes say to each other.
const willVersion = 1

// offer is what the old process says first. The draft is what it holds now, for
// the other one to see whether it can go on with it.
type offer struct {
	Version int
	Program string // version of the old one
	PID     int
	Line    gate.LineID
	Draft   *engine.Estate
}

// word is what the new process answers, one after another: that it is ready,
// that it has taken everything over, that it has a guardian and can stand alone;
// or why not.
type word struct {
	Ready, Taken, Stands bool
	Program              string        `json:",omitempty"`
	Pause                time.Duration `json:",omitempty"` // Taken: since the estate was drawn up
	Error                string        `json:",omitempty"`
}

// will is one end of the socket between the two.
type will struct {
	conn *net.UnixConn
	in   *json.Decoder
	out  *json.Encoder
}

func newWill(f *os.File) (*will, error) {
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		_ = c.Close()
		return nil, errors.New("it is no socket")
	}
	return &will{u, json.NewDecoder(u), json.NewEncoder(u)}, nil
}

func (w *will) say(v any) error { return w.out.Encode(v) }

// hear waits for what the other one says next.
func (w *will) hear(v any, within time.Duration) error {
	var end time.Time
	if within > 0 {
		end = time.Now().Add(within)
	}
	_ = w.conn.SetReadDeadline(end)
	return w.in.Decode(v)
}

// predecessor is the process before this one, as its heir sees it.
type predecessor struct {
	*will
	files []*os.File // of the gate
	offer offer
	taken bool // it does not go on any more
	gone  atomic.Bool
}

// heir says whether this process is to take over from another one. The
// programs that it starts shall not think so, too.
func heir() (*predecessor, error) {
	text, is := os.LookupEnv(heirVariable)
	_ = os.Unsetenv(heirVariable)
	if !is {
		return nil, nil
	}
	files, err := strconv.Atoi(text)
	if err != nil || files < 0 || files > 64 {
		return nil, fmt.Errorf("cannot take over: %s is %q", heirVariable, text)
	}
	syscall.CloseOnExec(willFD)
	f := os.NewFile(willFD, "will")
	defer f.Close()
	p := &predecessor{}
	for i := range files {
		syscall.CloseOnExec(heirGateFD + i)
		p.files = append(p.files, os.NewFile(uintptr(heirGateFD+i), "gate"))
	}
	if p.will, err = newWill(f); err == nil {
		err = p.hear(&p.offer, 10*time.Second)
	}
	if err == nil && p.offer.Version != willVersion {
		err = fmt.Errorf("the other process speaks version %d, this one %d", p.offer.Version, willVersion)
	}
	if err != nil {
		return p, fmt.Errorf("cannot take over: %w", err)
	}
	return p, nil
}

// refuse tells the process before why this one does not take over.
func (p *predecessor) refuse(err error) {
	if p == nil || p.will == nil {
		return
	}
	text := err.Error()
	var bad *BadConfig
	if errors.As(err, &bad) {
		if ds := diagnostics(bad.Diagnostics); len(ds) > 0 {
			text += ": " + firstError(ds)
		}
	}
	_ = p.say(word{Error: text})
}
