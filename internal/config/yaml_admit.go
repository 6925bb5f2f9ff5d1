package config

import (
	"fmt"

	"github.com/goccy/go-yaml/token"
)

// Bounds on what is handed to the parser, which is recursive and takes time
// that grows with the square of a mapping's size.
const (
	maxBytes   = 4 << 20
	maxDepth   = 32
	maxEntries = 10000 // of one mapping or list
)

// admit refuses what the configuration does not use (several documents,
// anchors, tags, complex keys) and what would take the parser too deep.
func (y yamlReader) admit(toks token.Tokens) bool {
	if len(toks) == 0 {
		return true
	}
	var nest nesting
	started := false
	for i, t := range toks {
		switch t.Type {
		case token.CommentType:
			continue
		case token.DocumentHeaderType:
			if started {
				y.report.add(ruleDocuments, y.place(t), "put everything into one document and remove this line",
					"the file has more than one YAML document")
				return false
			}
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			y.report.add(ruleAnchors, y.place(t), "write the values out where they are needed; tools that fill in templates can do the repeating",
				"YAML anchors, aliases and merge keys are not used here")
			return false
		case token.TagType, token.DirectiveType, token.MappingKeyType:
			y.report.add(ruleAnchors, y.place(t), "", "YAML tags, directives and complex keys are not used here")
			return false
		}
		if t.Type != token.DirectiveType {
			started = true
		}
		isKey := i+1 < len(toks) && toks[i+1].Type == token.MappingValueType
		if problem := nest.add(t, isKey); problem != "" {
			y.report.add(ruleTooBig, y.place(t), "", "%s", problem)
			return false
		}
	}
	return true
}

// glue joins what the lexer tore apart. In braces it takes every colon for the
// end of a key, so that {a: [fe80::1]} has a mapping {fe80: ":1"} in it. In
// YAML a colon ends a plain key only before a blank or a bracket (YAML 1.2.2
// §7.3.3), and IPv6 addresses need no quotes.
func (y yamlReader) glue(toks token.Tokens) token.Tokens {
	var out token.Tokens
	flow := 0
	for i := 0; i < len(toks); i++ {
		t := toks[i]
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.MappingValueType:
			if flow < 1 || i+1 == len(toks) || !isPlain(toks[i+1]) || !y.touches(t, toks[i+1]) {
				break
			}
			next := toks[i+1]
			whole := token.String(":"+next.Value, t.Origin+next.Origin, t.Position)
			if n := len(out); n > 0 && isPlain(out[n-1]) && y.touches(out[n-1], t) {
				whole = token.String(out[n-1].Value+whole.Value, out[n-1].Origin+whole.Origin, out[n-1].Position)
				out = out[:n-1]
			}
			t = whole
			i++
		}
		t.Prev, t.Next = nil, nil // Add links them anew
		out.Add(t)
	}
	return out
}

// touches tells whether b begins where a ends.
func (y yamlReader) touches(a, b *token.Token) bool {
	at := y.place(a)
	return at.line == b.Position.Line && at.col+at.len == y.place(b).col
}

// isPlain tells whether a token is a scalar without quotes.
func isPlain(t *token.Token) bool {
	return t.Indicator == token.NotIndicator && t.Type != token.CommentType && t.CharacterType == token.CharacterTypeMiscellaneous
}

// nesting follows how deep tokens nest and how many entries each level has.
// In block style a level is a column; in flow style, a bracket.
type nesting struct {
	levels []level
	flow   int
}

type level struct{ col, entries int }

func (n *nesting) add(t *token.Token, isKey bool) (problem string) {
	switch {
	case t.Type == token.SequenceStartType || t.Type == token.MappingStartType:
		n.flow++
		n.levels = append(n.levels, level{col: -1})
	case t.Type == token.SequenceEndType || t.Type == token.MappingEndType:
		if n.flow > 0 {
			n.flow--
			n.levels = n.levels[:len(n.levels)-1]
		}
	case n.flow > 0:
		if t.Type == token.CollectEntryType {
			n.levels[len(n.levels)-1].entries++
		}
	case t.Type == token.SequenceEntryType || isKey:
		col := t.Position.Column
		for len(n.levels) > 0 && n.levels[len(n.levels)-1].col > col {
			n.levels = n.levels[:len(n.levels)-1]
		}
		if len(n.levels) == 0 || n.levels[len(n.levels)-1].col < col {
			n.levels = append(n.levels, level{col: col})
		}
		n.levels[len(n.levels)-1].entries++
	}
	if len(n.levels) > maxDepth {
		return fmt.Sprintf("this is nested deeper than %d levels", maxDepth)
	}
	if len(n.levels) > 0 && n.levels[len(n.levels)-1].entries > maxEntries {
		return fmt.Sprintf("more than %d entries on one level", maxEntries)
	}
	return ""
}
