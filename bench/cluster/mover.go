package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// mover is vip-manager: it looks at a key of an etcd and has the address where
// the key says. Who is in the key is decided by whoever gets there first once
// it has run out; a candidate beside each vip-manager keeps it as Patroni does.
type mover struct {
	ttl       int           // of the key, in seconds: etcd counts no finer
	look      time.Duration // how often vip-manager looks
	heartbeat time.Duration // of the etcd; its election takes ten times that
}

// leaderKey is where Patroni has its leader.
const leaderKey = "/service/bench/leader"

func (v *mover) begin(s *stage, m *machine) error {
	var all, endpoints []string
	// Each one's own member first.
	for i := range s.machines {
		n := s.machines[(int(m.number)-1+i)%len(s.machines)]
		all = append(all, fmt.Sprintf("%s=http://%s:2380", n.name, n.address()))
		endpoints = append(endpoints, fmt.Sprintf("http://%s:2379", n.address()))
	}
	peer, client := fmt.Sprintf("http://%s:2380", m.address()), fmt.Sprintf("http://%s:2379", m.address())
	heartbeat := v.heartbeat.Milliseconds()
	// Debian's vip-manager asks by the second version of the API.
	err := m.start("etcd", "--name", m.name, "--data-dir", filepath.Join(m.dir, "etcd"), "--enable-v2",
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
		"--initial-cluster", strings.Join(all, ","), "--initial-cluster-token", "bench",
		"--heartbeat-interval", fmt.Sprint(heartbeat), "--election-timeout", fmt.Sprint(10*heartbeat),
		"--log-level", "error", "--logger", "zap")
	if err != nil {
		return err
	}
	if err := m.start(s.self, candidateArgument, m.name, strconv.Itoa(v.ttl), endpoints[0]); err != nil {
		return err
	}
	// It ends where it finds no etcd. systemd starts it again.
	return m.start("sh", "-c", `until "$@"; do sleep 0.1; done`, "again", "vip-manager",
		"--ip", vip.Addr().String(), "--netmask", "24", "--interface", "eth0", "--trigger-key", leaderKey, "--trigger-value", m.name,
		"--dcs-type", "etcd", "--dcs-endpoints", strings.Join(endpoints, ","), "--interval", fmt.Sprint(v.look.Milliseconds()))
}

func (v *mover) form(*stage) error { return nil }

// whole asks every member who holds.
func (v *mover) whole(s *stage) error {
	for _, m := range s.machines {
		answer, err := m.run("env", "ETCDCTL_API=2", "etcdctl", "--endpoints", fmt.Sprintf("http://%s:2379", m.address()), "get", "--quorum", leaderKey)
		if err != nil {
			return err
		}
		if s.machine(strings.TrimSpace(answer)) == nil {
			return fmt.Errorf("%q holds the key", answer)
		}
		if err := m.signal(program("vip-manager")); err != nil {
			return err
		}
	}
	return nil
}

// move has the candidate delete the key, as Patroni does in a switchover.
func (v *mover) move(s *stage, holder *machine) error {
	return holder.signal(v.daemon(), unix.SIGUSR1)
}

func (v *mover) settle(*stage) error { return nil }

func (v *mover) daemon() func([]string) bool {
	return func(args []string) bool { return len(args) > 1 && args[1] == candidateArgument }
}
