package load

import (
	"bufio"
	"encoding/json"
	"errors"
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

// serveApart reads where to serve, says that it does, and goes on until whoever
// started it is gone.
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
	if _, err := io.WriteString(out, "serving\n"); err != nil {
		return err
	}
	_, _ = lines.ReadBytes('\n')
	return nil
}

// Servers are processes with a [Server] each: a process has so many open files
// only, and the clients have theirs.
type Servers []*process

// process serves some of the backends.
type process struct {
	proc *lab.Process
	in   io.WriteCloser // as long as it is open, it serves
}

// Apart starts servers in so many other processes, which have the backends in turn
// and die with the host that they are started on.
func Apart(host *lab.Host, backends []Backend, processes int) (all Servers, err error) {
	for i := range processes {
		var places []place
		for n, b := range backends {
			p := place{NS: b.NS.Path()}
			if n%processes == i {
				p.At = b.At
			}
			places = append(places, p)
		}
		p, err := startProcess(host, places)
		if err != nil {
			return nil, errors.Join(err, all.Stop())
		}
		all = append(all, p)
	}
	return all, nil
}

func startProcess(host *lab.Host, places []place) (*process, error) {
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
	p := &process{in: in}
	if p.proc, err = host.Start(cmd); err != nil {
		return nil, err
	}
	if err := json.NewEncoder(in).Encode(places); err != nil {
		return nil, fmt.Errorf("cannot tell servers where to serve: %w", err)
	}
	if _, err := bufio.NewReader(out).ReadBytes('\n'); err != nil {
		return nil, fmt.Errorf("cannot start servers: %w", err)
	}
	return p, nil
}

// Stop ends them all.
func (s Servers) Stop() error {
	var errs []error
	for _, p := range s {
		errs = append(errs, p.proc.Kill())
	}
	return errors.Join(errs...)
}
