package config

const (
	servicePath = "services.NAME"
	backendPath = "services.NAME.backends"

	kBackends kind = "list of backends"
	kEndpoint kind = "address:port/protocol, or a list of them"
)

// serviceKeys are those of the services.
func serviceKeys() []key {
	return []key{
		{path: "services", kind: kMap, absent: "none", doc: "The services by name: what clients connect to at an address of a group, and the backends behind it. Names as those of groups. See [services.md](services.md)."},
		{path: servicePath, kind: kMap, doc: "One service. The same on all nodes of its group."},
		{path: "services.NAME.listen", kind: kEndpoint, absent: "required", doc: "Where clients connect: `192.0.2.10:443/tcp`, `[2001:db8::10]:53/udp`. Addresses of one group here, or of groups that move together."},
		{path: "services.NAME.scheduler", kind: kChoice, def: "round-robin", words: schedulerWords, doc: "How a backend is chosen for a new flow. All heed weights; the words with `weighted-` are those without it. `two-choices` compares two backends at random; `source-hash` goes by the client's address; `maglev` goes by addresses and ports, the same way on every node."},
		{path: "services.NAME.forward", kind: kChoice, def: autoForward, words: forwardWords, doc: "How packets get there. `auto` is `full-nat` where the kernel can, and `proxy` where it cannot or `proxy:` is wanted; `holdfast backends` says which, and why. `nat` keeps the client's address, so answers have to come back through this node; with `full-nat` backends see an address of the group; with `dsr` (same segment) and `tunnel` they answer clients themselves and have the service's address on a loopback; `proxy` joins two connections in a process of its own."},
		{path: "services.NAME.tunnel", kind: kChoice, def: "ipip", words: []string{"ipip", "gue"}, doc: "What `forward: tunnel` wraps packets in: IPv4 or IPv6 in the family of the backend's address, or UDP, which networks spread better."},
		{path: "services.NAME.translate", kind: kAddrs, absent: "the addresses of `listen`", doc: "The addresses that `forward: full-nat` sends from: addresses of the same groups, so that they move with the service. Each is good for 12,000 flows to a backend, 24,000 on a cluster of two nodes."},
		{path: "services.NAME.backends", kind: kBackends, absent: "required", doc: "The servers: `[{address: \"10.0.0.11:443\", weight: 10}, {address: \"10.0.0.12:443\"}]`."},
		{path: "services.NAME.backends.address", kind: kListen, absent: "required", doc: "Where it serves. One address and port is one backend, whatever else is said of it."},
		{path: "services.NAME.backends.weight", kind: kInteger, def: "1", min: "0", max: "65535", doc: "Its share of new flows, beside the weights of the others; 0 is none."},
		{path: "services.NAME.backends.backup", kind: kBool, def: "false", doc: "Whether it is used only while none that is no backup is up."},
		{path: "services.NAME.backends.sorry", kind: kBool, def: "false", doc: "Whether it is used only while nothing else is up, to say so. It is not checked."},
		{path: "services.NAME.backends.max_flows", kind: kInteger, def: "0", min: "0", max: "16777216", doc: "How many flows it may have; 0 is any number."},
		{path: "services.NAME.checks", kind: kNames, absent: "none: all are up", doc: "The checks that a backend has to pass. One that looks at the host `backend` is run for each backend, with its address (and its port where none is written): `{tcp: backend}`, `{http: {url: \"https://www.example.org/healthz\", connect: backend}}`. Others are the same for all."},
		{path: "services.NAME.affinity", kind: kDuration, def: "0s", min: "0s", max: "168h", doc: "For how long after its last flow a client gets the same backend again. 0s: not."},
		{path: "services.NAME.sources", kind: kMap, doc: "What `source-hash` and `affinity` take for one client: that many leading bits of the address."},
		{path: "services.NAME.sources.ipv4", kind: kInteger, def: "32", min: "1", max: "32", doc: "Of an IPv4 address."},
		{path: "services.NAME.sources.ipv6", kind: kInteger, def: "128", min: "1", max: "128", doc: "Of an IPv6 address. A client has a whole /64, as a rule."},
		{path: "services.NAME.table_size", kind: kInteger, def: "65537", min: "251", max: "131071", doc: "The slots of the table of `maglev` and `source-hash`, a prime. With fewer, more other flows move when a backend leaves."},
		{path: "services.NAME.on_down", kind: kChoice, absent: "`reset` for tcp, `rehash` for udp", words: policyWords, doc: "What becomes of the flows of a backend that is down. `reset`: both ends are told, so that clients connect again at once; `rehash`: the next packet goes to another backend; `keep`: they stay, as the backend may still serve them."},
		{path: "services.NAME.on_removed", kind: kChoice, def: "keep", words: policyWords, doc: "The same for one that a reload removes while it serves. `keep`: until its last flow has ended."},
		{path: "services.NAME.slow_start", kind: kDuration, def: "0s", min: "0s", max: "1h", doc: "In what time a backend that comes up gets to its whole weight, from a tenth of it."},
		{path: "services.NAME.panic", kind: kInteger, def: "0", min: "0", max: "100", doc: "With less than this percentage of the weight up, all backends are used, whatever their checks say. 0: never."},
		{path: "services.NAME.max_flows", kind: kInteger, def: "0", min: "0", max: "1073741824", doc: "How many flows the service may have on this node; 0 is any number."},
		{path: "services.NAME.new_per_second", kind: kInteger, def: "0", min: "0", max: "100000000", doc: "How many new flows a second it takes on this node; 0 is any number."},
		{path: "services.NAME.allow", kind: kPrefixes, absent: "everybody", doc: "The clients that may connect: `[10.0.0.0/8, 2001:db8::/32]`. Rules of nftables on this machine do not see what the kernel forwards for a service."},
		{path: "services.NAME.timeouts", kind: kMap, doc: "After how long without a packet a flow is forgotten."},
		{path: "services.NAME.timeouts.half_open", kind: kDuration, def: "30s", min: "1s", max: "10m", doc: "A TCP connection that only asked."},
		{path: "services.NAME.timeouts.established", kind: kDuration, def: "2h", min: "10s", max: "720h", doc: "A TCP connection that is made."},
		{path: "services.NAME.timeouts.closing", kind: kDuration, def: "60s", min: "1s", max: "1h", doc: "One that an end has closed."},
		{path: "services.NAME.timeouts.closed", kind: kDuration, def: "10s", min: "1s", max: "10m", doc: "One that was reset, or closed by both ends."},
		{path: "services.NAME.timeouts.udp", kind: kDuration, def: "30s", min: "1s", max: "24h", doc: "UDP, from the client only."},
		{path: "services.NAME.timeouts.udp_assured", kind: kDuration, def: "3m", min: "1s", max: "24h", doc: "UDP, from both sides."},
		{path: "services.NAME.proxy", kind: kMap, doc: "What `forward: proxy` does besides."},
		{path: "services.NAME.proxy.connect", kind: kDuration, def: "5s", min: "10ms", max: "10m", doc: "After how long without an answer another backend is tried."},
		{path: "services.NAME.proxy.retries", kind: kInteger, def: "2", min: "0", max: "100", doc: "How many others are tried."},
		{path: "services.NAME.proxy.protocol", kind: kChoice, def: "none", words: []string{"none", "v1", "v2"}, doc: "The header of the PROXY protocol that tells a backend who the client is."},
		{path: "services.NAME.proxy.queue", kind: kDuration, def: "0s", min: "0s", max: "10m", doc: "How long a connection waits where every backend has as many as `max_flows` allows. 0s: it is refused at once."},
		{path: "services.NAME.proxy.max_queue", kind: kInteger, def: "0", min: "0", max: "1000000", doc: "How many connections may wait on this node; 0 is any number."},
	}
}
