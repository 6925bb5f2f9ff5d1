package config

// span is a place in the file: 1-based line and column, and how many
// characters it covers on that line.
type span struct{ line, col, len int }

type nodeKind uint8

const (
	nullNode   nodeKind = iota // nothing written, or null
	scalarNode                 // one value
	mapNode                    // keys and values
	listNode
)

func (k nodeKind) String() string {
	return [...]string{"nothing", "a single value", "a mapping", "a list"}[k]
}

// node is one value of the file. It is all that the rest of the package sees
// of YAML: no types are guessed, so "no" is the text no until a reader that
// wants a boolean says otherwise.
type node struct {
	span
	kind    nodeKind
	text    string  // of a scalar
	more    bool    // the scalar goes on after its first line
	quoted  bool    // the scalar is in quotes or a block, so it is text and never a number
	entries []entry // of a mapping, in the order written, duplicates included
	items   []*node // of a list
}

// entry is one key of a mapping with its value.
type entry struct{ key, value *node }
