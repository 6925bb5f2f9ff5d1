package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/holdfast-net/holdfast/internal/api"
)

// capture writes packets for Wireshark (pcapng, draft-ietf-opsawg-pcapng). Each
// interface is two: what came by it, and the same packets as they left.
type capture struct {
	out        io.Writer
	file       io.Closer // nil: nothing to close
	w          *pcapgo.NgWriter
	interfaces map[string]int
}

func newCapture(out io.Writer, file io.Closer) *capture {
	return &capture{out: out, file: file, interfaces: map[string]int{}}
}

// add writes a packet as it came and, unless it was dropped, as it left.
func (c *capture) add(p *api.TracedPacket) error {
	comment := fmt.Sprintf("%s: %s", orDash(p.Service), fateOf(p))
	if err := c.frame(p.Interface, p.Time, p.Came, comment); err != nil {
		return err
	}
	if len(p.Left.Bytes) > 0 {
		if err := c.frame(p.Interface+" left", p.Time, p.Left, comment); err != nil {
			return err
		}
	}
	return c.w.Flush() // who reads a pipe sees it at once
}

func (c *capture) frame(name string, at time.Time, f api.Frame, comment string) error {
	id, err := c.of(name)
	if err != nil || len(f.Bytes) == 0 {
		return err
	}
	info := gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(f.Bytes), Length: max(f.Length, len(f.Bytes)), InterfaceIndex: id}
	return c.w.WritePacketWithOptions(info, f.Bytes, pcapgo.NgPacketOptions{Comments: []string{comment}})
}

// of gives the number of an interface in the file.
func (c *capture) of(name string) (int, error) {
	if id, ok := c.interfaces[name]; ok {
		return id, nil
	}
	i := pcapgo.NgInterface{Name: name, LinkType: layers.LinkTypeEthernet, TimestampResolution: 9, SnapLength: 256}
	var id int
	var err error
	if c.w == nil {
		c.w, err = pcapgo.NewNgWriterInterface(c.out, i, pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: "holdfast trace"}})
	} else {
		id, err = c.w.AddInterface(i)
	}
	if err == nil {
		c.interfaces[name] = id
	}
	return id, err
}

func (c *capture) close() error {
	var errs []error
	if c.w == nil { // a file without packets is one, too
		_, err := c.of("none")
		errs = append(errs, err)
	}
	if c.w != nil {
		errs = append(errs, c.w.Flush())
	}
	if c.file != nil {
		errs = append(errs, c.file.Close())
	}
	return errors.Join(errs...)
}

// frameText says who speaks with whom, by the innermost headers that there are:
// of a packet in another one, both.
func frameText(frame []byte) string {
	var src, dst, what string
	var outer []string
	ports := func(a, b any) {
		src, dst = fmt.Sprintf("%s:%v", bracketed(src), a), fmt.Sprintf("%s:%v", bracketed(dst), b)
	}
	packet := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.DecodeOptions{NoCopy: true})
	for _, l := range packet.Layers() {
		switch h := l.(type) {
		case *layers.IPv4, *layers.IPv6:
			if src != "" {
				outer = append(outer, src+" > "+dst)
			}
			flow := l.(gopacket.NetworkLayer).NetworkFlow()
			src, dst, what = flow.Src().String(), flow.Dst().String(), ""
		case *layers.TCP:
			ports(uint16(h.SrcPort), uint16(h.DstPort))
			what = " TCP" + flags(h)
		case *layers.UDP:
			ports(uint16(h.SrcPort), uint16(h.DstPort))
			what = " UDP"
		case *layers.ICMPv4:
			what = " ICMP " + h.TypeCode.String()
		case *layers.ICMPv6:
			what = " ICMPv6 " + h.TypeCode.String()
		}
	}
	if src == "" {
		return "no IP packet"
	}
	outer = append(outer, src+" > "+dst+what)
	return strings.Join(outer, " with ")
}

func bracketed(a string) string {
	if strings.Contains(a, ":") {
		return "[" + a + "]"
	}
	return a
}

func flags(h *layers.TCP) string {
	var b strings.Builder
	for _, f := range []struct {
		set  bool
		name string
	}{{h.SYN, "SYN"}, {h.FIN, "FIN"}, {h.RST, "RST"}, {h.PSH, "PSH"}, {h.ACK, "ACK"}} {
		if f.set {
			b.WriteString(" " + f.name)
		}
	}
	return b.String()
}
