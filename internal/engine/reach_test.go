package engine

import (
	"testing"
	"testing/synctest"
	"time"
)

// A firewall on lb2 drops what lb1 advertises: both would hold. The host of lb2
// answers ARP, so lb1 gives way to it, and takes the address back when it is
// heard.
func TestReach_GivesWayToAHostThatAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan, a, b := pair(t)
		lan.gateway = b.addr4 // that answers ARP
		a.start(t, webConfig(150))
		b.start(t, webConfig(100))
		time.Sleep(6 * time.Second)
		b.setDeaf(true)
		time.Sleep(10 * time.Second)
		if a.answers(vip) || !b.answers(vip) {
			t.Errorf("answers: lb1 %v, lb2 %v; want only the one that cannot hear", a.answers(vip), b.answers(vip))
		}
		b.setDeaf(false)
		time.Sleep(6 * time.Second)
		if !a.answers(vip) || b.answers(vip) {
			t.Errorf("answers: lb1 %v, lb2 %v; want only lb1 again", a.answers(vip), b.answers(vip))
		}
		a.stop(t)
		b.stop(t)
	})
}

// One whose host hears nothing at all is not given way to: it would serve
// nobody.
func TestReach_StaysBesideAHostThatDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t)
		a.start(t, webConfig(150))
		b.start(t, webConfig(100))
		time.Sleep(6 * time.Second)
		b.setDeaf(true)
		time.Sleep(10 * time.Second)
		if !a.answers(vip) {
			t.Error("lb1 left the address to a node that hears nothing")
		}
		a.mu.Lock()
		left := len(a.hears)
		a.mu.Unlock()
		b.setDeaf(false)
		time.Sleep(6 * time.Second)
		a.mu.Lock()
		after := len(a.hears)
		a.mu.Unlock()
		if left > 1 || after != 0 {
			t.Errorf("%d and then %d addresses are still listened to", left, after)
		}
		a.stop(t)
		b.stop(t)
	})
}

func (n *testNode) setDeaf(deaf bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deaf = deaf
}
