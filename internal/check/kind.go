package check

import "net/netip"

// Kind is what a check looks at: one of the structs of this package, each in
// a file named by its word. It is a plain value with every default filled in,
// compared by reflect.DeepEqual: a reload that finds the same kind and the
// same settings keeps the check's state.
type Kind interface {
	// Word is the kind's key in the file: "tcp".
	Word() string
	// Target is what is looked at, in a few words for a table:
	// "127.0.0.1:80". No secret.
	Target() string
}

// Via is the way that a network probe's packets take. It is a field of every
// network kind.
type Via struct {
	Source netip.Addr // to bind to; invalid: the kernel chooses
	Device string     // to bind to (SO_BINDTODEVICE); "": any
	Mark   uint32     // SO_MARK; 0: none
}

// Spec is one check of the file.
type Spec struct {
	Name string
	Kind Kind
	Settings
}
