package apart

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/holdfast-net/holdfast/internal/balance/proxy"
)

// Command is the argument by which the program is this process.
const Command = "proxy"

// Main is the whole life of the process: it serves what comes over the socket
// that is its standard input, until that ends.
func Main(stdin *os.File) error {
	conn, err := net.FileConn(stdin)
	if err != nil {
		return fmt.Errorf("cannot serve as a proxy: the standard input is not a daemon's socket: %w", err)
	}
	return serve(conn)
}

// serve answers until its peer is gone.
func serve(conn io.ReadWriteCloser) error {
	defer conn.Close()
	plane, err := proxy.New()
	if err != nil {
		return fmt.Errorf("cannot serve as a proxy: %w", err)
	}
	dec, enc := gob.NewDecoder(conn), gob.NewEncoder(conn)
	for {
		var q request
		if err := dec.Decode(&q); err != nil {
			err = over(err)
			return errors.Join(err, plane.Close(false))
		}
		var a reply
		switch {
		case q.Find != nil:
			a.Sight, err = plane.Find(q.Find.Service, q.Find.At, q.Find.Client)
		case q.Room:
			a.Room, err = plane.Room()
		case q.Service != "":
			a.Usage, err = plane.Usage(q.Service)
		default:
			err = plane.Apply(q.Plans)
		}
		if err != nil {
			a.Err = err.Error()
		}
		if err := enc.Encode(a); err != nil {
			err = over(err)
			return errors.Join(err, plane.Close(false))
		}
	}
}

// over is nil where the other process is gone, which is how this one ends.
func over(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return fmt.Errorf("cannot understand the daemon: %w", err)
}
