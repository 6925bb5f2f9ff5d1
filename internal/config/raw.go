package config

import (
	"net/netip"
	"time"

	"github.com/holdfast-net/holdfast/internal/check"
)

// The raw values are what the file says, key by key, with places. The checks
// work on them, because a complaint needs a place; clean.go has none.

type rawConfig struct {
	node      val[string]
	groups    []*rawGroup
	checks    []*rawCheck
	services  []*rawService
	state     val[string]
	socket    val[string]
	readers   val[string]
	listen    val[string]
	realtime  val[string]
	guardian  val[string]
	rtPrio    val[int]
	cluster   *rawCluster // nil: none
	witness   *rawWitness // nil: none
	watchdog  rawWatchdog
	flows     rawFlows
	balancer  rawBalancer
	fence     *rawFence // nil: none
	groupsAt  span
	hasGroups origin
}

type rawGroup struct {
	name          string
	at            span // its name in the file
	addresses     []val[netip.Prefix]
	addressesAt   span
	addressesFrom origin
	iface         val[string] // after inference: what was found, from absent
	vrrp          *rawVRRP    // nil: not there or not readable, and reported
	lease         *rawLease   // nil: likewise; one of the two is there
	uses          []rawUse
	with          []val[string]
	run           rawRun
	steps         []*rawStep
	ready         []val[string]
	readyTimeout  val[time.Duration]
	repeat        val[int]
	refresh       val[time.Duration]
	resetClients  val[bool]
	guard         rawGuard
	fence         rawGroupFence
}

type rawVRRP struct {
	at           span
	id           val[int]
	priority     val[int]
	interval     val[time.Duration]
	version      val[int]
	preempt      val[bool]
	preemptDelay val[time.Duration]
	startupDelay val[time.Duration]
	peers        []val[netip.Addr]
	peersAt      span
	peersFrom    origin
	hops         val[int]
	mac          val[string]
	accept       val[bool]
	checksum     val[string]
	addressList  val[string]
	learnMin     val[time.Duration]
	learnMax     val[time.Duration]
	auth         rawAuth
	bfd          *rawBFD // nil: off
}

type rawBFD struct {
	at         span
	interval   val[time.Duration]
	multiplier val[int]
	auth       *rawSecret // nil: none
}

type rawAuth struct {
	at   span
	from origin
	pass *rawSecret
	hmac *rawHMAC
}

type rawHMAC struct {
	at     span
	keys   []rawKey
	active val[int]
	mode   val[string]
	window val[time.Duration]
}

type rawKey struct {
	id     val[int]
	secret *rawSecret
}

// rawSecret is a secret that was looked for.
type rawSecret struct {
	at    span
	value Secret
	found bool // false: not there and reported, or not looked for because Facts is silent
}

type rawUse struct {
	check  val[string]
	weight val[int]
}

type rawRun struct {
	active, backup, fault []val[string]
	timeout               val[time.Duration]
}

type rawCheck struct {
	name     string
	at       span
	word     string        // its kind; "": there is none, or it could not be read, and that is reported
	wordAt   span          // of the word
	body     *node         // what the kind is given
	kind     check.Kind    // nil: not readable
	members  []val[string] // of one that is made of others
	program  []val[string] // of exec
	link     val[string]   // of link
	settings check.Settings
	written  []setting
	secrets  []setting // that were fetched
}
