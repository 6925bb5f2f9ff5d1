package gate

import (
	"errors"
	"fmt"
)

// Sweep removes every gate from this network namespace, whoever made it and
// whatever its version, and returns what it did, a line for each. Addresses
// must be off before: afterwards nothing is guarded. No gate may be open.
func Sweep() (did []string, err error) {
	found, err := findAttached()
	if err != nil {
		return nil, err
	}
	return did, errors.Join(sweepAttached(found)...)
}

func sweepAttached(found attachments) (errs []error) {
	for _, a := range found {
		if err := errors.Join(a.hook.detach(a), a.hook.tidy(a.link.index)); err != nil {
			errs = append(errs, fmt.Errorf("cannot take the gate off interface %d: %w", a.link.index, err))
		}
	}
	return errs
}
