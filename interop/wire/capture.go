package wire

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"golang.org/x/net/bpf"

	"github.com/holdfast-net/holdfast/internal/linux/netns"
)

// Frame is one Ethernet frame and when the kernel saw it.
type Frame struct {
	At   time.Time
	Data []byte
}

// Capture collects frames until it is closed.
type Capture struct {
	handle *pcapgo.EthernetHandle
	done   chan struct{}

	mu     sync.Mutex
	frames []Frame
	closed bool
}

// Filter chooses frames in the kernel, before they cost anything.
type Filter []bpf.Instruction

// VRRPOnly lets adverts of both families pass: Ethernet, then protocol 112
// in the IPv4 header or as the next header of IPv6.
func VRRPOnly() Filter {
	return Filter{
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x0800, SkipFalse: 2},
		bpf.LoadAbsolute{Off: 23, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 112, SkipTrue: 3, SkipFalse: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x86dd, SkipFalse: 3},
		bpf.LoadAbsolute{Off: 20, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 112, SkipFalse: 1},
		bpf.RetConstant{Val: 1 << 16},
		bpf.RetConstant{Val: 0},
	}
}

// All lets every frame pass.
func All() Filter { return nil }

// Start begins to capture on an interface of a namespace, frames for others
// included.
func Start(ns *netns.NS, ifname string, filter Filter) (*Capture, error) {
	c := &Capture{done: make(chan struct{})}
	err := ns.Do(func() error {
		var err error
		c.handle, err = pcapgo.NewEthernetHandle(ifname)
		if err != nil {
			return err
		}
		if filter != nil {
			raw, err := bpf.Assemble(filter)
			if err != nil {
				return err
			}
			if err := c.handle.SetBPF(raw); err != nil {
				return err
			}
		}
		return c.handle.SetPromiscuous(true)
	})
	if err != nil {
		return nil, fmt.Errorf("cannot capture on %s: %w", ifname, err)
	}
	go c.read()
	return c, nil
}

func (c *Capture) read() {
	defer close(c.done)
	for {
		data, info, err := c.handle.ReadPacketData()
		if err != nil {
			return // closed, or the interface is gone: what there is stays
		}
		c.mu.Lock()
		c.frames = append(c.frames, Frame{At: info.Timestamp, Data: data})
		c.mu.Unlock()
	}
}

// Frames are those so far, oldest first. The slice is not written to again.
func (c *Capture) Frames() []Frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.frames[:len(c.frames):len(c.frames)]
}

// Lost is the number of frames that the kernel dropped since it was last
// asked, because nobody read them in time.
func (c *Capture) Lost() (int, error) {
	stats, err := c.handle.Stats()
	if err != nil {
		return 0, err
	}
	return int(stats.Drops), nil
}

// Close ends the capture. The frames stay readable. Closing twice is
// harmless.
func (c *Capture) Close() error {
	c.mu.Lock()
	closed := c.closed
	c.closed = true
	c.mu.Unlock()
	if closed {
		return nil
	}
	err := c.handle.Close()
	<-c.done
	return err
}

// WriteFile writes frames as a pcap file.
func WriteFile(path string, frames []Frame) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("cannot write capture: %w", err)
	}
	w := pcapgo.NewWriterNanos(f)
	errs := []error{w.WriteFileHeader(1<<16, layers.LinkTypeEthernet)}
	for _, fr := range frames {
		errs = append(errs, w.WritePacket(gopacket.CaptureInfo{
			Timestamp: fr.At, CaptureLength: len(fr.Data), Length: len(fr.Data),
		}, fr.Data))
	}
	return errors.Join(append(errs, f.Close())...)
}
