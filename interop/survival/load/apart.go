package load

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"

	"github.com/holdfast-net/holdfast/internal/lab"
	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// environ is set in the process that serves.
const environ = "HOLDFAST_LOAD_SERVES"

// place is a [Backend] as another process finds it.
type place struct {
	NS string           `json:"ns"`
	At []netip.AddrPort `json:"at"`
}

// Main serves, and does not return, in a process that [Apart] started: a program
// that calls Apart calls it first of all.
func Main() {
	if os.Getenv(environ) == "" {
		return
	}
	if err := serveApart(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serveApart reads where to serve, and then answers each line with how many
// connections every backend has got, until there is no further one.
func serveApart(in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	first, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	var places []place
	if err := json.Unmarshal(first, &places); err != nil {
		return err
	}
	if err := Descriptors(); err != nil {
		return err
	}
	var backends []Backend
	for _, p := range places {
		ns, err := netns.Open(p.NS)
		if err != nil {
			return err
		}
		defer ns.Close()
		backends = append(backends, Backend{ns, p.At})
	}
	s, err := Serve(backends)
	if err != nil {
		return err
	}
	defer s.Stop()
	for {
		if err := json.NewEncoder(out).Encode(s.Accepted(len(backends))); err != nil {
			return err
		}
		if _, err := lines.ReadBytes('\n'); err != nil {
			return nil // whoever asked is gone
		}
	}
}

// Servers are a [Server] in a process of its own: a process has so many open files
// only, and the clients have theirs.
type Servers struct {
	proc *lab.Process
	in   io.WriteCloser
	out  *json.Decoder
}

// Apart starts servers in another process, which dies with the host that it
// is started on.
func Apart(host *lab.Host, backends []Backend) (*Servers, error) {
	var places []place
	for _, b := range backends {
		places = append(places, place{b.NS.Path(), b.At})
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env, cmd.Stderr = append(os.Environ(), environ+"=1"), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s := &Servers{in: in, out: json.NewDecoder(out)}
	if s.proc, err = host.Start(cmd); err != nil {
		return nil, err
	}
	if err := json.NewEncoder(in).Encode(places); err != nil {
		return nil, fmt.Errorf("cannot tell servers where to serve: %w", err)
	}
	if _, err := s.answer(); err != nil {
		return nil, fmt.Errorf("cannot start servers: %w", err)
	}
	return s, nil
}

func (s *Servers) answer() (accepted []int64, err error) {
	err = s.out.Decode(&accepted)
	return accepted, err
}

// Accepted is how many connections each backend has got.
func (s *Servers) Accepted() ([]int64, error) {
	if _, err := io.WriteString(s.in, "\n"); err != nil {
		return nil, fmt.Errorf("cannot ask the servers: %w", err)
	}
	return s.answer()
}

// Stop ends them all.
func (s *Servers) Stop() error { return s.proc.Kill() }
