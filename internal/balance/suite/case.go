package suite

import (
	"bytes"
	"fmt"

	"github.com/holdfast-net/holdfast/internal/balance"
	"github.com/holdfast-net/holdfast/internal/balance/model"
	"github.com/holdfast-net/holdfast/internal/balance/packets"
)

// Layers make a frame.
type Layers interface{ Frame() []byte }

// Raw is a frame as it is.
type Raw []byte

// Frame gives the bytes.
func (r Raw) Frame() []byte { return r }

// Step is a frame that comes, and what has to become of it.
type Step struct {
	Plans []*balance.Plan // that are made true before; nil: as they are
	// Settled says that from now on nobody tells of more flows of them.
	Settled bool
	In      Layers
	// What becomes of it. Out is nil where the frame is dropped, or passes as it
	// is.
	Verdict model.Verdict
	Out     Layers
	Answer  Layers // what its sender is sent besides
	Why     string // what is counted
	Flows   int    // established at the first backend afterwards
}

// Case is a row of the table: steps from a beginning without flows.
type Case struct {
	Name  string
	Steps []Step
	// InOneSecond says that it means something only where all steps are taken in
	// the same second.
	InOneSecond bool
}

// Plane is who is put to the proof.
type Plane interface {
	Apply(plans []*balance.Plan) error
	// Settle says whether other nodes may still tell of flows of a service.
	Settle(listen balance.Endpoint, settled bool)
	// Step gives a frame to the plane.
	Step(frame []byte) (model.Result, error)
	// Flows is how many are established at a backend.
	Flows(service string, t balance.Target) (int, error)
}

// Run takes all steps, with a plane that knows no flows.
func (c Case) Run(p Plane) error {
	var plans []*balance.Plan
	settle := func(settled bool) {
		for _, plan := range plans {
			for _, l := range plan.Service.Listen {
				p.Settle(l, settled)
			}
		}
	}
	defer func() { settle(false) }()
	for i, s := range c.Steps {
		if s.Plans != nil {
			plans = s.Plans
			if err := p.Apply(plans); err != nil {
				return err
			}
		}
		if s.Settled {
			settle(true)
		}
		if err := s.run(p, plans); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}

func (s Step) run(p Plane, plans []*balance.Plan) error {
	in := s.In.Frame()
	got, err := p.Step(in)
	if err != nil {
		return err
	}
	if got.Verdict != s.Verdict || got.Why != s.Why {
		return fmt.Errorf("the plane would %s it (%s), want %s (%s)", got.Verdict, got.Why, s.Verdict, s.Why)
	}
	if err := same("frame", got.Frame, s.Out); err != nil {
		return err
	}
	if err := same("answer", got.Answer, s.Answer); err != nil {
		return err
	}
	n, err := p.Flows(plans[0].Service.Name, plans[0].Targets[0])
	if err != nil {
		return err
	}
	if n != s.Flows {
		return fmt.Errorf("%d flows are established, want %d", n, s.Flows)
	}
	return nil
}

// same compares bytes, and then looks at their checksums once more.
func same(what string, got []byte, want Layers) error {
	if want == nil {
		if got != nil {
			return fmt.Errorf("there is a %s, want none: % x", what, got)
		}
		return nil
	}
	if w := want.Frame(); !bytes.Equal(got, w) {
		return fmt.Errorf("the %s is not as it should be\n got % x\nwant % x", what, got, w)
	}
	return packets.CheckSums(got)
}
