package config

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// secretKinds are the places a secret may be in.
var secretKinds = [...]string{"file", "credential", "env", "text", "hex"}

// maxSecret bounds what is read from a file that is said to hold a secret.
const maxSecret = 4096

const (
	passPath = "groups.NAME.vrrp.auth.pass"
	keyPath  = "groups.NAME.vrrp.auth.hmac.keys.ID"
	bfdPath  = "groups.NAME.vrrp.bfd.auth"
	userPath = "groups.NAME.lease.password"
)

// isText tells the secrets that are text from those that are bytes.
func isText(what string) bool {
	return what == passPath || what == bfdPath || what == userPath || what == fencePath || ofCheck(what)
}

// ofCheck tells whether a secret is one that a check shows.
func ofCheck(what string) bool { return strings.HasPrefix(what, "checks.") }

// secret reads where a secret is and fetches it. Nothing in here puts the
// secret, or what may be one, into a message.
func (rd *reader) secret(n *node, what string, at span) *rawSecret {
	s := &rawSecret{at: at}
	inline := "hex"
	if isText(what) {
		inline = "text"
	}
	form := "write {file: PATH}, {credential: NAME}, {env: NAME} or {" + inline + ": …}"
	if n.kind != mapNode {
		rd.add(ruleSecretForm, n.span, form, "%s must say where it is", secretName(what))
		return s
	}
	before := len(rd.found)
	o := rd.object(n, "SECRET", at)
	var source string
	for _, name := range secretKinds {
		if !o.has(name) {
			continue
		}
		if source != "" {
			rd.add(ruleSecretForm, o.keys[name], "keep one of "+source+" and "+name, "%s is said to be in two places", secretName(what))
			return s
		}
		source = name
	}
	switch {
	case len(rd.found) > before:
		return s
	case source == "":
		rd.add(ruleSecretForm, at, form, "%s must say where it is", secretName(what))
		return s
	case source == "text" && !isText(what), source == "hex" && isText(what):
		rd.add(ruleSecretForm, o.keys[source], form, "%s cannot be given as %s", secretName(what), source)
		return s
	}
	x := o.text(source)
	if !x.set() {
		return s
	}
	s.at = x.at
	raw, known := rd.fetch(source, x, what)
	if !known {
		return s
	}
	s.value, s.found = rd.decode(raw, source, x.at, what)
	return s
}

func secretName(what string) string {
	switch what {
	case passPath:
		return "pass"
	case bfdPath:
		return "the key of bfd"
	case fencePath:
		return "a parameter"
	case userPath, "checks.NAME.postgres.password", "checks.NAME.script.password":
		return "password"
	case "checks.NAME.http.headers.NAME":
		return "the header"
	}
	return "a key"
}

// fetch gets the secret's bytes. ok is false if they cannot be had, which is
// reported unless it is because Facts does not cover the place.
func (rd *reader) fetch(source string, x val[string], what string) (raw []byte, ok bool) {
	switch source {
	case "file":
		if rd.facts.Files == nil {
			return nil, false
		}
		name := x.v
		if !path.IsAbs(name) {
			if rd.facts.Dir == "" {
				rd.add(ruleSecret, x.at, "write the whole path", "%q is a relative path, and the configuration has no directory", cut(name))
				return nil, false
			}
			name = path.Join(rd.facts.Dir, name)
		}
		return rd.readSecret(name, x.at)
	case "credential":
		if rd.facts.LookupEnv == nil {
			return nil, false
		}
		dir, set := rd.facts.LookupEnv("CREDENTIALS_DIRECTORY")
		if !set {
			rd.add(ruleSecret, x.at, "add LoadCredential="+printable(cut(x.v))+":PATH to the systemd unit", "there are no credentials: $CREDENTIALS_DIRECTORY is not set")
			return nil, false
		}
		if strings.ContainsRune(x.v, '/') || x.v == "." || x.v == ".." {
			rd.add(ruleSecret, x.at, "write the name that LoadCredential= gives it", "%q is not the name of a credential", cut(x.v))
			return nil, false
		}
		return rd.readSecret(path.Join(dir, x.v), x.at)
	case "env":
		if rd.facts.LookupEnv == nil {
			return nil, false
		}
		v, set := rd.facts.LookupEnv(x.v)
		if !set {
			rd.add(ruleSecret, x.at, "", "the environment variable %q is not set", cut(x.v))
		}
		return []byte(v), set
	}
	rd.add(ruleSecretInline, x.at, "let nobody else read this file, or move the secret out: {file: PATH}", "%s is written in the configuration itself", secretName(what))
	return []byte(x.v), true
}

// readSecret reads a file that holds a secret.
func (rd *reader) readSecret(name string, at span) ([]byte, bool) {
	if rd.facts.Files == nil {
		return nil, false
	}
	in := fsPath(name)
	info, err := fs.Stat(rd.facts.Files, in)
	switch {
	case err != nil:
		rd.add(ruleSecret, at, "", "cannot read the secret in %q: %s", cut(name), cause(err))
		return nil, false
	case !info.Mode().IsRegular():
		rd.add(ruleSecret, at, "", "cannot read the secret in %q: not a file", cut(name))
		return nil, false
	case info.Size() > maxSecret:
		rd.add(ruleSecret, at, "", "cannot read the secret in %q: it has %d bytes", cut(name), info.Size())
		return nil, false
	}
	b, err := fs.ReadFile(rd.facts.Files, in)
	if err != nil {
		rd.add(ruleSecret, at, "", "cannot read the secret in %q: %s", cut(name), cause(err))
		return nil, false
	}
	if info.Mode().Perm()&0o004 != 0 {
		rd.add(ruleSecretOpen, at, "chmod o= "+printable(cut(name)), "everyone on this machine can read the secret in %q", cut(name))
	}
	return b, true
}

// line is raw without the end of its line, which editors and echo add. Bytes
// that are not text have no lines.
func line(raw []byte) []byte {
	text := bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
	if printableASCII(text) {
		return text
	}
	return raw
}

// decode gives the secret its form and checks it.
func (rd *reader) decode(raw []byte, source string, at span, what string) (Secret, bool) {
	raw = line(raw)
	if what == passPath {
		// RFC 2338 §5.3.6.2: 8 bytes, shorter ones padded with zeros.
		if len(raw) < 1 || len(raw) > 8 || !printableASCII(raw) {
			rd.add(rulePassLength, at, "VRRP version 2 has room for 8 characters; keepalived cuts longer ones off, so use the first 8 of them",
				"the password must have 1 to 8 printable characters; it has %d", len(raw))
			return Secret{}, false
		}
		return NewSecret(raw), true
	}
	if what == bfdPath {
		// RFC 5880 §6.7.4: up to 20 bytes, padded with zeros.
		if len(raw) < 1 || len(raw) > 20 || !printableASCII(raw) {
			rd.add(ruleBFDKey, at, "make one with: openssl rand -hex 10", "the key of bfd must have 1 to 20 printable characters; it has %d", len(raw))
			return Secret{}, false
		}
		return NewSecret(raw), true
	}
	if what == userPath || what == fencePath || ofCheck(what) {
		if len(raw) < 1 || !printableASCII(raw) {
			rd.add(ruleSecretForm, at, "write it into the file as it is", "the password must have printable characters only, and some")
			return Secret{}, false
		}
		return NewSecret(raw), true
	}
	key, isHex := hexKey(raw)
	switch {
	case source == "hex" && !isHex:
		rd.add(ruleSecretForm, at, "two digits from 0 to 9 and a to f for each byte; make a key with: openssl rand -hex 32", "hex must be hex digits")
		return Secret{}, false
	case !isHex || source != "hex" && len(raw) < 64:
		key = raw
	}
	if len(key) < 32 || len(key) > 64 {
		rd.add(ruleKeyLength, at, "make a key with: openssl rand -hex 32", "a key must have 32 to 64 bytes; it has %d", len(key))
		return Secret{}, false
	}
	return NewSecret(key), true
}

// hexKey decodes hex digits, with blanks around them.
func hexKey(raw []byte) ([]byte, bool) {
	digits := bytes.TrimSpace(raw)
	key := make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(key, digits); err != nil || len(digits) == 0 {
		return nil, false
	}
	return key, true
}

func printableASCII(b []byte) bool {
	for _, c := range b {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return true
}

// parseID reads the id of a key.
func parseID(s string) (int, bool) {
	v, err := strconv.Atoi(s)
	return v, err == nil && isDigits(s) && s[0] != '0' && v <= 255
}

// fsPath turns an absolute path into one of an fs.FS that starts at the root.
func fsPath(name string) string {
	name = strings.TrimPrefix(path.Clean(name), "/")
	if name == "" {
		return "."
	}
	return name
}

// cause is the last error of a file operation, without the path that the
// message has already.
func cause(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "no such file"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied"
	}
	return err.Error()
}
