package steps

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/order"
)

// every is the pause between two runs of a wait.
const every = time.Second

// Plan makes the plan of a group. ask gives the metadata of an OCF agent (see
// ReadMetadata): where the file has no timeout, the agent's own counts. An error
// of it leaves the default.
func Plan(g config.Group, ask func(*config.OCF) (*Metadata, error)) (order.Plan, error) {
	p := order.Plan{Ready: g.Ready, Within: g.ReadyTimeout}
	for _, s := range g.Steps {
		spec, err := json.Marshal(Spec{Step: s, Addresses: g.Addresses, Interface: g.Interface, Priority: int(g.VRRP.Priority)})
		if err != nil {
			return order.Plan{}, fmt.Errorf("cannot make step %q of group %s: %w", s.Name(), g.Name, err)
		}
		st := order.Step{
			Name: s.Name(), Spec: spec, TakeIn: s.Timeout, LeaveIn: s.UndoTimeout,
			Undo: undoable(s), Alone: s.Address != nil || s.Route != nil || s.Rule != nil || s.Sysctl != nil,
		}
		if s.Wait != nil {
			st.Again = every
		}
		if s.OCF != nil && (st.TakeIn == 0 || st.LeaveIn == 0) {
			if m, err := ask(s.OCF); err == nil {
				st.TakeIn, st.LeaveIn = m.times(s.OCF, st.TakeIn, st.LeaveIn)
			}
		}
		if st.LeaveIn == 0 {
			st.LeaveIn = st.TakeIn
		}
		p.Steps = append(p.Steps, st)
	}
	return p, nil
}

func undoable(s config.Step) bool {
	switch {
	case s.Wait != nil:
		return false
	case s.Sysctl != nil:
		return s.Sysctl.Undo != ""
	case s.Exec != nil:
		return s.Undo != nil
	}
	return true
}

// times adds up what the actions of a step may take; what is given stays.
func (m *Metadata) times(o *config.OCF, take, leave time.Duration) (time.Duration, time.Duration) {
	if take == 0 {
		take = m.Timeout("start") + m.Timeout("monitor")
		if o.Promote {
			take += m.Timeout("promote") + m.Timeout("monitor")
		}
	}
	if leave == 0 {
		leave = m.Timeout("stop") + m.Timeout("monitor")
		if o.Promote {
			leave += m.Timeout("demote") + m.Timeout("monitor")
		}
	}
	return take, leave
}
