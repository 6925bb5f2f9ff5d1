package config

import (
	"slices"

	"github.com/holdfast-net/holdfast/internal/check"
)

// schema is the whole file, in the order of the reference.
func schema() []key {
	keys := fileKeys()
	i := slices.IndexFunc(keys, func(k key) bool { return k.path == "checks" })
	return slices.Insert(keys, i+1, slices.Concat(checkKeys(), serviceKeys())...)
}

// kindWords are the kinds of checks, in the order of the reference.
var kindWords = []string{
	"tcp", "tls", "http", "script", "postgres", "dns", "udp", "ping", "grpc",
	"exec", "file", "process", "link", "route", "address", "bfd", "agent", "peer",
	"all", "any", "not",
}

const (
	perAddress kind = "address:port or mapping"
	perURL     kind = "URL or mapping"
	perHost    kind = "address or mapping"
	perArgv    kind = "command or mapping"
	perPath    kind = "path or mapping"
	perName    kind = "name or mapping"
	perPrefix  kind = "prefix or mapping"
	kPattern   kind = "text or {regexp: …} or {hex: …}"
	kBytes     kind = "text or {hex: …}"
	kStatus    kind = "codes and ranges"
	kSteps     kind = "list of mappings"
	kValues    kind = "mapping by name"
)

// checkKeys are those of a check.
func checkKeys() []key {
	const c = "checks.NAME."
	keys := []key{
		{path: "checks.NAME", kind: kMap, doc: "One check: one key that says what is looked at, and the settings that all kinds share. See [checks.md](checks.md)."},
		{path: c + "interval", kind: kDuration, def: "1s", min: "10ms", max: "24h", doc: "From the beginning of a look to that of the next."},
		{path: c + "fast_interval", kind: kDuration, absent: "`interval`", min: "10ms", max: "24h", doc: "The same between the first odd answer and the decision: while a check that is up fails, or one that is down passes."},
		{path: c + "down_interval", kind: kDuration, absent: "`interval`", min: "10ms", max: "24h", doc: "The same while the check is down."},
		{path: c + "timeout", kind: kDuration, absent: "`interval`, 100ms to 2s", min: "1ms", max: "1h", doc: "How long a look may take. Then it has failed; a program is killed with all that it started."},
		{path: c + "jitter", kind: kInteger, def: "5", min: "0", max: "50", doc: "By how many percent an interval varies at random, so that checks do not beat together."},
		{path: c + "rise", kind: kInteger, absent: "2; 1 for what is asked of this machine alone", min: "1", max: "1000", doc: "How many passes in a row make a check that is down up."},
		{path: c + "fall", kind: kInteger, absent: "3; 1 for what is asked of this machine alone", min: "1", max: "1000", doc: "How many failures in a row make a check that is up down."},
		{path: c + "initial", kind: kChoice, def: "wait", words: []string{"wait", "up", "down"}, doc: "What counts before the first answer: `wait` has a group that does not take part yet wait for it, and the first answer decides at once; `up` and `down` are taken for granted until `fall` failures or `rise` passes."},
		{path: c + "flap", kind: kMap, absent: "off", doc: "Keeps a check that goes up and down too often down."},
		{path: c + "flap.changes", kind: kInteger, def: "3", min: "2", max: "100", doc: "How many times it may go down …"},
		{path: c + "flap.within", kind: kDuration, def: "5m", min: "1s", max: "24h", doc: "… within this time. Then it stays down …"},
		{path: c + "flap.stable", kind: kDuration, def: "1m", min: "1s", max: "24h", doc: "… until it has passed for this long without a break."},
	}
	for _, k := range networkKeys() {
		k.path = c + k.path
		keys = append(keys, k)
	}
	for _, k := range localKeys() {
		k.path = c + k.path
		keys = append(keys, k)
	}
	return append(keys, secureKeys(tlsPath)...)
}

// networkKeys are those of the kinds that look over the network.
func networkKeys() []key {
	return slices.Concat(
		[]key{
			{path: "tcp", kind: perAddress, doc: "Up when a connection is made."},
			addressKey("tcp"),
		}, viaKeys("tcp"),
		[]key{
			{path: "tls", kind: perAddress, doc: "Up when a TLS handshake is finished and the certificate is as wanted."},
			addressKey("tls"),
		}, secureKeys("tls"), viaKeys("tls"),
		[]key{
			{path: "http", kind: perURL, doc: "Up when every URL answers as wanted."},
			{path: "http.url", kind: kText, absent: "required, or `urls`", doc: "Where to ask, `http://` or `https://`."},
			{path: "http.urls", kind: kNames, doc: "Several, one after the other within the timeout."},
			{path: "http.status", kind: kStatus, def: "200-299", doc: "Which status codes are good: `200`, `200-299,302`, `2xx`."},
			{path: "http.method", kind: kText, def: "GET", doc: "The method of the request."},
			{path: "http.host", kind: kText, absent: "that of the URL", doc: "The Host header, and the name in TLS unless `tls: {name: …}` gives one."},
			{path: "http.headers", kind: kValues, doc: "More headers of the request. A value that nobody should read is a secret: `{Authorization: {file: PATH}}`."},
			{path: "http.headers.NAME", kind: kSecret, doc: "Text, or where a secret is."},
			{path: "http.body", kind: kText, absent: "none", doc: "The body of the request."},
			{path: "http.expect", kind: kPattern, absent: "anything", doc: "What the answer's body must have in it."},
			{path: "http.reject", kind: kPattern, absent: "nothing", doc: "What it must not have in it."},
			{path: "http.max_body", kind: kInteger, def: "65536", min: "0", max: "16777216", doc: "How many bytes of the body are read."},
			{path: "http.version", kind: kChoice, def: "1.1", words: []string{"1.1", "2"}, doc: "The version of HTTP. 2 is by TLS, or from the first byte with `http://`."},
			{path: "http.redirects", kind: kInteger, def: "0", min: "0", max: "10", doc: "How many redirects are followed. With 0 a redirect is an answer with its own status."},
			{path: "http.keep_alive", kind: kBool, def: "false", doc: "Whether the connection is kept for the next look."},
			{path: "http.connect", kind: kText, absent: "that of the URL", doc: "Where to connect to instead, address and perhaps port, without a change to what is asked for."},
			{path: "http.tls", kind: kMap, doc: "How TLS is spoken, with `https://`: see [TLS](#tls)."},
		}, viaKeys("http"),
		[]key{
			{path: "script", kind: kMap, doc: "Talks with a TCP server, in steps of its own or those of a preset."},
			addressKey("script"),
			{path: "script.preset", kind: kChoice, absent: "`steps`", words: check.Presets(), doc: "What to say. The port may be left out then."},
			{path: "script.user", kind: kText, doc: "Who the preset says it is: of redis, smtp (EHLO) and postgresql."},
			{path: "script.password", kind: kSecret, doc: "The password of redis."},
			{path: "script.steps", kind: kSteps, absent: "`preset`", doc: "Each step sends something, waits for something, or both."},
			{path: "script.steps.send", kind: kBytes, doc: "What is sent."},
			{path: "script.steps.expect", kind: kPattern, doc: "What is read until it is found."},
			{path: "script.steps.fail", kind: kPattern, doc: "What fails the check at once when it is found first."},
			{path: "script.goodbye", kind: kBytes, absent: "nothing", doc: "What is sent after the last step."},
			{path: "script.polite", kind: kBool, def: "false", doc: "Whether the connection ends with FIN instead of RST, for servers that log a reset."},
			{path: "script.max_read", kind: kInteger, def: "16384", min: "1", max: "1048576", doc: "How many bytes a step may read."},
			{path: "script.tls", kind: kMap, absent: "plain", doc: "Speaks TLS from the first byte: see [TLS](#tls); `{}` is enough."},
		}, viaKeys("script"),
		[]key{
			{path: "postgres", kind: perAddress, doc: "Logs in to PostgreSQL and looks at its role, its lag, and what a query says."},
			addressKey("postgres"),
			{path: "postgres.user", kind: kText, def: "postgres", doc: "Who logs in. It needs nothing but CONNECT; for `max_lag` let it be a member of pg_monitor."},
			{path: "postgres.password", kind: kSecret, absent: "none", doc: "The password."},
			{path: "postgres.database", kind: kText, def: "postgres", doc: "The database."},
			{path: "postgres.sslmode", kind: kChoice, def: "prefer", words: check.SSLModes(), doc: "As libpq has it."},
			{path: "postgres.tls", kind: kMap, doc: "Certificates: see [TLS](#tls). `sslmode` says what is verified."},
			{path: "postgres.role", kind: kChoice, def: "any", words: []string{"any", "primary", "standby"}, doc: "What the server must be: `primary` takes writes, `standby` is in recovery."},
			{path: "postgres.max_lag", kind: kDuration, absent: "any", min: "1ms", max: "24h", doc: "How far a standby may be behind."},
			{path: "postgres.query", kind: kText, absent: "none", doc: "A query in a read-only transaction; it must give a row."},
			{path: "postgres.value", kind: kText, absent: "any", doc: "What the first column of the row must be, as text."},
		}, viaKeys("postgres"),
		[]key{
			{path: "dns", kind: perHost, doc: "Asks a name server."},
			{path: "dns.address", kind: kText, absent: "required", doc: "The server, with a port other than 53 where it has one."},
			{path: "dns.name", kind: kText, def: ".", doc: "The name that is asked for."},
			{path: "dns.type", kind: kChoice, def: "SOA", words: check.DNSTypes(), doc: "The type of record."},
			{path: "dns.rcode", kind: kChoice, def: "NOERROR", words: check.DNSCodes(), doc: "The code that the answer must have."},
			{path: "dns.answer", kind: kPattern, absent: "anything", doc: "What must be in the data of a record of the answer."},
			{path: "dns.network", kind: kChoice, def: "udp", words: []string{"udp", "tcp"}, doc: "How the question travels."},
			{path: "dns.iterative", kind: kBool, def: "false", doc: "Whether recursion is not asked for, of a server that knows itself."},
		}, viaKeys("dns"),
		[]key{
			{path: "udp", kind: perAddress, doc: "Sends a datagram and looks at what comes back."},
			addressKey("udp"),
			{path: "udp.send", kind: kBytes, absent: "an empty datagram", doc: "What is sent."},
			{path: "udp.expect", kind: kPattern, absent: "anything", doc: "What the answer must have in it."},
			{path: "udp.silence", kind: kChoice, def: "fails", words: []string{"fails", "passes"}, doc: "What no answer at all means. An ICMP error fails in any case."},
			{path: "udp.listen", kind: kDuration, def: "200ms", min: "1ms", max: "1h", doc: "How long an answer is waited for before silence passes."},
		}, viaKeys("udp"),
		[]key{
			{path: "ping", kind: perHost, doc: "Sends ICMP echo requests."},
			{path: "ping.host", kind: kText, absent: "required", doc: "An address (with a zone where it is link-local) or a name."},
			{path: "ping.count", kind: kInteger, def: "1", min: "1", max: "100", doc: "How many requests a look sends."},
			{path: "ping.spacing", kind: kDuration, def: "100ms", min: "1ms", max: "1h", doc: "The time between them."},
			{path: "ping.max_loss", kind: kInteger, def: "0", min: "0", max: "99", doc: "How many percent of them may stay without an answer."},
			{path: "ping.size", kind: kInteger, def: "56", min: "16", max: "65000", doc: "How many bytes a request carries."},
		}, viaKeys("ping"),
		[]key{
			{path: "grpc", kind: perAddress, doc: "Asks a gRPC server by its standard health protocol."},
			addressKey("grpc"),
			{path: "grpc.service", kind: kText, absent: "the whole server", doc: "Which service is asked for."},
			{path: "grpc.authority", kind: kText, absent: "the name in TLS, or the address", doc: "The :authority of the request."},
			{path: "grpc.tls", kind: kMap, absent: "plain", doc: "Speaks TLS: see [TLS](#tls); `{}` is enough."},
		}, viaKeys("grpc"),
	)
}

func addressKey(word string) key {
	return key{path: word + ".address", kind: kText, absent: "required", doc: "Where to connect to: `192.0.2.1:80`, `[2001:db8::1]:80`, `name:80`."}
}

// viaKeys are those of the way that a look's packets take.
func viaKeys(word string) []key {
	return []key{
		{path: word + ".source", kind: kAddr, absent: "as the kernel chooses", doc: "The address that the look comes from."},
		{path: word + ".device", kind: kName, absent: "any", doc: "The interface that it leaves by."},
		{path: word + ".mark", kind: kInteger, def: "0", min: "0", max: "4294967295", doc: "The packets' mark, for rules of routing."},
	}
}

// tlsPath is where the keys of TLS are that several kinds have.
const tlsPath = "TLS"

// secureKeys are those of TLS.
func secureKeys(path string) []key {
	return []key{
		{path: path + ".name", kind: kText, absent: "the host", doc: "The name that is asked for (SNI) and must be in the certificate."},
		{path: path + ".verify", kind: kBool, def: "true", doc: "Whether the certificate's chain and name are checked."},
		{path: path + ".ca", kind: kPath, absent: "those of the system", doc: "A file of PEM certificates to trust."},
		{path: path + ".cert", kind: kPath, absent: "none", doc: "A file with this client's certificate."},
		{path: path + ".key", kind: kPath, absent: "in `cert`", doc: "A file with its key."},
		{path: path + ".alpn", kind: kNames, absent: "none", doc: "The protocols offered; one must be taken."},
		{path: path + ".min_days", kind: kInteger, def: "0", min: "0", max: "36500", doc: "For how many days the certificate must still be good."},
		{path: path + ".warn_days", kind: kInteger, def: "0", min: "0", max: "36500", doc: "Warns where less is left; 0: never."},
	}
}

// localKeys are those of the kinds that look at this machine, ask something
// beside a service, or are made of other checks.
func localKeys() []key {
	return slices.Concat([]key{
		{path: "exec", kind: perArgv, doc: "Runs a program, without a shell."},
		{path: "exec.run", kind: kArgv, absent: "required", doc: "An absolute path and its arguments."},
		{path: "exec.user", kind: kText, absent: "that of the daemon", doc: "Who runs it."},
		{path: "exec.group", kind: kText, absent: "the user's", doc: "As which group."},
		{path: "exec.codes", kind: kChoice, def: "status", words: []string{"status", "nagios", "nagios-strict", "weight"}, doc: "How the exit code is read. `status`: 0 passes. `nagios`: 0 and 1 (a warning) pass, 2 and 3 fail; `nagios-strict`: only 0 passes. `weight`: 0 passes, 1 fails, 2 to 255 passes and adds that less 2 to the priority."},

		{path: "file", kind: perPath, doc: "Looks at a file: that it is there, what it says, how old it is."},
		{path: "file.path", kind: kPath, absent: "required", doc: "The file."},
		{path: "file.absent", kind: kBool, def: "false", doc: "Whether it must not be there."},
		{path: "file.value", kind: kBool, def: "false", doc: "Whether it holds a number, which is added to the priority of groups that use the check by weight. -254 and less fails."},
		{path: "file.times", kind: kInteger, def: "1", min: "-1000000", max: "1000000", doc: "What the number is multiplied by. With 0, every number but 0 fails."},
		{path: "file.contains", kind: kText, absent: "anything", doc: "What it must have in it."},
		{path: "file.max_age", kind: kDuration, absent: "any", min: "1ms", max: "8760h", doc: "How long ago it may have been written."},

		{path: "process", kind: perName, doc: "Counts running processes."},
		{path: "process.name", kind: kText, absent: "required, or `command`", doc: "The program's name."},
		{path: "process.command", kind: kText, absent: "any", doc: "A regular expression over the command line."},
		{path: "process.user", kind: kText, absent: "anybody", doc: "Whose processes count."},
		{path: "process.min", kind: kInteger, def: "1", min: "0", max: "1000000", doc: "How many there must be."},
		{path: "process.max", kind: kInteger, absent: "any number", min: "0", max: "1000000", doc: "How many there may be."},

		{path: "link", kind: perName, doc: "Looks at an interface: up with carrier. (A group's own interface is always watched.)"},
		{path: "link.name", kind: kText, absent: "required", doc: "The interface, or a pattern for several: `bond*`."},
		{path: "link.min", kind: kInteger, def: "1", min: "1", max: "10000", doc: "How many of them must be fit."},
		{path: "link.no_carrier", kind: kBool, def: "false", doc: "Whether one without carrier will do, for dummies and tunnels."},
		{path: "link.speed", kind: kInteger, def: "0", min: "0", max: "10000000", doc: "The least speed in Mbit/s."},
		{path: "link.mtu", kind: kInteger, def: "0", min: "0", max: "65536", doc: "The least MTU."},

		{path: "route", kind: perPrefix, doc: "Looks for a route in the kernel's tables."},
		{path: "route.to", kind: kText, absent: "required", doc: "The destination as the table has it: `10.0.0.0/8`, `default`, `::/0`; with `lookup` one address."},
		{path: "route.via", kind: kAddr, absent: "any", doc: "The next hop."},
		{path: "route.dev", kind: kName, absent: "any", doc: "The interface."},
		{path: "route.table", kind: kInteger, absent: "254 (main)", min: "1", max: "4294967295", doc: "The table."},
		{path: "route.lookup", kind: kBool, def: "false", doc: "Whether to ask where a packet would go, through all rules and tables."},

		{path: "address", kind: perHost, doc: "Looks for an address on this machine."},
		{path: "address.is", kind: kAddr, absent: "required", doc: "The address."},
		{path: "address.dev", kind: kName, absent: "any", doc: "The interface."},

		{path: "bfd", kind: perHost, doc: "Looks at a BFD session that a group of this node keeps."},
		{path: "bfd.peer", kind: kAddr, absent: "required", doc: "The neighbour."},
		{path: "bfd.dev", kind: kName, absent: "any", doc: "The interface."},

		{path: "agent", kind: perAddress, doc: "Asks an agent in HAProxy's agent-check protocol. A share such as `75%` takes the rest of the check's weight off the priority."},
		addressKey("agent"),
		{path: "agent.send", kind: kText, absent: "nothing", doc: "What is sent first."},
		{path: "agent.required", kind: kBool, def: "false", doc: "Whether no answer is a failure; else it says nothing, as in HAProxy."},
	}, viaKeys("agent"), []key{
		{path: "peer", kind: perName, doc: "Asks whether another holdfast node is heard."},
		{path: "peer.node", kind: kText, absent: "required", doc: "Its name."},
		{path: "peer.within", kind: kDuration, def: "5s", min: "2s", max: "24h", doc: "How long ago it may have been heard last."},

		{path: "all", kind: kNames, doc: "Up while every one of these checks is."},
		{path: "any", kind: kNames, doc: "Up while one of these checks is."},
		{path: "not", kind: kName, doc: "Up while this check is down."},
	})
}
