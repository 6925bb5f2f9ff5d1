package gate

import (
	"errors"
	"fmt"
)

// Sweep removes every gate from this network namespace, whoever made it and
// whatever its version, and returns what it did, a line for each. Addresses
// must be off before: afterwards nothing is guarded. No gate may be open. The
// directory is that of [Options].
func Sweep(dir string) (did []string, err error) {
	ps, err := openPrograms(dir)
	if err != nil {
		return nil, err
	}
	found, err := findAttached(ps)
	if err != nil {
		return nil, err
	}
	if err := found.detach(); err != nil {
		return nil, err
	}
	return nil, errors.Join(ps.forget(), sweepNft())
}

// detach takes programs off their interfaces.
func (as attachments) detach() error {
	var errs []error
	for _, a := range as {
		if err := errors.Join(a.hook.detach(a), a.hook.tidy(a.link.index)); err != nil {
			errs = append(errs, fmt.Errorf("cannot take the gate off interface %d: %w", a.link.index, err))
		}
	}
	return errors.Join(errs...)
}
