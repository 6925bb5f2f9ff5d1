package check

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Presets are the words that [Preset] knows.
func Presets() []string {
	return []string{"redis", "redis-primary", "redis-replica", "smtp", "mysql", "postgresql", "postgresql-tls"}
}

// Login is who a preset says it is. Every field may be empty.
type Login struct {
	// User: of redis (ACL), of the postgresql startup, default "holdfast"; the
	// name that smtp says in EHLO, default "holdfast.invalid".
	User     string
	Password Secret // of redis
}

// Preset is a script's steps, goodbye and manners; address, TLS and path are
// the caller's to add. Default ports are in PresetPort.
func Preset(word string, who Login) (Script, error) {
	s := Script{MaxRead: DefaultMaxRead}
	switch word {
	case "redis":
		s.Steps = append(redisAuth(who), redisStep("+PONG\r\n", "PING"))
		s.Goodbye = redisCommand("QUIT")
	case "redis-primary":
		s.Steps = append(redisAuth(who), redisStep("$6\r\nmaster\r\n", "ROLE"))
		s.Goodbye = redisCommand("QUIT")
	case "redis-replica":
		s.Steps = append(redisAuth(who), redisStep("$5\r\nslave\r\n", "ROLE"))
		s.Goodbye = redisCommand("QUIT")
	case "smtp":
		s.Steps, s.Goodbye = smtpSteps(who), []byte("QUIT\r\n")
	case "mysql":
		s.Steps = []Step{mysqlGreeting()}
	case "postgresql":
		s.Steps, s.Polite = []Step{postgresStartup(who)}, true
	case "postgresql-tls":
		s.Steps, s.Polite = []Step{postgresTLS()}, true
	default:
		return Script{}, fmt.Errorf("there is no preset %q: one of %s", word, strings.Join(Presets(), ", "))
	}
	if strings.ContainsAny(who.User, "\r\n\x00") {
		return Script{}, fmt.Errorf("a user's name has no line breaks in it")
	}
	if redis := strings.HasPrefix(word, "redis"); who.Password != "" && !redis {
		return Script{}, fmt.Errorf("the preset %s has no use for a password", word)
	}
	if who.User != "" && word == "mysql" {
		return Script{}, fmt.Errorf("the preset mysql has no use for a user: it reads the greeting only")
	}
	return s, nil
}

// PresetPort is where the server of a preset listens by default; 0: no such
// preset.
func PresetPort(word string) uint16 {
	if !slices.Contains(Presets(), word) {
		return 0
	}
	switch first, _, _ := strings.Cut(word, "-"); first {
	case "redis":
		return 6379
	case "smtp":
		return 25
	case "mysql":
		return 3306
	}
	return 5432
}

// redisCommand is an array of bulk strings (RESP), which every version reads
// and in which nothing needs to be quoted.
func redisCommand(words ...string) []byte {
	b := []byte("*" + strconv.Itoa(len(words)) + "\r\n")
	for _, w := range words {
		b = append(b, "$"+strconv.Itoa(len(w))+"\r\n"+w+"\r\n"...)
	}
	return b
}

// redisStep fails at an error reply, which begins with "-": LOADING, NOAUTH,
// MASTERDOWN. ROLE answers an array whose first string is the role.
func redisStep(expect string, words ...string) Step {
	return Step{Send: Secret(redisCommand(words...)), Expect: Pattern{Contains, expect}, Fail: redisFailure(expect)}
}

func redisFailure(expect string) Pattern {
	if strings.HasPrefix(expect, "$") { // the other role is an answer, too
		return Pattern{Regexp, `^(-[^\r]*\r\n|\*[0-9]+\r\n\$[0-9]+\r\n[a-z]+\r\n)`}
	}
	return Pattern{Regexp, `^-[^\r]*\r\n`}
}

func redisAuth(who Login) []Step {
	if who.Password == "" {
		return nil
	}
	words := []string{"AUTH", string(who.Password)}
	if who.User != "" {
		words = []string{"AUTH", who.User, string(who.Password)}
	}
	return []Step{redisStep("+OK\r\n", words...)}
}

// smtpSteps: RFC 5321 §3.1, §3.2. An answer's last line has a blank after the
// code, those before it a hyphen (§4.2.1).
func smtpSteps(who Login) []Step {
	name := who.User
	if name == "" {
		name = "holdfast.invalid"
	}
	refused := Pattern{Regexp, `(?m)^[45][0-9][0-9] .*\n`}
	return []Step{
		{Expect: Pattern{Regexp, `(?m)^220 .*\n`}, Fail: refused},
		{Send: Secret("EHLO " + name + "\r\n"), Expect: Pattern{Regexp, `(?m)^250 .*\n`}, Fail: refused},
	}
}

// mysqlGreeting: three bytes of length, sequence 0, then protocol 10, or 0xff
// and an error ("Too many connections").
//
// The server takes a client that leaves now for one whose handshake failed,
// counts it in Aborted_connects, and after max_connect_errors (100) of them in
// a row it blocks the host: set that variable high, or use a real client.
func mysqlGreeting() Step {
	return Step{Expect: Pattern{Hex, "?? ?? ?? 00 0a"}, Fail: Pattern{Hex, "?? ?? ?? ?? ff"}}
}

// postgresStartup: a startup message of protocol 3.0 is answered by 'R', the
// question for a password, or by 'E', an error. The server says 'E' while it
// starts, recovers or stops, and to users that pg_hba.conf does not know.
func postgresStartup(who Login) Step {
	user := who.User
	if user == "" {
		user = "holdfast"
	}
	body := "\x00\x03\x00\x00user\x00" + user + "\x00database\x00postgres\x00\x00"
	m := binary.BigEndian.AppendUint32(nil, uint32(4+len(body)))
	return Step{Send: Secret(append(m, body...)), Expect: Pattern{Hex, "52"}, Fail: Pattern{Regexp, `(?s)^E.*\x00\x00$`}}
}

// postgresTLS: SSLRequest is answered by one byte, 'S' or 'N', before anybody
// is asked who he is. Here it must be 'S'.
func postgresTLS() Step {
	return Step{Send: "\x00\x00\x00\x08\x04\xd2\x16\x2f", Expect: Pattern{Hex, "53"}, Fail: Pattern{Regexp, "^[NE]"}}
}
