package load

import (
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Waiting is an exchange that has not ended, and what the client's kernel says of
// its connection.
type Waiting struct {
	Began time.Duration // on the clock of the records
	Kind  Kind
	From  netip.AddrPort
	TCP   string
}

// Waiting are exchanges that have begun so long ago, at most so many of them.
func (c *Client) Waiting(longer time.Duration, most int) (all []Waiting) {
	c.do(func() {
		now := c.now()
		for _, k := range c.conns {
			if len(all) >= most {
				return
			}
			if k.state == unused || k.state == rests || now-k.began < longer {
				continue
			}
			all = append(all, Waiting{Began: k.began, Kind: k.kind, From: k.from(), TCP: k.tcp()})
		}
	})
	return all
}

// The states of a connection, by the kernel's numbers.
var tcpStates = [...]string{1: "established", "SYN sent", "SYN received", "FIN wait 1", "FIN wait 2", "TIME_WAIT", "closed", "CLOSE_WAIT", "last ACK", "listens", "closing", "new SYN received"}

// tcp is what tells why a connection waits: whether its end has something out that
// nobody has acknowledged, how often it has sent that, and when it heard something.
func (k *conn) tcp() string {
	i, err := unix.GetsockoptTCPInfo(k.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return err.Error()
	}
	state := fmt.Sprint(i.State)
	if int(i.State) < len(tcpStates) {
		state = tcpStates[i.State]
	}
	return fmt.Sprintf("%s, %d segments not acknowledged, sent again %d times in a row and %d in all, next in %d ms at the most; sent %d ms ago, heard %d ms ago, acknowledged %d ms ago",
		state, i.Unacked, i.Retransmits, i.Total_retrans, i.Rto/1000, i.Last_data_sent, i.Last_data_recv, i.Last_ack_recv)
}
