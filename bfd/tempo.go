package bfd

import "time"

// tempo is the negotiation of the timers: what we tell the neighbour, what we
// go by ourselves until it has acknowledged that, and the least it may still
// believe. A poll sequence (RFC 5880 §6.5) joins the three again.
type tempo struct {
	told    Timing        // bfd.DesiredMinTxInterval, bfd.RequiredMinRxInterval, bfd.DetectMult
	sending time.Duration // the DesiredMinTx that we go by
	hearing time.Duration // the RequiredMinRx that we go by

	surelyTx   time.Duration // the smallest DesiredMinTx since the last acknowledged one
	surelyMult uint8         // likewise

	polling    bool
	asked      bool      // a poll of this sequence was sent
	unanswered int       // polls sent without a final, of earlier sequences too
	strayUntil time.Time // when they cannot be answered any more
}

func newTempo(t Timing) tempo {
	return tempo{
		told: t, sending: t.DesiredMinTx, hearing: t.RequiredMinRx,
		surelyTx: t.DesiredMinTx, surelyMult: t.DetectMult,
	}
}

// follow tells want from now on, if that may be yet.
func (t *tempo) follow(now time.Time, want Timing, state State, known bool) {
	if t.waits(want, state) && now.Before(t.strayUntil) {
		return
	}
	changed := want != t.told
	t.told = want
	t.surelyTx = min(t.surelyTx, want.DesiredMinTx)
	t.surelyMult = min(t.surelyMult, want.DetectMult)
	// RFC 5880 §6.8.3: while Up, no slower sending and no quicker detection
	// before the poll sequence has ended. Here in Init too: the neighbour may
	// be Up already, and goes by what it was told.
	if !met(state) || want.DesiredMinTx < t.sending {
		t.sending = want.DesiredMinTx
	}
	if !met(state) || want.RequiredMinRx > t.hearing {
		t.hearing = want.RequiredMinRx
	}
	// §6.8.3 wants a poll for either interval. For the multiplier §6.8.12
	// wants none, but without one nobody knew what the neighbour believes.
	behind := t.surelyTx != want.DesiredMinTx || t.surelyMult != want.DetectMult
	if (changed || state == Up && behind && !t.polling) && known {
		t.polling, t.asked = true, false
	}
}

// met says that the neighbour may reckon with us in this state.
func met(s State) bool { return s == Init || s == Up }

// waits says that a change has to wait: it relies on being acknowledged, and
// a final that is still under way for an older poll would be taken for that.
func (t *tempo) waits(want Timing, state State) bool {
	relies := want.DesiredMinTx > t.told.DesiredMinTx || want.DetectMult > t.told.DetectMult ||
		want.RequiredMinRx < t.told.RequiredMinRx
	return met(state) && relies && t.unanswered > 0
}

// polled notes that a poll was sent, and how long its final may be under way.
func (t *tempo) polled(now time.Time, patience time.Duration) {
	t.asked = true
	t.unanswered++
	t.strayUntil = now.Add(patience)
}

// final takes in a final: it ends the poll sequence, if one is under way
// (RFC 5880 §6.8.6).
func (t *tempo) final() {
	t.unanswered = max(t.unanswered-1, 0)
	if t.polling && t.asked {
		t.polling = false
		t.sending, t.hearing = t.told.DesiredMinTx, t.told.RequiredMinRx
		t.surelyTx, t.surelyMult = t.told.DesiredMinTx, t.told.DetectMult
	}
}

// anew is for a neighbour that has just said Down, here where it is not reckoned
// with either. What it believed in a session before is void: when it reckons
// with us again it goes by the packet that made it do so, which says what is
// told now. A neighbour that goes on hearing nothing says Down for ever, and
// packets leave once a second meanwhile.
func (t *tempo) anew() { t.surelyTx, t.surelyMult = t.told.DesiredMinTx, t.told.DetectMult }

// abandon ends a poll sequence that nobody will answer. What the neighbour
// believes stays unknown.
func (t *tempo) abandon() { t.polling, t.unanswered = false, 0 }
