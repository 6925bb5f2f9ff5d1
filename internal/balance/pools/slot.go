package pools

import (
	"errors"
	"fmt"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// slot is a plane that is opened when it is wanted.
type slot struct {
	open  func() (balance.Plane, error)
	plane balance.Plane
}

func (s *slot) apply(plans []*balance.Plan) error {
	if s.plane == nil {
		if len(plans) == 0 {
			return nil
		}
		plane, err := s.open()
		if err != nil {
			return fmt.Errorf("cannot serve %s: %w", plans[0].Service.Name, err)
		}
		s.plane = plane
	}
	return s.lost(s.plane.Apply(plans))
}

// lost lets go of a plane that is gone: the next attempt opens another one.
func (s *slot) lost(err error) error {
	if errors.Is(err, balance.ErrGone) {
		return errors.Join(err, s.close())
	}
	return err
}

func (s *slot) close() error {
	if s.plane == nil {
		return nil
	}
	plane := s.plane
	s.plane = nil
	return plane.Close(false)
}
