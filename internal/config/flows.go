package config

import (
	"strconv"
	"time"
)

// Flows is how nodes tell each other the connections of their services.
type Flows struct {
	Port uint16        // TCP; 0: they do not
	Wait time.Duration // how long a node that could preempt waits for them
}

type rawFlows struct {
	port val[int]
	wait val[time.Duration]
}

func (rd *reader) flows(top object) rawFlows {
	o := top.child("flows")
	return rawFlows{port: o.integer("port"), wait: o.duration("wait")}
}

func (f rawFlows) build() Flows { return Flows{Port: uint16(f.port.v), Wait: f.wait.v} }

func (s *settings) flows(c *Config) {
	s.add("flows.port", InPlace, strconv.Itoa(int(c.Flows.Port)))
	s.add("flows.wait", InPlace, duration(c.Flows.Wait))
}
