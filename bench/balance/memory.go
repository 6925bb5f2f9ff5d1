package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// memory of a million flows: what is gone from the machine when there are
// flows. Of a balancer in the kernel, as many handshakes pass as it has room for,
// of as many clients; of one that ends connections, clients hold some open,
// and what the ends take is what the same connections take without a balancer.
const memory = "memory"

const (
	handshakeFlows = 1 << 20
	conntrackFlows = 200_000 // less than the machine's limit, as it usually is
)

func (s *stage) measureMemory() (f sample, err error) {
	if err := s.share(false); err != nil {
		return f, err
	}
	if s.contender.start == nil {
		return f, nil // nobody in the middle has any
	}
	if s.contender.ends {
		ends, err := s.held(serverAddr)
		if err != nil {
			return f, err
		}
		all, err := s.held(service.String())
		if err != nil {
			return f, err
		}
		f.Memory = (all - ends) / float64(concurrent[idle]) * 1e6
		return f, nil
	}
	n := handshakeFlows
	if s.contender.tracked {
		n = conntrackFlows
	}
	err = run(s.server, "table ip deaf { chain in { type filter hook prerouting priority raw; tcp dport "+strconv.Itoa(port)+" drop; }; }", "nft", "-f", "-")
	if err != nil {
		return f, err
	}
	if err := do(s.client, nil, "handshakes", s.contender.to.String(), strconv.Itoa(n)); err != nil {
		return f, err
	}
	after, err := available()
	if err != nil {
		return f, err
	}
	f.Memory = (float64(s.before) - float64(after)) / float64(n) * 1e6
	return f, nil
}

var serverAddr = contenders[0].to.String()

// held is what is gone while clients hold connections open.
func (s *stage) held(to string) (float64, error) {
	before, err := available()
	if err != nil {
		return 0, err
	}
	cmd, err := self("-as", "client", "-time", "4s", idle, to)
	if err != nil {
		return 0, err
	}
	if err := s.client.Start(cmd); err != nil {
		return 0, fmt.Errorf("cannot start the client: %w", err)
	}
	time.Sleep(3 * time.Second)
	after, err := available()
	return float64(before) - float64(after), errors.Join(err, cmd.Wait())
}
