package apart

import (
	"encoding/gob"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// Plane is a proxy in another process. It is a [balance.Plane]; one whose
// process is gone fails with [balance.ErrGone], and is of no more use.
type Plane struct {
	cmd *exec.Cmd

	mu   sync.Mutex
	conn net.Conn
	enc  *gob.Encoder
	dec  *gob.Decoder
}

// patience is how long an answer may take. Tables are made before: what is left
// is to open sockets, and to end connections.
const patience = 20 * time.Second

// Start starts the process. The command gets its standard input from here;
// start is how it is started.
func Start(cmd *exec.Cmd, start func(*exec.Cmd) error) (*Plane, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot make a socket to the proxy: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "proxy"), os.NewFile(uintptr(fds[1]), "daemon")
	defer theirs.Close()
	defer ours.Close() // the connection has its own
	conn, err := net.FileConn(ours)
	if err != nil {
		return nil, fmt.Errorf("cannot make a socket to the proxy: %w", err)
	}
	cmd.Stdin = theirs
	if err := start(cmd); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("cannot start the proxy: %w", err)
	}
	return &Plane{cmd: cmd, conn: conn, enc: gob.NewEncoder(conn), dec: gob.NewDecoder(conn)}, nil
}

// Apply implements [balance.Plane].
func (p *Plane) Apply(plans []*balance.Plan) error {
	_, err := p.ask(request{Plans: plans})
	return err
}

// Usage implements [balance.Plane].
func (p *Plane) Usage(service string) (map[uint32]balance.Usage, error) {
	a, err := p.ask(request{Service: service})
	return a.Usage, err
}

// Find implements [balance.Finder].
func (p *Plane) Find(service string, at balance.Endpoint, client netip.AddrPort) (balance.Sight, error) {
	a, err := p.ask(request{Find: &where{Service: service, At: at, Client: client}})
	return a.Sight, err
}

// Room implements [balance.Roomer].
func (p *Plane) Room() (balance.Room, error) {
	a, err := p.ask(request{Room: true})
	return a.Room, err
}

func (p *Plane) ask(q request) (reply, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.conn.SetDeadline(time.Now().Add(patience))
	err := p.enc.Encode(q)
	var a reply
	if err == nil {
		err = p.dec.Decode(&a)
	}
	switch {
	case err != nil:
		return reply{}, fmt.Errorf("cannot reach the proxy: %w: %w", balance.ErrGone, err)
	case a.Err != "":
		return reply{}, errors.New(a.Err)
	}
	return a, nil
}

// Close ends the process, and with it all connections.
func (p *Plane) Close(bool) error {
	_ = p.conn.Close()
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("the proxy ended badly: %w", err)
		}
		return nil
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-ended
		return errors.New("the proxy did not end and was killed")
	}
}
