package group

import (
	"fmt"

	"github.com/holdfast-net/holdfast/vrrp"
)

// notice turns a router's report into a sentence that names the disagreement
// and says what to do about it.
func (s *Set) notice(i int, a vrrp.Action) {
	m := &s.members[i]
	cfg := m.router.Config()
	code, text := noticeText(a, cfg)
	s.record(m.group, Record{Kind: "notice", Code: code, Family: cfg.Family, Peer: a.Peer, Reason: text})
	if a.Notice == vrrp.NoticeLosingActive && s.phase == holding {
		// Two nodes were active: hosts may follow either. Ours is the
		// better claim, so say again where the address is.
		s.announceAgain()
		s.disputed(i, m.router.Config().Addresses[0], "the node "+a.Peer.String(), "")
	}
}

func noticeText(a vrrp.Action, cfg vrrp.Config) (code, text string) {
	switch a.Notice {
	case vrrp.NoticeInterval:
		return "HF2010", fmt.Sprintf("%s advertises every %s, this node every %s: set the same interval on both", a.Peer, a.Got, a.Want)
	case vrrp.NoticeIntervalBounded:
		return "HF2011", fmt.Sprintf("%s advertises an interval of %s, outside what this node accepts: %s is used (see vrrp.learn)", a.Peer, a.Got, a.Want)
	case vrrp.NoticeAddressList:
		return "HF2012", fmt.Sprintf("%s advertises other addresses for VRID %d than this node: compare addresses: on both", a.Peer, cfg.VRID)
	case vrrp.NoticeChecksumForm:
		return "HF2013", fmt.Sprintf("%s uses the other IPv4 checksum form of VRRPv3 (RFC 5798 and RFC 9568 differ): accepted; see vrrp.checksum", a.Peer)
	case vrrp.NoticeVersion:
		return "HF2014", fmt.Sprintf("%s speaks another VRRP version than %d on VRID %d: set the same version on both", a.Peer, cfg.Version, cfg.VRID)
	case vrrp.NoticeAuth:
		if a.Drop == vrrp.DropAuthFailed && cfg.Pass != "" {
			return "HF2015", fmt.Sprintf("%s sends another password on VRID %d than this node: set the same auth on both", a.Peer, cfg.VRID)
		}
		return "HF2015", fmt.Sprintf("%s authenticates differently (%s): set the same auth on both", a.Peer, a.Drop)
	case vrrp.NoticeTwoOwners:
		return "HF2016", fmt.Sprintf("%s claims to own the addresses (priority 255) as this node does: only one node can", a.Peer)
	case vrrp.NoticeLosingActive:
		return "HF2017", fmt.Sprintf("%s was active too, with priority %d: answered with an advert, addresses announced again", a.Peer, a.PeerPriority)
	case vrrp.NoticeSpoof:
		return "HF2018", fmt.Sprintf("an advert with this node's own address %s and priority %d: a duplicate address or a forgery", a.Peer, a.PeerPriority)
	case vrrp.NoticeDuplicatePriority:
		return "HF2019", fmt.Sprintf("%s has the same priority %d: the higher address wins; set different priorities", a.Peer, a.PeerPriority)
	default:
		if a.Drop == vrrp.DropTTL && len(cfg.Peers) > 0 {
			// keepalived 2.2 leaves unicast over IPv6 at the kernel's 64.
			return "HF2020", fmt.Sprintf("dropped an advert from %s: %s, %d is demanded: lower vrrp.hops if it comes through a router, and to 64 if it is keepalived's over IPv6", a.Peer, a.Drop, cfg.Hops)
		}
		return "HF2020", fmt.Sprintf("dropped an advert from %s: %s", a.Peer, a.Drop)
	}
}

// explain turns a router's transition into a sentence.
func explain(r *vrrp.Router, a vrrp.Action) string {
	switch a.Reason {
	case vrrp.ReasonMasterDown:
		return fmt.Sprintf("no advert heard within %s", r.DownInterval())
	case vrrp.ReasonHigherPriority:
		return fmt.Sprintf("%s is active with a higher priority (%d, here %d)", a.Peer, a.PeerPriority, r.Priority())
	case vrrp.ReasonHigherAddress:
		return fmt.Sprintf("%s is active with the same priority and a higher address", a.Peer)
	case vrrp.ReasonLapsed:
		return fmt.Sprintf("%s took over while this node was silent for longer than a peer waits", a.Peer)
	case vrrp.ReasonPreempt:
		return fmt.Sprintf("preempted %s: its priority %d is below %d", a.Peer, a.PeerPriority, r.Priority())
	case vrrp.ReasonPeerLeft:
		return fmt.Sprintf("%s said that it leaves (priority 0)", a.Peer)
	default:
		return a.Reason.String()
	}
}
