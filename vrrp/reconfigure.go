package vrrp

import (
	"errors"
	"fmt"
	"time"
)

// Reconfigure replaces the configuration and keeps the state: an Active stays
// Active and misses no advert. VRID, Family and Version cannot change. The
// effective priority and preempt mode follow the configuration only where it
// changed them. On an error nothing changes.
func (r *Router) Reconfigure(now time.Time, cfg Config, out []Action) ([]Action, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return out, err
	}
	old := r.cfg
	if cfg.VRID != old.VRID || cfg.Family != old.Family || cfg.Version != old.Version {
		return out, fmt.Errorf("cannot reconfigure virtual router %d (%s, version %d): %w",
			old.VRID, old.Family, old.Version, errors.New("id, family and version are fixed"))
	}
	seen := string(r.list)
	r.use(cfg)
	if cfg.Priority != old.Priority {
		r.priority = cfg.Priority
	}
	if cfg.NoPreempt != old.NoPreempt {
		r.preempt = !cfg.NoPreempt
	}
	if r.priority == OwnerPriority && !cfg.owner() {
		r.priority = OwnerPriority - 1
	}
	r.learnAgain(old.Interval)
	switch r.state {
	case Active:
		// What peers can see of the change they see at once.
		if cfg.Priority != old.Priority || cfg.Interval != old.Interval || string(r.list) != seen {
			r.restartAdverts(now)
			out = r.send(r.priority, out)
		}
	case Backup:
		if cfg.PreemptDelay != old.PreemptDelay {
			r.preemptAt = time.Time{} // counted anew from the next advert
		}
		r.reconsider(now)
		if r.asking && !cfg.Ask {
			return r.becomeActive(now, r.claim, out), nil
		}
	}
	return out, nil
}

// learnAgain brings the Active_Adver_Interval in line with a changed interval
// or changed bounds.
func (r *Router) learnAgain(before time.Duration) {
	if r.state != Backup || r.learnt == before || r.cfg.Version == 2 {
		r.learnt = r.cfg.Interval
		return
	}
	r.learnt = min(max(r.learnt, r.cfg.LearnMin), r.cfg.LearnMax)
}

// use takes a complete configuration and all that is derived from it. What
// guards against replays outlives it.
func (r *Router) use(cfg Config) {
	r.cfg = cfg
	r.list = appendList(nil, cfg.Addresses)
	r.pass = password{}
	copy(r.pass[:], cfg.Pass)
	r.auth = newAuthority(&cfg)
	if cfg.HMAC != nil {
		r.replay.window = cfg.HMAC.Window
	}
	r.replay.limit = multicastSlots
	if len(cfg.Peers) > 0 {
		r.replay.keep(cfg.Peers)
	}
	r.form = r.formToSend()
}

// formToSend is the checksum form of the configuration; auto goes on with what
// was last heard.
func (r *Router) formToSend() form {
	switch {
	case r.cfg.Version == 2:
		return formRFC9568
	case r.cfg.Family == IPv6 || r.cfg.Checksum == ChecksumRFC5798:
		return formRFC5798
	case r.cfg.Checksum == ChecksumRFC9568:
		return formRFC9568
	case r.form != formOnly:
		return r.form
	}
	return formRFC5798
}
