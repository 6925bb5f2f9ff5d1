package guardian

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// againVariable tells a daemon that a guardian started it, how often in a row
// it has died, and where to say that it stands on its own feet.
const againVariable = "HOLDFAST_DEATHS"

// feetFD is where a daemon says so: it is the first file after the usual three.
const feetFD = 3

// soon is how long a daemon has to live for its death not to count as one in
// a row.
const soon = time.Minute

// delay is how long a guardian waits before a start, after so many deaths in
// a row: a daemon that cannot live must not keep its machine from working.
func delay(deaths uint8) time.Duration {
	if deaths == 0 {
		return 0
	}
	return min(time.Second<<min(deaths-1, 10), 10*time.Second)
}

// Starter starts a daemon again.
type Starter struct {
	// Start starts a program that inherits neither the real-time class nor
	// anything else that a guardian has.
	Start func(*exec.Cmd) error
	// Taken says that somebody else runs a daemon here by now.
	Taken func() bool
	Log   func(format string, args ...any)
}

// Again starts the daemon until one stands on its own feet, which means that
// it has a guardian of its own or does without, or until somebody else is at
// it or the guardian is told to end.
func (s Starter) Again(h Hello) {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGINT)
	signal.Reset(syscall.SIGHUP) // what is ignored stays so in programs that are started
	for deaths := h.Deaths; ; deaths = next(deaths) {
		select {
		case <-told:
			return
		case <-time.After(delay(deaths)):
		}
		if s.Taken() {
			s.Log("somebody else runs a daemon here: leaving it to them")
			return
		}
		stands, err := s.once(h, next(deaths), told)
		if stands {
			return
		}
		if err == nil {
			s.Log("the daemon was told to end before it had begun")
			return
		}
		s.Log("cannot start the daemon again: %v; the next try is in %s", err, delay(next(deaths)))
	}
}

func next(deaths uint8) uint8 { return min(deaths, 254) + 1 }

// once starts it once. No error means that it ended in order.
func (s Starter) once(h Hello, deaths uint8, told <-chan os.Signal) (stands bool, err error) {
	feet, theirs, err := os.Pipe()
	if err != nil {
		return false, err
	}
	defer feet.Close()
	defer theirs.Close()
	cmd := &exec.Cmd{Path: h.Program, Args: h.Argv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	if _, err := os.Stat(cmd.Path); err != nil {
		cmd.Path = "/proc/self/exe" // the file was removed: what runs is still there
	}
	cmd.Env = append(os.Environ(), againVariable+"="+strconv.Itoa(int(deaths)))
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	begun := time.Now()
	if err := s.Start(cmd); err != nil {
		return false, err
	}
	_ = theirs.Close()
	up := make(chan bool, 1)
	go func() {
		n, _ := feet.Read(make([]byte, 1))
		up <- n == 1
	}()
	for waiting := true; waiting; {
		select {
		case stands = <-up:
			waiting = false
		case sig := <-told:
			_ = cmd.Process.Signal(sig)
		}
	}
	if stands {
		return true, nil
	}
	if err := cmd.Wait(); err != nil {
		return false, fmt.Errorf("it ended after %s: %w", time.Since(begun).Round(time.Millisecond), err)
	}
	return false, nil
}

// Beginning is how a daemon came to be started.
type Beginning struct {
	Deaths uint8 // in a row, of runs before it
	feet   *os.File
	at     time.Time
}

// Begin reads it from the environment, and keeps it from the programs that
// this process starts.
func Begin() Beginning {
	b := Beginning{at: time.Now()}
	text, ok := os.LookupEnv(againVariable)
	_ = os.Unsetenv(againVariable)
	if n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 8); ok && err == nil {
		b.Deaths = uint8(n)
		syscall.CloseOnExec(feetFD)
		b.feet = os.NewFile(feetFD, "feet")
	}
	return b
}

// Stand says that the guardian before is not needed any more.
func (b *Beginning) Stand() {
	if b.feet != nil {
		_, _ = b.feet.Write([]byte{1})
		_ = b.feet.Close()
		b.feet = nil
	}
}
