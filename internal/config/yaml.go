package config

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The files yaml*.go are the only ones that know the YAML library. They turn
// text into nodes and give up at the first thing that is not YAML, or not the
// plain part of YAML that configuration needs.

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
