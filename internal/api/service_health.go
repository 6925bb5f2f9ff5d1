package api

// Serves says whether new flows of the service go to a backend.
func (s *Service) Serves() bool {
	if s.Unserved != "" {
		return false
	}
	for i := range s.Backends {
		if s.Backends[i].Share > 0 {
			return true
		}
	}
	return false
}

// Count is how many backends are in a state.
func (s *Service) Count(state string) int {
	n := 0
	for i := range s.Backends {
		if s.Backends[i].State == state {
			n++
		}
	}
	return n
}

// OwnDrops is what was dropped before any backend was chosen, by reason.
func (s *Service) OwnDrops() map[string]uint64 {
	out := map[string]uint64{}
	for why, n := range s.Drops {
		for i := range s.Backends {
			n -= min(n, s.Backends[i].Drops[why])
		}
		if n > 0 {
			out[why] = n
		}
	}
	return out
}
