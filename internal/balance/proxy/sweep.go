package proxy

import "time"

// sweep ends what has taken too long. It runs once a tick.
func (l *loop) sweep() {
	for i := 0; i < len(l.connecting.list); {
		c := l.connecting.list[i]
		if l.now-c.since < int64(c.service.view.Load().plan.Service.Proxying.Connect) {
			i++
			continue
		}
		c.connectFailed() // and another has its place in the list
		if i < len(l.connecting.list) && l.connecting.list[i] == c {
			i++ // it tries the next one already
		}
	}
	for s := range l.waiting {
		l.serve(s)
	}
	// All connections in one second.
	for range len(l.all.list)*int(tick)/int(time.Second) + 1 {
		if l.cursor >= len(l.all.list) {
			l.cursor = 0
		}
		if len(l.all.list) == 0 {
			break
		}
		c := l.all.list[l.cursor]
		l.cursor++
		if c.stage == joined && c.idle() {
			c.abort()
		}
	}
	l.sweepSessions()
	if l.paused > 0 {
		for _, all := range l.listeners {
			for _, x := range all {
				if x.paused {
					x.paused = false
					l.paused--
					x.resume()
				}
			}
		}
	}
}

// idle tells whether nothing has moved for longer than the service allows.
func (c *conn) idle() bool {
	t := c.service.view.Load().plan.Service.Timeouts
	limit := t.Established
	if c.half[client].done || c.half[server].done {
		limit = t.Closing
	}
	return limit > 0 && c.loop.now-c.active >= int64(limit)
}
