package daemon

import (
	"testing"

	"github.com/holdfast-net/holdfast/internal/config"
)

func TestPartOf(t *testing.T) {
	nodes := &config.Cluster{Nodes: []config.Voter{{Name: "lb1"}, {Name: "lb2"}}}
	for name, c := range map[string]struct {
		cfg   config.Config
		want  [2]uint16
		fixed bool
	}{
		"the file says so": {
			config.Config{Node: "lb2", Cluster: nodes, Balancer: config.Balancer{Ports: config.Ports{First: 20000, Last: 23999, Parts: 4, Part: 3}}},
			[2]uint16{22000, 22999},
			true,
		},
		"by its place in the cluster": {
			config.Config{Node: "lb2", Cluster: nodes, Balancer: config.Balancer{Ports: config.Ports{First: 16384, Last: 65535}}},
			[2]uint16{40960, 65535},
			true,
		},
		"and in more parts than nodes": {
			config.Config{Node: "lb2", Cluster: nodes, Balancer: config.Balancer{Ports: config.Ports{First: 16384, Last: 65535, Parts: 4}}},
			[2]uint16{28672, 40959},
			true,
		},
		"by its name": {
			config.Config{Node: "lb1", Balancer: config.Balancer{Ports: config.Ports{First: 16384, Last: 65535}}},
			partOf(&config.Config{Node: "lb1", Balancer: config.Balancer{Ports: config.Ports{First: 16384, Last: 65535, Parts: 4}}}).Ports(), false,
		},
	} {
		if got := partOf(&c.cfg); got.Ports() != c.want || got.Fixed != c.fixed {
			t.Errorf("%s: ports %d, fixed: %t", name, got.Ports(), got.Fixed)
		}
	}
}
