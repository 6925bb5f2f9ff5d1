package config

import "strings"

// kind is what a key takes.
type kind string

const (
	kText     kind = "text"
	kName     kind = "name"
	kPath     kind = "path"
	kInteger  kind = "number"
	kDuration kind = "duration"
	kBool     kind = "true or false"
	kChoice   kind = "word"
	kPrefixes kind = "list of addresses"
	kAddrs    kind = "list of addresses without length"
	kNames    kind = "list of names"
	kArgv     kind = "command"
	kUses     kind = "list or mapping of checks"
	kSecret   kind = "secret"
	kListen   kind = "address:port"
	kAddr     kind = "address"
	kVoter    kind = "address or address:port"
	kMap      kind = "mapping"
	kPrefix   kind = "address or subnet"
	kStepList kind = "list of steps"
	kWords    kind = "mapping of words"
	kLevels   kind = "list of lists of names"
)

// key describes one key of the file. The readers take types, bounds, words
// and defaults from here and nowhere else, and docs/configuration.md is made
// of it, so the three cannot drift apart.
type key struct {
	path     string // with NAME, CHECK or ID for what the user chooses
	kind     kind
	def      string   // default, as it would be written
	absent   string   // what happens without it, where that is not a value
	min, max string   // bounds, as they would be written
	words    []string // of a kChoice
	doc      string
}

// fileKeys are those of the file but what a check may have.
func fileKeys() []key {
	return []key{
		{path: "node", kind: kName, absent: "the host name", doc: "This node's name, as other nodes and people see it."},
		{path: "groups", kind: kMap, absent: "no groups", doc: "The groups by name. A name has lower-case letters, digits, `-` and `_`, at most 63, and starts with a letter or digit."},
		{path: "groups.NAME", kind: kMap, absent: "required", doc: "One election and the addresses that move with it."},
		{path: "groups.NAME.addresses", kind: kPrefixes, absent: "required", doc: "The addresses, IPv4, IPv6 or both, with the prefix length that the interface shall give them (`/32` or `/128` without one). They move together. IPv6 needs a link-local address first; where none is written, `fe80::200:5eff:fe00:2XX` with the VRID as XX is added."},
		{path: "groups.NAME.interface", kind: kName, absent: "the interface whose subnet contains the first address", doc: "The interface that holds the addresses and speaks VRRP."},
		{path: "groups.NAME.vrrp", kind: kMap, absent: "required", doc: "The election, by VRRP (RFC 9568, RFC 3768). IPv4 and IPv6 addresses make two virtual routers with the same settings."},
		{path: "groups.NAME.vrrp.id", kind: kInteger, absent: "required", min: "1", max: "255", doc: "The VRID. The same on all nodes of the group, and used by nothing else on the segment."},
		{path: "groups.NAME.vrrp.priority", kind: kInteger, def: "100", min: "1", max: "255", doc: "The node with the higher number becomes active. 255 is for the node whose own addresses the group has."},
		{path: "groups.NAME.vrrp.interval", kind: kDuration, def: "1s", min: "10ms", max: "255s", doc: "How often the active node says that it is there. Version 3: up to 40.95s in steps of 10ms; version 2: whole seconds. A failover takes three intervals and a fraction."},
		{path: "groups.NAME.vrrp.version", kind: kInteger, def: "3", min: "2", max: "3", doc: "The VRRP version. 2 knows IPv4 and whole seconds only."},
		{path: "groups.NAME.vrrp.preempt", kind: kBool, def: "true", doc: "Whether this node takes over from an active node with a lower priority."},
		{path: "groups.NAME.vrrp.preempt_delay", kind: kDuration, def: "0s", min: "0s", max: "1h", doc: "How long a lower-priority active node is left alone before it is preempted."},
		{path: "groups.NAME.vrrp.startup_delay", kind: kDuration, def: "0s", min: "0s", max: "1h", doc: "How long after start this node does not claim the addresses, for switches and services to become ready."},
		{path: "groups.NAME.vrrp.peers", kind: kAddrs, absent: "multicast", doc: "The other nodes' addresses, for unicast. Adverts from anyone else are dropped."},
		{path: "groups.NAME.vrrp.hops", kind: kInteger, def: "255", min: "1", max: "255", doc: "The lowest TTL or hop limit that is accepted. 255 accepts the same segment only (RFC 9568 §5.1.1.3); lower it for unicast peers behind routers."},
		{path: "groups.NAME.vrrp.mac", kind: kChoice, def: "auto", words: []string{"auto", "virtual", "physical"}, doc: "The MAC address that answers: the virtual one of RFC 9568 §7.3, or the interface's own. `auto` takes the virtual one where it works and says why where it does not."},
		{path: "groups.NAME.vrrp.accept", kind: kBool, def: "true", doc: "Whether hosts may talk to the addresses. false is RFC 9568's default, for routers: the addresses forward and answer ARP and ND, nothing else."},
		{path: "groups.NAME.vrrp.checksum", kind: kChoice, def: "auto", words: []string{"auto", "rfc5798", "rfc9568"}, doc: "The form of IPv4 version 3 checksum that is sent; both are accepted. rfc5798 covers a pseudo-header, rfc9568 the message only. `auto` sends rfc5798 until an active node is heard that sends the other."},
		{path: "groups.NAME.vrrp.address_list", kind: kChoice, def: "report", words: []string{"report", "strict"}, doc: "What becomes of an advert with another address list than ours: `report` accepts and reports it; `strict` drops it, version 2 only (RFC 3768 §7.1)."},
		{path: "groups.NAME.vrrp.learn", kind: kMap, doc: "Bounds on the interval that a version 3 backup learns from the active node. They keep a forged or mistaken advert from silencing or waking this node."},
		{path: "groups.NAME.vrrp.learn.min", kind: kDuration, absent: "a tenth of interval", min: "10ms", max: "40.95s", doc: "Shorter intervals count as this one."},
		{path: "groups.NAME.vrrp.learn.max", kind: kDuration, absent: "ten times interval", min: "10ms", max: "40.95s", doc: "Longer intervals count as this one."},
		{path: "groups.NAME.vrrp.auth", kind: kMap, absent: "none", doc: "How adverts prove where they come from: `hmac` or, with version 2, `pass`."},
		{path: "groups.NAME.vrrp.auth.pass", kind: kSecret, doc: "The version 2 password, 1 to 8 printable characters. It goes over the wire in clear and keeps mistakes away, not attackers."},
		{path: "groups.NAME.vrrp.auth.hmac", kind: kMap, doc: "A signature after each advert (HMAC-SHA256, as keepalived 2.4.2 and later have it), safe against replay. Clocks must agree to within `window`."},
		{path: "groups.NAME.vrrp.auth.hmac.keys", kind: kMap, absent: "required", doc: "The keys by id, 1 to 255. All are accepted, one signs: to rotate, add the new key on all nodes, then change `active` on all, then remove the old one."},
		{path: "groups.NAME.vrrp.auth.hmac.keys.ID", kind: kSecret, doc: "One key of 32 to 64 bytes; make one with `openssl rand -hex 32`. Read as hex if it is 64 to 128 hex digits and nothing else."},
		{path: "groups.NAME.vrrp.auth.hmac.active", kind: kInteger, absent: "the only key", min: "1", max: "255", doc: "The id of the key that signs."},
		{path: "groups.NAME.vrrp.auth.hmac.mode", kind: kChoice, def: "enforce", words: []string{"enforce", "permissive", "receive-only"}, doc: "`enforce` drops unsigned adverts. For introducing signatures on a running pair: first `receive-only` (checks, does not sign), then `permissive` (signs, accepts unsigned), then `enforce`."},
		{path: "groups.NAME.vrrp.auth.hmac.window", kind: kDuration, absent: "three intervals, at least 5s", min: "1s", max: "5m", doc: "How far the nodes' clocks may be apart."},
		{path: "groups.NAME.vrrp.bfd", kind: kMap, absent: "off", doc: "Small packets between the nodes of the group, many a second (BFD, RFC 5880 and RFC 5881), so that a dead node is missed after `interval` times `multiplier` instead of three intervals of VRRP. The same on all nodes. Groups on one interface share the packets, at the shortest interval of theirs. While neighbours count on them, no group of this node on that interface holds for longer than they wait, whether it has `bfd` or not: a node that is late by more than that lets go of all of them."},
		{path: "groups.NAME.vrrp.bfd.interval", kind: kDuration, def: "10ms", min: "3ms", max: "10s", doc: "How often a packet is sent, and expected."},
		{path: "groups.NAME.vrrp.bfd.multiplier", kind: kInteger, def: "3", min: "2", max: "50", doc: "How many packets in a row must be missing."},
		{path: "groups.NAME.vrrp.bfd.auth", kind: kSecret, absent: "none", doc: "The key that signs the packets, 1 to 20 printable characters (meticulous keyed SHA1, key id 1). The same on all nodes, and for all groups of an interface."},
		{path: "groups.NAME.lease", kind: kMap, absent: "the election is by vrrp", doc: "The election, by a lease in a store that all nodes share, instead of `vrrp`. Of nodes that are cut off from each other at most one holds. Written as `lease: {}` where all is as below. See [cluster.md](cluster.md)."},
		{path: "groups.NAME.lease.ttl", kind: kDuration, def: "3s", min: "200ms", max: "1h", doc: "How long the others wait after the holder's last renewal. It renews three times in that time; a failover takes this long and a little. The same on all nodes."},
		{path: "groups.NAME.lease.priority", kind: kInteger, def: "100", min: "1", max: "254", doc: "The node with the higher number holds, where several can."},
		{path: "groups.NAME.lease.preempt", kind: kBool, def: "true", doc: "Whether this node asks a holder with a lower priority to hand over."},
		{path: "groups.NAME.lease.preempt_delay", kind: kDuration, def: "0s", min: "0s", max: "1h", doc: "How long this node has to be fit before it asks."},
		{path: "groups.NAME.lease.failback", kind: kNames, absent: "at any time", doc: "When it asks, by the clock of the node: `[\"02:00-04:00\"]`, `[\"Sat,Sun 00:00-24:00\", \"Mon-Fri 22:00-06:00\"]`."},
		{path: "groups.NAME.lease.stickiness", kind: kInteger, def: "0", min: "0", max: "254", doc: "What the holder has in addition to its priority: it keeps the group from moving for a small difference."},
		{path: "groups.NAME.lease.failures", kind: kInteger, def: "0", min: "0", max: "1000", doc: "After so many failures within `barred` this node does not hold the group for that time, unless an operator forgives it. 0: it always may."},
		{path: "groups.NAME.lease.barred", kind: kDuration, def: "10m", min: "1s", max: "168h", doc: "For how long."},
		{path: "groups.NAME.lease.store", kind: kChoice, def: "embedded", words: []string{"embedded", "etcd"}, doc: "Where the lease is: in the store that the cluster's nodes make up by themselves (`cluster: {store: embedded}`), or in an etcd elsewhere."},
		{path: "groups.NAME.lease.endpoints", kind: kNames, absent: "required with `store: etcd`", doc: "All members of the etcd: `[\"https://192.0.2.21:2379\", …]`."},
		{path: "groups.NAME.lease.tls", kind: kMap, absent: "none", doc: "The certificates for the etcd. The files are read again for each connection."},
		{path: "groups.NAME.lease.tls.ca", kind: kPath, absent: "required", doc: "The certificate that signed those of the members."},
		{path: "groups.NAME.lease.tls.cert", kind: kPath, absent: "none", doc: "This node's own certificate."},
		{path: "groups.NAME.lease.tls.key", kind: kPath, absent: "none", doc: "Its key."},
		{path: "groups.NAME.lease.user", kind: kText, absent: "none", doc: "The user to log in as. It needs to read and write the keys under `prefix`."},
		{path: "groups.NAME.lease.password", kind: kSecret, absent: "none", doc: "The user's password."},
		{path: "groups.NAME.lease.prefix", kind: kText, def: "/holdfast/", doc: "What the names of keys begin with, before the group's. Another one for each cluster that shares an etcd."},
		{path: "groups.NAME.checks", kind: kUses, absent: "none", doc: "The checks that this node must pass. A name alone is a veto: while the check fails, the group is in fault here. With a weight, that much is taken off the priority instead. Both can be mixed: `[uplink, {lan2: {weight: 20}}]` or `{uplink: {weight: 50}}`."},
		{path: "groups.NAME.checks.CHECK.weight", kind: kInteger, def: "0", min: "0", max: "253", doc: "What a failing check takes off the priority; 0 is a veto."},
		{path: "groups.NAME.with", kind: kNames, absent: "alone", doc: "Groups that move together with this one: all are active on the same node, or none. It is enough to say it on one side."},
		{path: "groups.NAME.guard", kind: kChoice, absent: "`guarded` where the cluster has three voters or more, else `available`", words: []string{"available", "guarded"}, doc: "What becomes of the group on a node that is cut off from others. `available`: nodes that do not hear each other may hold it each, as with any VRRP. `guarded`: only a node that a majority of the cluster's voters has promised to may hold it, and one that loses them lets it go in time. A mapping asks a gateway instead. See [witness.md](witness.md)."},
		{path: "groups.NAME.guard.gateway", kind: kAddr, absent: "required in a mapping", doc: "The group is held only while this address answers (ARP, ND). That isolates a node that lost its LAN; a cut between two nodes that both reach the gateway is not decided by it."},
		{path: "groups.NAME.run", kind: kMap, doc: "Programs to run when the group's state changes here. Each is a list: an absolute path and its arguments. No shell is involved."},
		{path: "groups.NAME.run.active", kind: kArgv, absent: "nothing", doc: "Run after this node became active."},
		{path: "groups.NAME.run.backup", kind: kArgv, absent: "nothing", doc: "Run after this node became backup."},
		{path: "groups.NAME.run.fault", kind: kArgv, absent: "nothing", doc: "Run after this node went into fault."},
		{path: "groups.NAME.run.timeout", kind: kDuration, def: "30s", min: "100ms", max: "1h", doc: "How long a program may take before it is killed."},
		{path: "groups.NAME.steps", kind: kStepList, absent: "none", doc: "What this node takes, in this order, before the addresses answer, and leaves in reverse after they have stopped. Each does one thing. Where one fails or is late, those that were begun are undone and the group is in fault. See [steps.md](steps.md)."},
		{path: "groups.NAME.steps.exec", kind: kArgv, doc: "Run this program."},
		{path: "groups.NAME.steps.undo", kind: kArgv, absent: "nothing", doc: "The program that undoes `exec`; also where `exec` failed half-way, and perhaps twice. Alone: a step that does nothing when taking."},
		{path: "groups.NAME.steps.wait", kind: kArgv, doc: "Run this program once a second until it exits with 0."},
		{path: "groups.NAME.steps.notify", kind: kArgv, doc: "Run this program with keepalived's four arguments after its own: `INSTANCE`, the group, `MASTER`, `BACKUP`, `FAULT` or `STOP`, and the priority."},
		{path: "groups.NAME.steps.user", kind: kName, absent: "as the daemon", doc: "Who runs the programs of the step."},
		{path: "groups.NAME.steps.unit", kind: kName, doc: "Start this unit of systemd, and stop it when leaving."},
		{path: "groups.NAME.steps.ocf", kind: kMap, doc: "Start this OCF resource agent, and stop it when leaving; with `promote`, promote and demote it."},
		{path: "groups.NAME.steps.ocf.agent", kind: kName, absent: "required", doc: "`provider:type`, such as `heartbeat:pgsql`: a program below /usr/lib/ocf/resource.d."},
		{path: "groups.NAME.steps.ocf.parameters", kind: kWords, absent: "the agent's defaults", doc: "The agent's parameters by name. `check` holds them against what the agent says of itself."},
		{path: "groups.NAME.steps.ocf.promote", kind: kBool, def: "false", doc: "Whether it is promoted (after it was started where it is not) and demoted."},
		{path: "groups.NAME.steps.ocf.instance", kind: kName, absent: "the group's name", doc: "What the agent is told as OCF_RESOURCE_INSTANCE: one for each resource of an agent."},
		{path: "groups.NAME.steps.address", kind: kMap, doc: "An address beside the group's own: it is not announced, not guarded, and nobody but this step cares for it."},
		{path: "groups.NAME.steps.address.address", kind: kPrefix, absent: "required", doc: "The address with its prefix length."},
		{path: "groups.NAME.steps.address.interface", kind: kName, absent: "required", doc: "Where it goes."},
		{path: "groups.NAME.steps.route", kind: kMap, doc: "A route; `ip route` shows it with `proto 112`."},
		{path: "groups.NAME.steps.route.to", kind: kPrefix, absent: "required", doc: "What it leads to; `default` is 0.0.0.0/0."},
		{path: "groups.NAME.steps.route.via", kind: kAddr, absent: "directly", doc: "The gateway."},
		{path: "groups.NAME.steps.route.interface", kind: kName, absent: "that of the gateway", doc: "Where packets go out."},
		{path: "groups.NAME.steps.route.source", kind: kAddr, absent: "the kernel's choice", doc: "The address that this node's own packets have. It must be on the node already: the group's own addresses come after the steps."},
		{path: "groups.NAME.steps.route.table", kind: kInteger, absent: "main", min: "1", max: "4294967295", doc: "The routing table."},
		{path: "groups.NAME.steps.route.metric", kind: kInteger, absent: "the kernel's choice", min: "1", max: "4294967295", doc: "Its metric."},
		{path: "groups.NAME.steps.rule", kind: kMap, doc: "A rule that sends packets to a routing table."},
		{path: "groups.NAME.steps.rule.from", kind: kPrefix, absent: "any", doc: "Where they come from."},
		{path: "groups.NAME.steps.rule.to", kind: kPrefix, absent: "any", doc: "Where they go."},
		{path: "groups.NAME.steps.rule.interface", kind: kName, absent: "any", doc: "Through which they came in."},
		{path: "groups.NAME.steps.rule.mark", kind: kInteger, absent: "any", min: "1", max: "4294967295", doc: "Their firewall mark."},
		{path: "groups.NAME.steps.rule.table", kind: kInteger, absent: "required", min: "1", max: "4294967295", doc: "The routing table."},
		{path: "groups.NAME.steps.rule.priority", kind: kInteger, absent: "required", min: "1", max: "32765", doc: "The rule's place among all rules; lower ones are asked first."},
		{path: "groups.NAME.steps.sysctl", kind: kMap, doc: "A setting of the kernel."},
		{path: "groups.NAME.steps.sysctl.name", kind: kName, absent: "required", doc: "Its name, such as `net.ipv4.ip_forward`; with slashes where an interface's name has a dot in it."},
		{path: "groups.NAME.steps.sysctl.value", kind: kText, absent: "required", doc: "What it is set to."},
		{path: "groups.NAME.steps.sysctl.undo", kind: kText, absent: "it stays", doc: "What it is set to when leaving."},
		{path: "groups.NAME.steps.timeout", kind: kDuration, absent: "30s, or what the OCF agent asks for", min: "100ms", max: "1h", doc: "How long the step may take. Then it is killed."},
		{path: "groups.NAME.steps.undo_timeout", kind: kDuration, absent: "as `timeout`", min: "100ms", max: "1h", doc: "How long undoing it may take. A step that cannot be undone in time keeps the group from handing over in order: the hold lapses, and the group is in fault until it is undone."},
		{path: "groups.NAME.ready", kind: kNames, absent: "at once", doc: "Checks that must pass after the last step, before the addresses answer."},
		{path: "groups.NAME.ready_timeout", kind: kDuration, def: "30s", min: "100ms", max: "1h", doc: "How long they have. Then the steps are undone."},
		{path: "groups.NAME.fence", kind: kMap, doc: "What has to be certain before this node takes the group's steps and its addresses, beyond that nobody else holds. See [fencing.md](fencing.md)."},
		{path: "groups.NAME.fence.watchdog", kind: kBool, def: "false", doc: "That the machine's `watchdog` runs. It is fed only while the group's hold is really extended, and resets the machine where what the group takes cannot be undone."},
		{path: "groups.NAME.fence.agents", kind: kBool, def: "false", doc: "That the node which held before has let go in order, or was fenced as the file's `fence` says."},
		{path: "groups.NAME.reset_clients", kind: kBool, def: "false", doc: "Whether clients of TCP services on this machine are told, when the addresses have moved here, that their connections with the node before are gone. The same on all nodes of the group. See [clients.md](clients.md)."},
		{path: "groups.NAME.announce", kind: kMap, doc: "How the network is told where the addresses are: gratuitous ARP and unsolicited neighbour advertisements."},
		{path: "groups.NAME.announce.repeat", kind: kInteger, def: "7", min: "1", max: "100", doc: "How many times each address is announced after this node became active: the first seven within three seconds, dense at first, then one a second."},
		{path: "groups.NAME.announce.refresh", kind: kDuration, def: "60s", min: "0s", max: "24h", doc: "How often each address is announced while this node is active, so that switches and neighbours do not forget; 0s turns it off. At least 1s."},
		{path: "checks", kind: kMap, absent: "none", doc: "The checks by name, for the groups to use. Names as those of groups."},
		{path: "cluster", kind: kMap, absent: "none", doc: "Who votes on which node may hold a guarded group: the same on all nodes. Change one voter at a time, on all nodes, before the next."},
		{path: "cluster.nodes", kind: kMap, absent: "required", doc: "All nodes by name (their `node`), this one among them, with an address of each that does not move."},
		{path: "cluster.nodes.NAME", kind: kVoter, doc: "Where the node receives votes, by UDP; port 9113 where none is given."},
		{path: "cluster.witnesses", kind: kMap, absent: "none", doc: "The witnesses by name: hosts that vote and never hold. The names are for people."},
		{path: "cluster.witnesses.NAME", kind: kVoter, doc: "Where the witness listens."},
		{path: "cluster.key", kind: kSecret, absent: "required; with a store, `votes.key` beside its certificates", doc: "The key that signs votes, 32 to 64 bytes, the same on all nodes and witnesses; as `hmac` keys are."},
		{path: "cluster.second_key", kind: kSecret, absent: "none", doc: "Another key that is accepted. To change the key: add the new one here on all voters, then swap the two on all, then remove the old one."},
		{path: "cluster.store", kind: kChoice, absent: "none", words: []string{"embedded"}, doc: "`embedded`: all nodes and witnesses make up a store (an etcd) for the leases of groups, by TCP on the port of the votes and the two after it. See [cluster.md](cluster.md)."},
		{path: "cluster.certificates", kind: kPath, def: "/etc/holdfast/cluster", doc: "The directory of the store's certificates and keys, and of the key of the votes, as `holdfast cluster init` makes them."},
		{path: "cluster.heartbeat", kind: kDuration, def: "50ms", min: "10ms", max: "1s", doc: "How often the leader of the store says that it is there; the others elect another one after ten to twenty missing ones. The same on all nodes. It has to be longer than a packet takes from any member to any other and back."},
		{path: "witness", kind: kMap, absent: "this is a node", doc: "Makes this daemon a witness, which votes and never holds. Such a file has no groups."},
		{path: "witness.listen", kind: kListen, def: ":9113", doc: "Where votes are received, by UDP."},
		{path: "witness.key", kind: kSecret, absent: "required; with a store, as there", doc: "As `cluster.key`. A witness without one does not start."},
		{path: "witness.second_key", kind: kSecret, absent: "none", doc: "As `cluster.second_key`."},
		{path: "state", kind: kPath, def: "/var/lib/holdfast", doc: "The directory of the journal and of what must survive a restart."},
		{path: "watchdog", kind: kMap, doc: "The device that resets this machine, for groups with `fence: {watchdog: true}`."},
		{path: "watchdog.device", kind: kPath, def: "/dev/watchdog", doc: "Its path. Nobody else may have it open: not systemd (RuntimeWatchdogSec=), not watchdogd."},
		{path: "watchdog.timeout", kind: kDuration, def: "10s", min: "2s", max: "10m", doc: "After how long without food the machine is reset; devices count in whole seconds. Longer than any hold, so that the gate has closed long before."},
		{path: "watchdog.pretimeout", kind: kDuration, def: "0s", min: "0s", max: "10m", doc: "How long before that the kernel is told, where the device can do so: it may write a dump. 0s: not."},
		{path: "fence", kind: kMap, absent: "nobody", doc: "How other nodes are cut off, for groups with `fence: {agents: true}` and for `holdfast fence`. See [fencing.md](fencing.md)."},
		{path: "fence.nodes", kind: kMap, absent: "none", doc: "The nodes by name (their `node`)."},
		{path: "fence.nodes.NAME", kind: kMap, doc: "One of them."},
		{path: "fence.nodes.NAME.levels", kind: kLevels, absent: "required", doc: "The devices that cut the node off: `[[ipmi-b], [pdu-1, pdu-2]]`. All of a level have to succeed; the next level is tried where one fails."},
		{path: "fence.devices", kind: kMap, absent: "none", doc: "The devices by name."},
		{path: "fence.devices.NAME", kind: kMap, doc: "One device."},
		{path: "fence.devices.NAME.agent", kind: kName, absent: "required", doc: "The program that commands it: `fence_ipmilan` and the like, from Debian's fence-agents, or a path."},
		{path: "fence.devices.NAME.action", kind: kChoice, def: "reboot", words: []string{"reboot", "off"}, doc: "What cuts a node off. Of several devices in a level that reboot, all are switched off before the first is switched on again."},
		{path: "fence.devices.NAME.parameters", kind: kWords, absent: "the agent's defaults", doc: "What the agent is given, by names that it knows: `ip`, `plug`, `power_wait`, … `check` holds them against what the agent says of itself."},
		{path: "fence.devices.NAME.secrets", kind: kMap, absent: "none", doc: "More of the same, which nobody shall see: `{password: {file: /etc/holdfast/ipmi}}`."},
		{path: "fence.devices.NAME.secrets.NAME", kind: kSecret, doc: "One secret parameter."},
		{path: "fence.devices.NAME.timeout", kind: kDuration, def: "60s", min: "1s", max: "1h", doc: "How long one run of the agent may take. Then it is killed, and counts as failed."},
		{path: "fence.devices.NAME.delay", kind: kDuration, def: "0s", min: "0s", max: "10m", doc: "How long is waited before a node is fenced whose first level has this device: give the devices of one of two nodes some, and they do not fence each other."},
		{path: "fence.random_delay", kind: kDuration, def: "0s", min: "0s", max: "10m", doc: "The longest further delay, by chance."},
		{path: "fence.priority_delay", kind: kDuration, def: "0s", min: "0s", max: "10m", doc: "A further delay on a node that holds nothing itself, so that of two nodes that lose sight of each other the one that holds shoots first."},
		{path: "flows", kind: kMap, doc: "How nodes tell each other the connections of their services, so that these survive a move of the address. See [services.md](services.md#connections-survive-a-move)."},
		{path: "flows.port", kind: kInteger, def: "9112", min: "0", max: "65535", doc: "Where nodes connect to each other, by TCP (their messages by UDP have the same number). The same on all nodes. 0: they do not tell each other."},
		{path: "flows.peers", kind: kAddrs, absent: "those that VRRP and `cluster` tell of", doc: "Addresses of nodes that are told, besides those that are known: unicast peers, nodes of the cluster, and nodes of a VRRP group that are heard. Needed where a lease in a store of your own elects and there is no `cluster`. All nodes may have the same list."},
		{path: "flows.wait", kind: kDuration, def: "30s", min: "0s", max: "1h", doc: "How long a node that could take an address back from a live holder waits for the connections first. Then it takes it all the same, and that is recorded. 0s: it does not wait."},
		{path: "balancer", kind: kMap, doc: "How the kernel forwards for services. See [services.md](services.md#in-the-driver)."},
		{path: "balancer.hook", kind: kChoice, def: "tc", words: []string{"auto", "tc", "xdp"}, doc: "Where on an interface it looks at packets. `xdp`: in the driver, where that can; `auto`: there where the driver of the interface and of all others in use is one that is known to be good; else, and with `tc`, after the driver."},
		{path: "balancer.first_port", kind: kInteger, def: "16384", min: "1024", max: "65535", doc: "The first port that `forward: full-nat` sends from, of all nodes together. The same on all nodes."},
		{path: "balancer.last_port", kind: kInteger, def: "65535", min: "1024", max: "65535", doc: "The last one. The same on all nodes."},
		{path: "balancer.parts", kind: kInteger, absent: "as many as the cluster has nodes, or 4", min: "1", max: "64", doc: "Into how many parts these ports are divided: not fewer than there are nodes that may hold an address. The same on all nodes. See [services.md](services.md#how-packets-get-there)."},
		{path: "balancer.part", kind: kInteger, absent: "its place in the cluster; else one that no other node has", min: "1", max: "64", doc: "Which part is this node's, from 1. No other node may have the same."},
		{path: "balancer.flows", kind: kInteger, def: "262144", min: "1024", max: "16777216", doc: "How many established flows there is room for; a million take about 400 MB. When all is in use, new ones stay half open. A table that is there keeps its size, since flows are in it: another one holds once the daemon was stopped in order and started again, and until then it says so (HF3027)."},
		{path: "balancer.half_open", kind: kInteger, def: "32768", min: "1024", max: "16777216", doc: "The same for flows that have yet to show that their client is real. When all is in use, the oldest make room."},
		{path: "control", kind: kMap, doc: "The socket that the command line talks to."},
		{path: "control.socket", kind: kPath, def: "/run/holdfast/holdfast.sock", doc: "Its path."},
		{path: "control.group", kind: kName, absent: "`holdfast` where that group exists", doc: "The unix group that may read from it. Changing something takes root."},
		{path: "http", kind: kMap, doc: "The same interface over the network, for reading."},
		{path: "http.listen", kind: kListen, absent: "off", doc: "Where to listen, such as `127.0.0.1:9110`."},
		{path: "realtime", kind: kChoice, def: "auto", words: []string{"auto", "off"}, doc: "Whether the thread that sends adverts runs in the kernel's real-time class, so that a busy machine does not delay them: `auto` where permitted, or `off`. A mapping sets the details."},
		{path: "realtime.mode", kind: kChoice, def: "auto", words: []string{"auto", "off"}, doc: "As `realtime` alone."},
		{path: "realtime.priority", kind: kInteger, def: "50", min: "1", max: "99", doc: "The real-time priority (SCHED_RR, sched(7))."},
		{path: "guardian", kind: kChoice, def: "auto", words: []string{"auto", "release", "off"}, doc: "What happens when the daemon dies without a word. A small process beside it notices at once, says priority 0 for what was active here and removes the addresses; with `auto` it also starts the daemon again, unless systemd does; with `release` it leaves that to whoever started it. `off`: there is none."},
		{path: "SECRET.file", kind: kPath, doc: "The secret is in this file, without the line's end. A relative path starts at the configuration's directory."},
		{path: "SECRET.credential", kind: kText, doc: "The secret is a systemd credential: the file of this name in $CREDENTIALS_DIRECTORY."},
		{path: "SECRET.env", kind: kText, doc: "The secret is in this environment variable."},
		{path: "SECRET.text", kind: kText, doc: "The secret itself, of `pass` and of `bfd` only. Whoever can read the configuration has it."},
		{path: "SECRET.hex", kind: kText, doc: "The secret itself in hex, of hmac `keys` only. Whoever can read the configuration has it."},
	}
}

// laterKey is a key of the file's design that this version cannot serve.
type laterKey struct{ path, use string }

func laterKeys() []laterKey {
	return []laterKey{
		{"groups.NAME.hsrp", "use vrrp"},
		{"groups.NAME.carp", "use vrrp"},
	}
}

// keyIndex finds keys by path and lists what a mapping may have.
type keyIndex struct {
	keys     map[string]key
	children map[string][]string
	later    map[string]string
}

func newKeyIndex() keyIndex {
	x := keyIndex{keys: map[string]key{}, children: map[string][]string{}, later: map[string]string{}}
	for _, k := range schema() {
		x.keys[k.path] = k
		parent, name := "", k.path
		if i := strings.LastIndexByte(k.path, '.'); i >= 0 {
			parent, name = k.path[:i], k.path[i+1:]
		}
		x.children[parent] = append(x.children[parent], name)
	}
	for _, l := range laterKeys() {
		x.later[l.path] = l.use
	}
	return x
}
