package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/net/ipv4"
)

const port = 5201

const connectTimeout = 5 * time.Second

// What clients do. A connection asks with one byte what it wants.
const (
	connections = "connections" // a byte there and one back, over and over anew
	bulk        = "bulk"        // one stream from the server
	requests    = "requests"    // 64 bytes there and back, on connections that stay
	latency     = "latency"     // the same, so many a second
	datagrams   = "packets"     // 64 bytes in a frame, one way
	idle        = "idle"        // connections that are there
)

// concurrent is how many connections there are at a time.
var concurrent = map[string]int{connections: 32, bulk: 1, requests: 32, latency: 32, idle: 4000}

const (
	requestSize = 64
	paced       = 4000 // requests a second, of all connections together
)

// tried is what a client has to say.
type tried struct {
	Rate float64       `json:"rate"` // connections, bytes, requests, a second
	P50  time.Duration `json:"p50"`
	P99  time.Duration `json:"p99"`
}

// serve answers until it is killed.
func serve() error {
	ln, err := net.Listen("tcp", netip.AddrPortFrom(netip.IPv4Unspecified(), port).String())
	if err != nil {
		return err
	}
	for _, ip := range serverIPs {
		if err := serveDatagrams(ip); err != nil {
			return err
		}
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
			switch what[0] {
			case bulk[0]:
				for err == nil {
					_, err = c.Write(block)
				}
			case requests[0], latency[0], idle[0]:
				b := make([]byte, requestSize)
				for err == nil {
					if _, err = io.ReadFull(c, b); err == nil {
						_, err = c.Write(b)
					}
				}
			default:
				_, _ = c.Write(what[:])
			}
		}()
	}
}

// greeting is the first byte of datagrams that are answered.
const greeting = 'h'

// serveDatagrams answers those that greet. The others end in the kernel.
func serveDatagrams(ip netip.Addr) error {
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, port)))
	if err != nil {
		return err
	}
	filter, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 8, Size: 1}, // behind the header of UDP
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: greeting, SkipFalse: 1},
		bpf.RetConstant{Val: 1 << 16},
		bpf.RetConstant{Val: 0},
	})
	if err != nil {
		return err
	}
	if err := ipv4.NewPacketConn(c).SetBPF(filter); err != nil {
		return fmt.Errorf("cannot filter datagrams: %w", err)
	}
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			_, _ = c.WriteToUDPAddrPort(b[:n], from)
		}
	}()
	return nil
}

// load makes traffic for a while and prints what came of it.
func load(workload, to string, each time.Duration) error {
	n := concurrent[workload]
	var done atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, n)
	took := make([][]time.Duration, n)
	begun := time.Now()
	stop := begun.Add(each)
	for i := range n {
		wg.Go(func() {
			for time.Now().Before(stop) {
				var err error
				switch workload {
				case connections:
					err = short(to, stop, &done)
				case bulk:
					err = stream(to, stop, &done)
				default:
					took[i], err = ask(workload, to, i, stop, &done)
				}
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
	}
	t := tried{Rate: float64(done.Load()) / time.Since(begun).Seconds()}
	if all := slices.Concat(took...); len(all) > 0 {
		slices.Sort(all)
		t.P50, t.P99 = all[len(all)/2], all[len(all)*99/100]
	}
	return answer(os.Stdout, t)
}

func dial(workload, to string, stop time.Time) (net.Conn, error) {
	c, err := net.DialTimeout("tcp", to, connectTimeout)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(stop.Add(connectTimeout))
	if _, err := c.Write([]byte(workload[:1])); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func short(to string, stop time.Time, done *atomic.Int64) error {
	c, err := dial(connections, to, stop)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		return err
	}
	// The server ends it first, and has the port in TIME_WAIT: a client that
	// does would run out of them.
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("the connection did not end: %w", err)
	}
	done.Add(1)
	return nil
}

func stream(to string, stop time.Time, done *atomic.Int64) error {
	c, err := dial(bulk, to, stop)
	if err != nil {
		return err
	}
	defer c.Close()
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

// ask sends requests on one connection, and says how long each took: where the
// answer before came too late for its turn, from its turn on.
func ask(workload, to string, i int, stop time.Time, done *atomic.Int64) ([]time.Duration, error) {
	c, err := dial(workload, to, stop)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	b := make([]byte, requestSize)
	every := time.Duration(0)
	switch workload {
	case latency:
		every = time.Second * time.Duration(concurrent[latency]) / paced
	case idle:
		every = time.Hour
	}
	var took []time.Duration
	turn := time.Now().Add(every * time.Duration(i) / time.Duration(concurrent[workload]))
	if workload == idle {
		turn = time.Now()
	}
	for turn.Before(stop) {
		if wait := time.Until(turn); wait > 0 || every == 0 {
			time.Sleep(wait)
			turn = time.Now()
		}
		if _, err := c.Write(b); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(c, b); err != nil {
			return nil, err
		}
		took = append(took, time.Since(turn))
		done.Add(1)
		turn = turn.Add(every)
		if every == 0 {
			turn = time.Now()
		}
	}
	time.Sleep(time.Until(stop))
	return took, nil
}
