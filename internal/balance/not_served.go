package balance

import "fmt"

// NotServed is a service that a plane does not serve, and why. In an error of
// Plane.Apply it says that all others are served.
type NotServed struct {
	Service string
	Why     error
}

func (e *NotServed) Error() string { return fmt.Sprintf("cannot serve %s: %v", e.Service, e.Why) }
func (e *NotServed) Unwrap() error { return e.Why }

// NotOn is an interface on which a plane balances nothing, and why. In an error of
// Plane.Apply it says that it does so on all others.
type NotOn struct {
	Interface string
	Why       error
}

func (e *NotOn) Error() string {
	return fmt.Sprintf("cannot attach the balancer to %s: %v", e.Interface, e.Why)
}
func (e *NotOn) Unwrap() error { return e.Why }

// Except says what an error of Plane.Apply leaves out; all: it may be anything.
func Except(err error) (services, interfaces []string, all bool) {
	switch e := err.(type) {
	case nil:
	case *NotServed:
		services = []string{e.Service}
	case *NotOn:
		interfaces = []string{e.Interface}
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			s, i, every := Except(err)
			services, interfaces, all = append(services, s...), append(interfaces, i...), all || every
		}
	default:
		all = true
	}
	return services, interfaces, all
}
