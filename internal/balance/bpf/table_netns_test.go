package bpf

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/model"
	"github.com/holdfast-net/holdfast/internal/balance/suite"
)

// TestKernelPassesTheSuite puts the programs to the same proof as the model.
func TestKernelPassesTheSuite(t *testing.T) {
	for _, hook := range []Hook{TC, XDP} {
		t.Run(hook.String(), func(t *testing.T) { passSuite(t, newBench(t, hook)) })
	}
}

func passSuite(t *testing.T, b *bench) {
	b.plane.config.Ports = [2]uint16{suite.Port, suite.Port}
	for _, c := range suite.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			b.TB = t
			for {
				b.forget()
				began := time.Duration(monotonic()).Truncate(time.Second)
				err := c.Run(onTrial{b})
				if c.InOneSecond && time.Duration(monotonic()).Truncate(time.Second) != began {
					continue // the clock got in between
				}
				if err != nil {
					t.Error(err)
				}
				return
			}
		})
	}
	b.TB = t
}

// forget takes all flows away, and all that is remembered beside them.
func (b *bench) forget() {
	b.Helper()
	for i := range b.plane.tallies {
		t := &b.plane.tallies[i]
		t.flows.Store(0)
		t.turn.Store(0)
		t.second.Store(0)
		t.began.Store(0)
	}
	o := b.plane.objs
	for _, m := range []*ebpf.Map{o.HfFlows, o.HfHalf, o.HfDatagrams, o.HfBonds, o.HfWays} {
		key := make([]byte, m.KeySize())
		for {
			err := m.NextKey(nil, key)
			if errors.Is(err, ebpf.ErrKeyNotExist) {
				break
			}
			must(b, err)
			must(b, m.Delete(key))
		}
	}
}

// onTrial is the program as the suite sees it.
type onTrial struct{ *bench }

func (o onTrial) Apply(plans []*balance.Plan) error {
	o.plans = plans
	return o.plane.Apply(plans)
}

func (o onTrial) Settle(listen balance.Endpoint, settled bool) { o.plane.Settle(listen, settled) }

func (o onTrial) Step(frame []byte) (model.Result, error) {
	before := o.drops()
	var r model.Result
	r.Verdict, r.Frame = o.run(frame)
	r.Answer = o.left()
	var why []string
	for name, n := range o.drops() {
		if n -= before[name]; n == 1 {
			why = append(why, name)
		} else if n > 1 {
			why = append(why, fmt.Sprintf("%s %d times", name, n))
		}
	}
	sort.Strings(why)
	r.Why = strings.Join(why, ", ")
	return r, nil
}

func (o onTrial) Flows(service string, t balance.Target) (int, error) {
	u, err := o.plane.Usage(service)
	return int(u[t.ID].Flows), err
}
