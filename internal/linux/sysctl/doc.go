// Package sysctl reads and writes the settings of one interface that decide
// who answers for an address.
//
// The IPv4 settings (net.ipv4.conf.IFACE.*) travel by rtnetlink, several in
// one message: that needs CAP_NET_ADMIN only and also works where /proc/sys is
// read-only, as it is in most containers. The kernel has no such message for
// IPv6; those settings are files.
//
// For most settings the larger of an interface's value and that of "all"
// counts; [ReadAll] reads the ones of "all" that can spoil our own.
//
// What is changed on an interface that is not ours is kept in a [Memory] and
// put back at the end, also by the run after one that was killed.
package sysctl
