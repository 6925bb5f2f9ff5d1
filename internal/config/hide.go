package config

import (
	"encoding/json"
	"iter"
	"slices"
	"strings"
)

// A diagnostic shows the line it is about, and that line may have a secret in
// it. So the lines are blacked out before anything is shown: by the tree
// where there is one, by the look of the lines where there is none or its
// places are in doubt.

// hideSecrets blacks out what is, or may be meant as, a secret.
func (r *report) hideSecrets(root *node) {
	if root == nil || r.unsure {
		r.hideByLook()
	}
	if root != nil {
		r.hideIn(root, false)
	}
}

// hideIn walks the tree. Under a key that is about secrets every value is
// hidden but those that say where the secret is, and every key that is not
// one of ours.
func (r *report) hideIn(n *node, secret bool) {
	switch n.kind {
	case scalarNode:
		if secret {
			r.hide(n)
		}
	case listNode:
		for _, item := range n.items {
			r.hideIn(item, secret)
		}
	case mapNode:
		for _, e := range n.entries {
			switch word := strings.ToLower(e.key.text); {
			case harmless(word):
			case secretive(word):
				r.hideIn(e.value, true)
			default:
				if id := isDigits(word) && len(word) <= 3; secret && !id && word != "hmac" {
					r.hide(e.key)
				}
				r.hideIn(e.value, secret)
			}
		}
	}
}

// harmless keys never have a secret as value.
func harmless(word string) bool {
	switch word {
	case "file", "credential", "env", "active", "mode", "window":
		return true
	}
	return false
}

// secretive keys have a secret as value, or somewhere below. A misspelt one
// has it just as well.
func secretive(word string) bool {
	for _, w := range []string{"auth", "pass", "keys", "text", "hex", "password", "second_key", "secret", "auth_pass", "authentication", "headers"} {
		if distance(word, w) <= 1 {
			return true
		}
	}
	return false
}

// hideByLook goes by the lines, for a file that is not YAML: after a secretive
// word it blacks out every word but our own, to the end of the line and in the
// deeper lines below. If it is the last word, the next line counts as deeper,
// because a lost indent may be what is wrong.
func (r *report) hideByLook() {
	for i, line := range r.lines {
		found, last := false, false // a secretive word, and whether it is the last
		for word := range words(line) {
			if found {
				blackWord(word)
			}
			last = secretive(bare(word))
			found = found || last
		}
		if !found {
			continue
		}
		for j, first := i+1, last; j < len(r.lines); j++ {
			below := r.lines[j]
			if len(trimIndent(below)) == 0 {
				continue
			}
			if !first && indent(below) <= indent(line) {
				break
			}
			for word := range words(below) {
				blackWord(word)
			}
			first = false
		}
	}
}

// words yields what is between brackets, commas, colons and blanks.
func words(line []rune) iter.Seq[[]rune] {
	return func(yield func([]rune) bool) {
		between := func(c rune) bool { return strings.ContainsRune(" \t{}[],:", c) }
		for len(line) > 0 {
			from := slices.IndexFunc(line, func(c rune) bool { return !between(c) })
			if from < 0 {
				return
			}
			line = line[from:]
			to := slices.IndexFunc(line, between)
			if to < 0 {
				to = len(line)
			}
			if !yield(line[:to]) {
				return
			}
			line = line[to:]
		}
	}
}

// bare is a word without quotes and capitals.
func bare(word []rune) string { return strings.ToLower(strings.Trim(string(word), `"'`)) }

// blackWord blacks out a word unless it is one of the file's own.
func blackWord(word []rune) {
	if w := bare(word); !harmless(w) && !secretive(w) && w != "hmac" {
		black(word)
	}
}

func isJSON(text string) bool {
	trimmed := strings.TrimSpace(text)
	return strings.HasPrefix(trimmed, "{") && json.Valid([]byte(trimmed))
}
