package pools

import (
	"errors"
	"fmt"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// ErrNotYet says that a plane can be opened soon, and that nobody need be told
// meanwhile: the process before this one still works with it.
var ErrNotYet = errors.New("another process works with it")

// slot is a plane that is opened when it is wanted, and closed when it is
// wanted no more.
type slot struct {
	open func() (balance.Plane, error)
	// clear removes what an earlier run has left, where the plane is not
	// wanted. Nil: nothing of it can outlive a process.
	clear   func() error
	cleared bool
	plane   balance.Plane
}

// apply gives the plane its plans, where any service wants it.
func (s *slot) apply(wanted bool, plans []*balance.Plan) error {
	if !wanted {
		return s.none()
	}
	if s.plane == nil {
		if len(plans) == 0 {
			return nil
		}
		plane, err := s.open()
		if err != nil {
			return fmt.Errorf("cannot serve %s: %w", plans[0].Service.Name, err)
		}
		s.plane, s.cleared = plane, true
	}
	return s.lost(s.plane.Apply(plans))
}

// none ends a plane that no service wants.
func (s *slot) none() error {
	if s.plane != nil {
		return s.close(false)
	}
	if s.clear == nil || s.cleared {
		return nil
	}
	err := s.clear()
	s.cleared = err == nil
	return err
}

// end is for the last time. What a plane that could not be opened has left, or
// an earlier run, goes too.
func (s *slot) end(keep bool) error {
	if s.plane == nil && !keep {
		return s.none()
	}
	return s.close(keep)
}

// lost lets go of a plane that is gone: the next attempt opens another one.
func (s *slot) lost(err error) error {
	if errors.Is(err, balance.ErrGone) {
		return errors.Join(err, s.close(false))
	}
	return err
}

// close ends a plane. What it does goes on without a process where keep is
// true.
func (s *slot) close(keep bool) error {
	if s.plane == nil {
		return nil
	}
	plane := s.plane
	s.plane = nil
	return plane.Close(keep)
}
