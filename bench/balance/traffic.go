package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const port = 5201

const connectTimeout = 5 * time.Second

// What clients do. A connection asks with one byte what it wants.
const (
	connections = "connections" // one byte there and one back, over and over anew
	bulk        = "bulk"        // one stream from the server
)

var workloads = []string{connections, bulk}

// concurrent is how many connections there are at a time.
var concurrent = map[string]int{connections: 32, bulk: 1}

// serve answers until it is killed.
func serve() error {
	ln, err := net.Listen("tcp", netip.AddrPortFrom(netip.IPv4Unspecified(), port).String())
	if err != nil {
		return err
	}
	block := make([]byte, 1<<20)
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			var what [1]byte
			if _, err := io.ReadFull(c, what[:]); err != nil {
				return
			}
			_, err := c.Write(what[:])
			for err == nil && what[0] == bulk[0] {
				_, err = c.Write(block)
			}
		}()
	}
}

// load makes traffic for a while and prints how much came of it: connections
// or bytes, a second.
func load(workload, to string, each time.Duration) error {
	var done atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, concurrent[workload])
	stop := time.Now().Add(each)
	for range concurrent[workload] {
		wg.Go(func() {
			for time.Now().Before(stop) {
				if err := one(workload, to, stop, &done); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	begun := time.Now()
	wg.Wait()
	took := time.Since(begun)
	select {
	case err := <-errs:
		return err
	default:
	}
	fmt.Println(float64(done.Load()) / took.Seconds())
	return nil
}

func one(workload, to string, stop time.Time, done *atomic.Int64) error {
	c, err := net.DialTimeout("tcp", to, connectTimeout)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(stop.Add(connectTimeout))
	if _, err := c.Write([]byte(workload[:1])); err != nil {
		return err
	}
	if workload == connections {
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			return err
		}
		// The server ends it first, and has the port in TIME_WAIT: a client
		// that does would run out of them.
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			return fmt.Errorf("the connection did not end: %w", err)
		}
		done.Add(1)
		return nil
	}
	_ = c.SetDeadline(stop)
	b := make([]byte, 1<<20)
	for {
		n, err := c.Read(b)
		done.Add(int64(n))
		if err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				return nil
			}
			return err
		}
	}
}
