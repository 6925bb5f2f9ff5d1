package config

import (
	"encoding/json"
	"regexp"
	"strings"
)

// A diagnostic shows the line it is about, and that line may have a secret in
// it. So the lines are blacked out before anything is shown: by the tree
// where there is one, else by the look of the lines.

// hideSecrets blacks out what is, or may be meant as, a secret.
func (r *report) hideSecrets(root *node) {
	if root == nil {
		r.hideByLook()
		return
	}
	r.hideIn(root, false)
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

// secretive keys have a secret as value, or somewhere below.
func secretive(word string) bool {
	switch word {
	case "auth", "pass", "keys", "key", "text", "hex", "password", "secret", "auth_pass", "authentication":
		return true
	}
	return false
}

// hideByLook blacks out what stands after a secretive key on its line, and,
// if nothing does or a block begins, the deeper lines below it.
func (r *report) hideByLook() {
	look := regexp.MustCompile(`(?i)\b(?:(?:auth_pass|password|pass|secret|text|hex|keys?)["']?[ \t]*:[ \t]*|[0-9]{1,3}["']?[ \t]*:[ \t]+)([^{}]*)`)
	for i, line := range r.lines {
		s := string(line)
		for _, m := range look.FindAllStringSubmatchIndex(s, -1) {
			from, to := len([]rune(s[:m[2]])), len([]rune(s[:m[3]]))
			value := strings.TrimSpace(s[m[2]:m[3]])
			black(line[from:to])
			word := strings.ToLower(strings.TrimSpace(s[m[0]:m[2]]))
			block := value != "" && (value[0] == '|' || value[0] == '>')
			if !block && (value != "" || !strings.HasPrefix(word, "text") && !strings.HasPrefix(word, "hex")) {
				continue
			}
			for j := i + 1; j < len(r.lines) && (len(trimIndent(r.lines[j])) == 0 || indent(r.lines[j]) > indent(line)); j++ {
				black(r.lines[j])
			}
		}
	}
}

func isJSON(text string) bool {
	trimmed := strings.TrimSpace(text)
	return strings.HasPrefix(trimmed, "{") && json.Valid([]byte(trimmed))
}
