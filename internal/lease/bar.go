package lease

// bar keeps a node from holding on which what it held has failed too often.
type bar struct {
	count int
	last  Instant
	until Instant
}

func (b *bar) failed(now Instant, c *Config) {
	if c.Failures == 0 {
		return
	}
	if now >= b.last.Add(c.BarredFor) {
		b.count = 0
	}
	b.count, b.last = b.count+1, now
	if b.count >= c.Failures {
		b.count, b.until = 0, now.Add(c.BarredFor)
	}
}
