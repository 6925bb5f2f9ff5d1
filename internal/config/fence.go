package config

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Watchdog is the device that resets this machine, for groups that ask for it.
type Watchdog struct {
	Device     string
	Timeout    time.Duration
	Pretimeout time.Duration // 0: none
}

// Fence is how other nodes are cut off.
type Fence struct {
	Nodes    []FenceNode   // sorted by name
	Devices  []FenceDevice // sorted by name
	Random   time.Duration // the longest delay by chance
	Priority time.Duration // the delay of a node that holds nothing
}

// FenceNode is a node that can be fenced.
type FenceNode struct {
	Name   string
	Levels [][]string // devices; all of a level have to succeed, the next is tried where one fails
}

// FenceDevice is a fence agent with what it needs.
type FenceDevice struct {
	Name       string
	Agent      string // name, or path
	Action     string // "reboot" or "off"
	Parameters map[string]string
	Secrets    map[string]Secret
	Timeout    time.Duration
	Delay      time.Duration
}

// Given are all parameters, the secret ones too.
func (d *FenceDevice) Given() map[string]string {
	out := map[string]string{}
	for name, value := range d.Parameters {
		out[name] = value
	}
	for name, value := range d.Secrets {
		out[name] = string(value.Bytes())
	}
	return out
}

// GroupFence is what a group asks for before it holds.
type GroupFence struct {
	Watchdog bool // that the watchdog runs
	Agents   bool // that who held before is fenced, or has let go in order
}

// Asks reports whether a group asks for anything.
func (f GroupFence) Asks() bool { return f.Watchdog || f.Agents }

// Device finds a device.
func (f *Fence) Device(name string) (*FenceDevice, bool) {
	i := slices.IndexFunc(f.Devices, func(d FenceDevice) bool { return d.Name == name })
	if i < 0 {
		return nil, false
	}
	return &f.Devices[i], true
}

type rawWatchdog struct {
	at                  span
	device              val[string]
	timeout, pretimeout val[time.Duration]
}

type rawFence struct {
	at               span
	nodes            []rawFenceNode
	devices          []rawFenceDevice
	random, priority val[time.Duration]
}

type rawFenceNode struct {
	name   string
	at     span
	levels [][]val[string]
}

type rawFenceDevice struct {
	name           string
	at             span
	agent, action  val[string]
	parameters     map[string]string
	secrets        map[string]*rawSecret
	timeout, delay val[time.Duration]
}

type rawGroupFence struct {
	at               span
	watchdog, agents val[bool]
}

func (w rawWatchdog) build() Watchdog {
	return Watchdog{Device: w.device.v, Timeout: w.timeout.v, Pretimeout: w.pretimeout.v}
}

func (f *rawFence) build() *Fence {
	if f == nil {
		return nil
	}
	out := &Fence{Random: f.random.v, Priority: f.priority.v}
	for _, n := range f.nodes {
		x := FenceNode{Name: n.name}
		for _, level := range n.levels {
			x.Levels = append(x.Levels, values(level))
		}
		out.Nodes = append(out.Nodes, x)
	}
	for i := range f.devices {
		out.Devices = append(out.Devices, f.devices[i].build())
	}
	slices.SortFunc(out.Nodes, func(a, b FenceNode) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(out.Devices, func(a, b FenceDevice) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (d *rawFenceDevice) build() FenceDevice {
	out := FenceDevice{
		Name: d.name, Agent: d.agent.v, Action: d.action.v, Parameters: d.parameters,
		Timeout: d.timeout.v, Delay: d.delay.v,
	}
	for name, s := range d.secrets {
		if s.found {
			if out.Secrets == nil {
				out.Secrets = map[string]Secret{}
			}
			out.Secrets[name] = s.value
		}
	}
	return out
}

func (s *settings) fence(c *Config) {
	s.add("watchdog.device", Daemon, c.Watchdog.Device)
	s.add("watchdog.timeout", Daemon, duration(c.Watchdog.Timeout))
	s.add("watchdog.pretimeout", Daemon, duration(c.Watchdog.Pretimeout))
	f := c.Fence
	if f == nil {
		return
	}
	for _, n := range f.Nodes {
		s.add("fence.nodes."+n.Name+".levels", InPlace, "["+strings.Join(texts(n.Levels, list), ", ")+"]")
	}
	for _, d := range f.Devices {
		path := "fence.devices." + d.Name + "."
		s.add(path+"agent", InPlace, d.Agent)
		s.add(path+"action", InPlace, d.Action)
		for _, name := range sortedKeys(d.Parameters) {
			s.add(path+"parameters."+name, InPlace, d.Parameters[name])
		}
		for _, name := range sortedKeys(d.Secrets) {
			s.secret(path+"secrets."+name, InPlace, d.Secrets[name])
		}
		s.add(path+"timeout", InPlace, duration(d.Timeout))
		s.add(path+"delay", InPlace, duration(d.Delay))
	}
	s.add("fence.random_delay", InPlace, duration(f.Random))
	s.add("fence.priority_delay", InPlace, duration(f.Priority))
}

func (s *settings) groupFence(f GroupFence) {
	s.add("fence.watchdog", InPlace, strconv.FormatBool(f.Watchdog))
	s.add("fence.agents", InPlace, strconv.FormatBool(f.Agents))
}

func badFenceAgent(s string) string {
	if strings.HasPrefix(s, "/") {
		return badPath(s)
	}
	if !strings.HasPrefix(s, "fence_") || strings.ContainsAny(s, "/ ") {
		return "write its name, such as fence_ipmilan, or its path"
	}
	return ""
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
