// Package wire looks at what daemons really send: it captures frames in a
// network namespace with the kernel's time of arrival, decodes VRRP adverts
// on its own (a decoder that shared code with the daemon would share its
// mistakes), hands captures to tshark for a second opinion, and sends adverts
// that no daemon would.
package wire
