package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
)

// workloads are what the server serves, each on a port of its own.
var workloads = []string{"tcp", "http"}

const answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"

// serve is the server's process: it says its ports, and ends with its input.
func serve() error {
	for _, w := range workloads {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		fmt.Println(l.Addr())
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go talk(c, w)
			}
		}()
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// talk answers one look; one that only connects is over by then.
func talk(c net.Conn, workload string) {
	defer c.Close()
	var buf [1024]byte
	if _, err := c.Read(buf[:]); err != nil || workload != "http" {
		return
	}
	io.WriteString(c, answer)
	c.(*net.TCPConn).CloseWrite()
	c.Read(buf[:])
}

// server is that process, seen from outside.
type server struct {
	cmd       *exec.Cmd
	in        io.WriteCloser
	addresses map[string]string // by workload
}

func startServer() (*server, error) {
	cmd, err := self(serverCPU, "-as", "server")
	if err != nil {
		return nil, err
	}
	s := &server{cmd: cmd, addresses: map[string]string{}}
	if s.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start the server: %w", err)
	}
	for _, w := range workloads {
		if !lines.Scan() {
			return nil, fmt.Errorf("the server ended: %w", cmd.Wait())
		}
		s.addresses[w] = lines.Text()
	}
	return s, nil
}

func (s *server) stop() {
	s.in.Close()
	s.cmd.Wait()
}

// end stops a process that was started here.
func end(cmd *exec.Cmd) {
	cmd.Process.Signal(syscall.SIGKILL)
	cmd.Wait()
}
