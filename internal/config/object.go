package config

import (
	"fmt"
	"strings"
)

// object is one mapping of the file while it is read. Its readers (integer,
// duration, …) take type, bounds and default of a key from the schema, report
// what is wrong, and always return something to go on with.
type object struct {
	rd     *reader
	path   string // schema path, "groups.NAME.vrrp"
	at     span   // the key that the mapping belongs to, for what is missing in it
	values map[string]*node
	keys   map[string]span
	// wrong is set if the file has something else than a mapping here. Then
	// nothing in it is missing, it could only not be read.
	wrong bool
}

// reader turns the tree into raw values.
type reader struct {
	*report
	facts Facts
	index keyIndex
	used  map[string]bool // schema paths that were asked for; for the test that none is forgotten
}

// object begins reading a mapping with fixed keys. A nil node is an empty one.
func (rd *reader) object(n *node, path string, at span) object {
	o := object{rd: rd, path: path, at: at, values: map[string]*node{}, keys: map[string]span{}}
	if n == nil {
		return o
	}
	if n.kind != mapNode {
		o.wrong = true
		if n.kind != nullNode || path == "" {
			rd.add(ruleType, n.span, rd.keysHint(path), "%s must be a mapping of keys and values, not %s", nameOf(path), n.kind)
		} else {
			o.wrong = false
		}
		return o
	}
	allowed := map[string]bool{}
	for _, name := range rd.index.children[path] {
		allowed[name] = true
	}
	for _, e := range n.entries {
		name, ok := rd.keyText(e.key)
		switch {
		case !ok:
		case !allowed[name]:
			rd.unknownKey(e.key, name, path)
		case o.has(name):
			rd.duplicateKey(e.key, path, o.keys[name])
		default:
			o.values[name], o.keys[name] = e.value, e.key.span
		}
	}
	return o
}

// entries gives the entries of a mapping whose keys the user chooses, in the
// order written, without duplicates.
func (rd *reader) entries(n *node, path string) []entry {
	if n == nil || n.kind == nullNode {
		return nil
	}
	if n.kind != mapNode {
		rd.add(ruleType, n.span, "", "%s must be a mapping by name, not %s", nameOf(path), n.kind)
		return nil
	}
	seen := map[string]span{}
	var out []entry
	for _, e := range n.entries {
		name, ok := rd.keyText(e.key)
		if !ok {
			continue
		}
		if first, twice := seen[name]; twice {
			rd.duplicateKey(e.key, path, first)
			continue
		}
		seen[name] = e.key.span
		out = append(out, e)
	}
	return out
}

// keyText is the text of a key.
func (rd *reader) keyText(k *node) (string, bool) {
	if k.kind != scalarNode {
		rd.add(ruleType, k.span, "", "a key must be a single word")
		return "", false
	}
	return k.text, true
}

func (rd *reader) duplicateKey(k *node, path string, first span) {
	what := fmt.Sprintf("%q", cut(k.text))
	if secretPath(path) {
		what = "this key"
	}
	rd.add(ruleDuplicate, k.span, "keep one of them", "%s is already given on line %d", what, first.line)
}

// unknownKey says what was probably meant.
func (rd *reader) unknownKey(k *node, name, path string) {
	full := join(path, name)
	if use, ok := rd.index.later[full]; ok {
		rd.add(ruleLater, k.span, "", "%s is not available in this version of holdfast; %s", name, use)
		return
	}
	where := "here"
	if path != "" {
		where = "in " + nameOf(path)
	}
	hint := familiar(name)
	if hint == "" {
		if near := nearest(name, rd.index.children[path]); near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		} else {
			hint = rd.elsewhere(name, path)
		}
	}
	if hint == "" {
		hint = rd.keysHint(path)
	}
	if secretPath(path) { // whatever was written, it may be the secret
		rd.hide(k)
		rd.add(ruleUnknownKey, k.span, hint, "unknown key %s", where)
		return
	}
	rd.add(ruleUnknownKey, k.span, hint, "unknown key %q %s", cut(name), where)
}

// secretPath tells whether a mapping is about secrets.
func secretPath(path string) bool {
	return path == "SECRET" || strings.HasPrefix(path, "groups.NAME.vrrp.auth")
}

// elsewhere finds a key that exists, but in another mapping.
func (rd *reader) elsewhere(name, path string) string {
	if path == "SECRET" {
		return ""
	}
	for _, k := range schema() {
		if strings.HasSuffix(k.path, "."+name) && !strings.HasPrefix(k.path, "SECRET.") {
			parent := strings.TrimSuffix(k.path, "."+name)
			if parent != path {
				return fmt.Sprintf("%s belongs in %s", name, nameOf(parent))
			}
		}
	}
	return ""
}

// keysHint lists what a mapping may have.
func (rd *reader) keysHint(path string) string {
	names := rd.index.children[path]
	if len(names) == 0 {
		return ""
	}
	return "keys here: " + strings.Join(names, ", ")
}

func (o object) has(name string) bool { _, ok := o.values[name]; return ok }

// key is the schema's word on a key of this object, and its place: that of
// the key if it is there, else the object's own.
func (o object) key(name string) (k key, n *node, at span) {
	path := join(o.path, name)
	o.rd.used[path] = true
	n, at = o.values[name], o.at
	if n != nil {
		at = o.keys[name]
	}
	return o.rd.index.keys[path], n, at
}

// child begins reading a mapping within this one.
func (o object) child(name string) object {
	k, n, at := o.key(name)
	c := o.rd.object(n, k.path, at)
	c.wrong = c.wrong || o.wrong
	return c
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// nameOf is a schema path as people call it: the last word, or "a group" for
// what has a name of its own.
func nameOf(path string) string {
	switch path {
	case "":
		return "the file"
	case "groups.NAME":
		return "a group"
	case "checks.NAME":
		return "a check"
	case servicePath:
		return "a service"
	case backendPath:
		return "a backend"
	case tlsPath:
		return "tls"
	case "checks.NAME.script.steps":
		return "a step"
	case "checks.NAME.http.headers.NAME":
		return "a header"
	case stepPath:
		return "a step"
	case devicePath:
		return "a fence device"
	case "fence.nodes.NAME":
		return "a node"
	case "groups.NAME.checks.CHECK":
		return "the use of a check"
	case "groups.NAME.vrrp.auth.hmac.keys.ID", "SECRET":
		return "a secret"
	}
	return path[strings.LastIndexByte(path, '.')+1:]
}
