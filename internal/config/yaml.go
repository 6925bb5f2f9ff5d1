package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// This file is the only one that knows the YAML library. It turns text into
// nodes and gives up at the first thing that is not YAML, or not the plain
// part of YAML that configuration needs.

// Bounds on what is handed to the parser, which is recursive and takes time
// that grows with the square of a mapping's size.
const (
	maxBytes   = 4 << 20
	maxDepth   = 32
	maxEntries = 10000 // of one mapping or list
	maxDrift   = 200   // how far a column may be off
)

// parseYAML makes the tree of src, nil if there is none or it cannot be had.
func parseYAML(src string, r *report) (root *node) {
	// The library has panicked on malformed input before. Such input is the
	// user's mistake and must not take the daemon down at a reload.
	defer func() {
		if recover() != nil {
			r.add(ruleSyntax, span{}, "", "this is not YAML that can be read")
			root = nil
		}
	}()
	toks := lexer.Tokenize(src)
	y := yamlReader{report: r}
	if !y.admit(toks) {
		return nil
	}
	file, err := parser.Parse(y.glue(toks), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		y.syntaxError(err)
		return nil
	}
	for _, doc := range file.Docs {
		if doc.Body != nil {
			return y.node(doc.Body)
		}
	}
	return nil
}

type yamlReader struct{ report *report }

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

// syntaxError reports the parser's complaint in the words of this package.
func (y yamlReader) syntaxError(err error) {
	var ye yaml.Error
	if !errors.As(err, &ye) || ye.GetToken() == nil {
		y.report.add(ruleSyntax, span{}, "", "this is not YAML that can be read")
		return
	}
	at := y.place(ye.GetToken())
	msg, hint := ye.GetMessage(), ""
	switch {
	case strings.Contains(msg, "value is not allowed in this context"), strings.Contains(msg, "non-map value"):
		msg = "this does not fit the lines above"
		hint = "keys that belong together start in the same column; a value with \": \" in it needs quotes"
	case strings.Contains(msg, "reserved character"):
		hint = "put the value in quotes"
	case strings.Contains(msg, "']'"):
		hint = "a list in brackets needs commas between its entries and a ] at its end"
	case strings.Contains(msg, "'}'"):
		hint = "a mapping in braces needs commas between its entries and a } at its end"
	case strings.Contains(msg, "block sequence entries"):
		hint = "start the list on the next line, or write it in brackets: [a, b]"
	case strings.Contains(msg, "quoted"):
		hint = "close the quotes"
	}
	msg, _, _ = strings.Cut(msg, `"`) // what it quotes may be a secret
	y.report.add(ruleSyntax, at, hint, "cannot read the YAML: %s", printable(strings.TrimRight(msg, ": ")))
}

// node turns one syntax node, and all below it, into ours.
func (y yamlReader) node(n ast.Node) *node {
	switch n := n.(type) {
	case *ast.MappingNode:
		return y.mapping(n.Start, n.Values, n.IsFlowStyle)
	case *ast.MappingValueNode:
		return y.mapping(n.Start, []*ast.MappingValueNode{n}, false)
	case *ast.SequenceNode:
		out := &node{span: y.place(n.Start), kind: listNode}
		for _, v := range n.Values {
			out.items = append(out.items, y.node(v))
		}
		return out
	case *ast.NullNode:
		if t := n.GetToken(); t.Type == token.NullType {
			return &node{span: y.place(t)}
		}
		return &node{}
	case *ast.LiteralNode:
		return &node{span: y.place(n.Start), kind: scalarNode, text: n.Value.Value, quoted: true, more: true}
	}
	t := n.GetToken()
	out := &node{span: y.place(t), kind: scalarNode, text: t.Value}
	switch {
	case t.Indicator == token.QuotedScalarIndicator:
		out.quoted = true
		_, closed := y.quotes(out.span)
		out.more = !closed
	default:
		out.more = out.len < utf8.RuneCountInString(out.text)
	}
	return out
}

// quotes is the length of the quoted text at a place, and whether it ends on
// its line.
func (y yamlReader) quotes(at span) (length int, closed bool) {
	if at.line < 1 || at.col > len(y.report.lines[at.line-1]) {
		return 1, false
	}
	line := y.report.lines[at.line-1][at.col-1:]
	for i := 1; i < len(line); i++ {
		switch {
		case line[i] == '\\' && line[0] == '"':
			i++
		case line[i] != line[0]:
		case line[0] == '\'' && i+1 < len(line) && line[i+1] == '\'':
			i++
		default:
			return i + 1, true
		}
	}
	return len(line), false
}

func (y yamlReader) mapping(start *token.Token, values []*ast.MappingValueNode, flow bool) *node {
	out := &node{kind: mapNode}
	if flow {
		out.span = y.place(start)
	}
	for _, v := range values {
		e := entry{key: y.node(v.Key), value: &node{}}
		if v.Value != nil {
			e.value = y.node(v.Value)
		}
		if e.value.line == 0 { // nothing was written: the key stands for it
			e.value.span = e.key.span
		}
		if !flow && out.line == 0 {
			out.span = e.key.span
		}
		out.entries = append(out.entries, e)
	}
	return out
}

// place is where a token is. The library's columns are sometimes those of a
// neighbour (trailing blanks, text over several lines), and a bad escape costs
// it a line, so the text itself has the last word. What is found elsewhere
// than the library says makes the report unsure of places.
func (y yamlReader) place(t *token.Token) span {
	if t == nil || t.Position == nil || t.Position.Line < 1 || t.Position.Line > len(y.report.lines) {
		return span{}
	}
	at := span{line: t.Position.Line, col: max(t.Position.Column, 1), len: 1}

	// The token as it stands in the line: the first line of it, as written.
	written, _, _ := strings.Cut(strings.TrimSpace(t.Origin), "\n")
	want := []rune(strings.TrimRight(written, " \t\r"))
	if len(want) == 0 {
		return at
	}
	quoted := t.Indicator == token.QuotedScalarIndicator
	if quoted {
		want = want[:1] // the library keeps the text without its escapes
	}
	at.len = len(want)
	if !y.has(at, want) {
		y.report.unsure = true
		at = y.search(at, want)
	}
	if quoted {
		at.len, _ = y.quotes(at)
	}
	return at
}

// search looks for text along its line, then in the same column of the lines
// around.
func (y yamlReader) search(at span, want []rune) span {
	for off := 1; off < maxDrift; off++ {
		for _, to := range [...]span{{at.line, at.col - off, at.len}, {at.line, at.col + off, at.len}} {
			if y.has(to, want) {
				return to
			}
		}
	}
	for off := 1; off <= 3; off++ {
		for _, to := range [...]span{{at.line + off, at.col, at.len}, {at.line - off, at.col, at.len}} {
			if y.has(to, want) {
				return to
			}
		}
	}
	return at
}

// has tells whether the text is at a place.
func (y yamlReader) has(at span, want []rune) bool {
	if at.line < 1 || at.line > len(y.report.lines) {
		return false
	}
	line, i := y.report.lines[at.line-1], at.col-1
	return i >= 0 && i+len(want) <= len(line) && slices.Equal(line[i:i+len(want)], want)
}

// printable makes text from elsewhere safe to print on a terminal.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\t':
			return ' '
		case c < 0x20, c >= 0x7f && c < 0xa0, c == utf8.RuneError, c == '\u2028', c == '\u2029', c >= '\u202a' && c <= '\u202e', c >= '\u2066' && c <= '\u2069':
			return '\ufffd'
		}
		return c
	}, s)
}
