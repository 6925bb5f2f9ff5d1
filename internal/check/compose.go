package check

import (
	"fmt"
	"strings"
)

// All is up while every one of its members is.
type All struct{ Of []string }

// Any is up while one of its members is.
type Any struct{ Of []string }

// Not is up while its member is down.
type Not struct{ Of string }

func (All) Word() string { return "all" }
func (Any) Word() string { return "any" }
func (Not) Word() string { return "not" }

func (k All) Target() string { return strings.Join(k.Of, " and ") }
func (k Any) Target() string { return strings.Join(k.Of, " or ") }
func (k Not) Target() string { return "not " + k.Of }

// Members are the checks that a kind is made of; none for one that looks.
func Members(k Kind) []string {
	switch k := k.(type) {
	case All:
		return k.Of
	case Any:
		return k.Of
	case Not:
		return []string{k.Of}
	}
	return nil
}

// Compose is the state of a kind that is made of others. of gives a member's
// state and what was seen of it.
func Compose(k Kind, of func(name string) (State, string)) (State, string) {
	switch k := k.(type) {
	case All:
		return gather(k.Of, Down, Up, of)
	case Any:
		return gather(k.Of, Up, Down, of)
	case Not:
		s, text := of(k.Of)
		return [...]State{Pending: Pending, Up: Down, Down: Up}[s], fmt.Sprintf("%s is %s: %s", k.Of, s, text)
	}
	return Pending, ""
}

// gather is decided by the first member in the state that decides; it is
// otherwise as soon as no member is pending.
func gather(names []string, decides, otherwise State, of func(string) (State, string)) (State, string) {
	result := otherwise
	var texts []string
	for _, name := range names {
		s, text := of(name)
		switch s {
		case decides:
			return decides, fmt.Sprintf("%s: %s", name, text)
		case Pending:
			result = Pending
		default:
			texts = append(texts, fmt.Sprintf("%s: %s", name, text))
		}
	}
	if result == Up {
		return Up, fmt.Sprintf("%d of %d are up", len(names), len(names))
	}
	return result, strings.Join(texts, "; ")
}
