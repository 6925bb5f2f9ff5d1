package guardian

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Keeper sees to it that a daemon has a guardian.
type Keeper struct {
	Tap   *Tap
	Hello Hello
	// Command is what starts a guardian. The Keeper puts the socket before
	// its ExtraFiles, right after the usual three.
	Command func() *exec.Cmd
	// Note takes what a person should know, in words.
	Note func(text string)

	mu     sync.Mutex
	line   *line  // to the one that there is
	handOn bool   // see HandOn
	pid    int    // of the one that is ready
	state  string // why there is none, or what it lacks
}

// State is the guardian's process, 0 while there is none, and what it lacks.
func (k *Keeper) State() (pid int, detail string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.pid, k.state
}

// HandOn tells the guardian that another process takes over all that is held
// here. When this one ends, in whatever way, the guardian sees to it that the
// other one lives, and only where it does not does what it is there for.
func (k *Keeper) HandOn() { k.handingOn(true, Farewell{LivesOn: true}) }

// KeepOn takes HandOn back.
func (k *Keeper) KeepOn() { k.handingOn(false, k.Hello) }

func (k *Keeper) handingOn(on bool, r Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.handOn = on
	if k.line != nil {
		k.line.send(Append(nil, r))
	}
}

func (k *Keeper) use(l *line) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.line = l
	k.Tap.use(l)
}

func (k *Keeper) farewell() Farewell {
	k.mu.Lock()
	defer k.mu.Unlock()
	return Farewell{LivesOn: k.handOn}
}

func (k *Keeper) set(pid int, state string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pid, k.state = pid, state
}

// last is how long the Keeper waits for a guardian that was told farewell.
const last = time.Second

// Run keeps a guardian until ctx ends, and then sends it away. It calls ready
// when the first one is ready, or cannot be started.
func (k *Keeper) Run(ctx context.Context, ready func()) {
	once := sync.OnceFunc(ready)
	defer once()
	deaths := uint8(0)
	for {
		begun := time.Now()
		err := k.once(ctx, once)
		once()
		if ctx.Err() != nil {
			return
		}
		if time.Since(begun) >= soon {
			deaths = 0
		}
		k.set(0, err.Error())
		k.Note(err.Error())
		select {
		case <-ctx.Done():
			return
		case <-time.After(delay(deaths)):
		}
		deaths = next(deaths)
	}
}

// once starts a guardian and stays with it to its end.
func (k *Keeper) once(ctx context.Context, ready func()) error {
	l, theirs, err := newLine()
	if err != nil {
		return fmt.Errorf("cannot start a guardian: %w", err)
	}
	defer l.close()
	cmd := k.Command()
	cmd.ExtraFiles = append([]*os.File{theirs}, cmd.ExtraFiles...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C is not for it
	err = cmd.Start()
	_ = theirs.Close()
	if err != nil {
		return fmt.Errorf("cannot start a guardian: %w", err)
	}
	l.send(Append(nil, k.Hello))
	k.use(l)
	defer k.use(nil)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	go k.hear(l, cmd.Process.Pid, ready)
	select {
	case err = <-ended:
		return fmt.Errorf("the guardian (process %d) ended: %w", cmd.Process.Pid, orElse(err, errors.New("it does not say why")))
	case <-ctx.Done():
	}
	l.send(Append(nil, k.farewell()))
	_ = l.hangUp()
	select {
	case <-ended:
	case <-time.After(last):
		_ = cmd.Process.Kill()
		<-ended
	}
	return nil
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// hear waits for the guardian's answer.
func (k *Keeper) hear(l *line, pid int, ready func()) {
	b := make([]byte, maxDatagram)
	for {
		n, err := l.receive(b)
		if err != nil {
			return
		}
		records, err := Parse(b[:n])
		if err != nil {
			return // it will end by itself
		}
		for _, r := range records {
			if r, ok := r.(Ready); ok {
				k.set(pid, r.Trouble)
				ready()
			}
		}
	}
}
