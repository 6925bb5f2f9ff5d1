package proxy

// members is a set of connections that is walked in pieces. A connection knows
// its place in each, so that it comes and goes in one step.
type members struct {
	list  []*conn
	place int
}

// Sets that a connection may be in.
const (
	inAll = iota
	inConnecting
	sets
)

func (m *members) add(c *conn) {
	m.list = append(m.list, c)
	c.places[m.place] = len(m.list)
}

func (m *members) remove(c *conn) {
	i := c.places[m.place] - 1
	if i < 0 {
		return
	}
	last := len(m.list) - 1
	m.list[i] = m.list[last]
	m.list[i].places[m.place] = i + 1
	m.list[last] = nil
	m.list = m.list[:last]
	c.places[m.place] = 0
}
