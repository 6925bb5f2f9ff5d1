// Package fence proves on real devices that a lost node is cut off: the
// watchdog in a machine of its own, a guest of QEMU with an Intel 6300ESB, and
// fence agents against OpenIPMI's simulator of a BMC.
package fence
