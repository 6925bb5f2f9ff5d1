package mirror

import (
	"net/netip"

	"github.com/holdfast-net/holdfast/internal/balance"
)

// Conn is the number of a connection, as whoever runs the machine counts them.
type Conn uint64

// Service is what a machine has to know of a service.
type Service struct {
	Name, Group string
	Key         Print // of the key that the nodes of the group share
	Listen      []balance.Endpoint
	// Flows says that another node can take its flows over. A proxy's cannot be,
	// and only the view of its backends is told.
	Flows bool
	// Exceptions says that only flows matter which the table would send
	// elsewhere: the follower's table knows the others.
	Exceptions bool
}

// Peer is where another node may be reached.
type Peer struct {
	Addr netip.AddrPort
	Key  Print
}

// Event is one input of [Machine.Step].
type Event interface{ event() }

type (
	// Configured is what there is to be told of, and who is to be told.
	Configured struct {
		Services []Service
		Peers    []Peer
		Share    Share
	}
	// Held says that an address answers here from now on, or no more.
	Held struct {
		Addr netip.Addr
		Held bool
	}
	// Dialed answers ActionDial: a connection to a node, or why there is none.
	Dialed struct {
		Peer Peer
		Conn Conn
		Node string
		Err  error
	}
	// Accepted is a connection on which another node wants to tell.
	Accepted struct {
		Conn Conn
		Node string
		Key  Print
	}
	// Closed is the end of a connection.
	Closed struct {
		Conn Conn
		Err  error
	}
	// Heard is a frame of another node.
	Heard struct {
		Conn  Conn
		Frame Frame
	}
	// News is what became of this node's flows, as [balance.Mirror] tells it.
	News struct {
		Changes []balance.Change
		Lost    bool
	}
	// Walked answers ActionWalk and ActionMore with some flows, and WalkEnded is
	// the end of them.
	Walked struct {
		Conn  Conn
		Bulk  uint32
		Flows []balance.Flow
	}
	WalkEnded struct {
		Conn Conn
		Bulk uint32
		Err  error
	}
	// Installed answers ActionInstall, and Swept ActionSweep: in the order in
	// which these were given for one connection.
	Installed struct {
		Conn    Conn
		Seq     uint64
		Refused int
		Err     error
	}
	Swept struct {
		Conn  Conn
		Seq   uint64
		Ended int // flows that were taken away
		Err   error
	}
	// Viewed is this node's own view of a service, and the plan made of it.
	Viewed struct {
		Service string
		View    balance.View
		Plan    *balance.Plan
	}
	// Reached says that the deadline has come.
	Reached struct{}
)

func (Configured) event() {}
func (Held) event()       {}
func (Dialed) event()     {}
func (Accepted) event()   {}
func (Closed) event()     {}
func (Heard) event()      {}
func (News) event()       {}
func (Walked) event()     {}
func (WalkEnded) event()  {}
func (Installed) event()  {}
func (Swept) event()      {}
func (Viewed) event()     {}
func (Reached) event()    {}

// ActionKind is what is to be done.
type ActionKind uint8

const (
	ActionDial    ActionKind = iota // connect to Peer, and say Dialed
	ActionHangup                    // close Conn, for Reason; nothing more is said of it
	ActionSend                      // send a frame of kind Frame with Body on Conn, after those before
	ActionWalk                      // begin a walk of all flows for Bulk of Conn, and say Walked once
	ActionMore                      // go on with it: say Walked once more, or WalkEnded
	ActionStop                      // give it up
	ActionInstall                   // put Changes, and say Installed with Seq
	ActionSurvey                    // note which flows of Listens are here, for Bulk of Conn, after what was to be put before
	ActionSweep                     // take away the flows of Listens that Named does not have, and say Swept with Seq; not needed where Named covers the survey for Bulk
	ActionFollow                    // Service has the holder's View
	ActionLead                      // Service goes by this node's own view again
	ActionSynced                    // Group has all that the holder has, or In is false
	ActionSettle                    // no more flows of Listens are told of, or In is false
	ActionShare                     // full NAT takes Ports from now on
	ActionRecord                    // journal Code and Reason, about Group
)

// Action is one thing to do.
type Action struct {
	Kind    ActionKind
	Conn    Conn
	Peer    Peer
	Frame   FrameKind
	Body    []byte
	Bulk    uint32
	Seq     uint64
	Changes []balance.Change
	Listens []balance.Endpoint
	Named   *Names
	Service string
	View    balance.View
	Group   string
	In      bool
	Ports   [2]uint16
	Code    string
	Reason  string
}

// Codes of what is recorded.
const (
	CodeSynced  = "HF3020" // this node has all flows of a group that its holder has
	CodeLost    = "HF3021" // it may lack some, or have some that ended
	CodeDrift   = "HF3022" // it had some that ended, though it was told of everything
	CodeRefused = "HF3023" // flows that were told could not be put
	CodePeer    = "HF3024" // another node cannot be told of flows, or can again
	CodeShare   = "HF3028" // another node has this node's ports of full NAT
	CodeWalk    = "HF3025" // flows of this node cannot be listed
)
