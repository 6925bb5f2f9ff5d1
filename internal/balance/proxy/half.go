package proxy

import "golang.org/x/sys/unix"

// half is one direction of a connection: from side i to side 1-i.
type half struct {
	ended bool // the source has said all
	done  bool // and the destination was told
	lost  bool // the destination takes no more

	kept   []byte // read, and not taken yet
	buffer []byte // what kept is a part of
	pipe   pipe
	has    bool // a pipe
	piped  int  // bytes in it
	full   int  // reads in a row that filled the buffer
}

// After so many full reads in a row a direction splices.
const fullReads = 2

// move takes one step in one direction and reports whether another may follow.
// An error is one of the source: what it has sent is lost.
func (c *conn) move(i int) (more bool, err unix.Errno) {
	h := &c.half[i]
	if h.done {
		return false, 0
	}
	if len(h.kept) > 0 || h.piped > 0 {
		return c.flush(i)
	}
	if h.ended {
		shutdownWrite(c.fd[1-i])
		h.done = true
		return false, 0
	}
	if !c.ready[i].read {
		return false, 0
	}
	if h.full >= fullReads && (h.has || c.borrowPipe(h)) {
		return c.fill(i)
	}
	return c.copy(i)
}

// copy reads once and writes once.
func (c *conn) copy(i int) (more bool, err unix.Errno) {
	h, from, to := &c.half[i], &c.ready[i], &c.ready[1-i]
	b := c.loop.buffers.scratch[:]
	n, err := read(c.fd[i], b)
	switch {
	case err == unix.EAGAIN:
		from.read = false
		return false, 0
	case err != 0:
		return false, err
	case n == 0:
		h.ended = true
		return true, 0
	case n < len(b):
		// All there was; an end that is announced has to be read still
		// (epoll(7), "edge-triggered").
		from.read = from.end
		h.full = 0
	default:
		h.full++
	}
	c.count(i, n)
	m := 0
	if to.write {
		m, err = write(c.fd[1-i], b[:n])
		switch {
		case err == unix.EAGAIN:
			m, to.write = 0, false
		case err != 0:
			c.lose(i)
			return true, 0
		}
	}
	if m < n {
		h.buffer = c.loop.buffers.buffer()
		h.kept = h.buffer[:copy(h.buffer, b[m:n])]
	}
	return true, 0
}

// fill splices from the source into the pipe, which is empty.
func (c *conn) fill(i int) (more bool, err unix.Errno) {
	h := &c.half[i]
	n, err := splice(c.fd[i], h.pipe.w, pipeSize)
	switch {
	case err == unix.EAGAIN:
		c.ready[i].read = false
		c.returnPipe(h)
		h.full = 0
		return false, 0
	case err != 0:
		return false, err
	case n == 0:
		h.ended = true
		c.returnPipe(h)
		return true, 0
	}
	h.piped = n
	c.count(i, n)
	return true, 0
}

// flush hands over what is kept.
func (c *conn) flush(i int) (more bool, err unix.Errno) {
	h, to := &c.half[i], &c.ready[1-i]
	if !to.write {
		return false, 0
	}
	var n int
	if h.piped > 0 {
		n, err = splice(h.pipe.r, c.fd[1-i], h.piped)
	} else {
		n, err = write(c.fd[1-i], h.kept)
	}
	switch {
	case err == unix.EAGAIN:
		to.write = false
		return false, 0
	case err != 0:
		c.lose(i)
		return true, 0
	}
	if h.piped > 0 {
		h.piped -= n
		return true, 0
	}
	h.kept = h.kept[n:]
	if len(h.kept) == 0 {
		c.loop.buffers.giveBuffer(h.buffer)
		h.kept, h.buffer = nil, nil
	}
	return true, 0
}

// lose ends a direction whose destination takes no more. What that side has
// sent before still goes the other way.
func (c *conn) lose(i int) {
	h := &c.half[i]
	c.empty(h)
	h.ended, h.done, h.lost = true, true, true
	c.ready[1-i].read = true // for the error, behind what is there
}

// empty gives back what a direction has borrowed.
func (c *conn) empty(h *half) {
	if h.buffer != nil {
		c.loop.buffers.giveBuffer(h.buffer)
		h.kept, h.buffer = nil, nil
	}
	if h.has {
		c.loop.buffers.givePipe(h.pipe, h.piped == 0)
		h.has, h.piped = false, 0
	}
}

func (c *conn) borrowPipe(h *half) bool {
	h.pipe, h.has = c.loop.buffers.pipe()
	if !h.has {
		h.full = 0
	}
	return h.has
}

func (c *conn) returnPipe(h *half) {
	c.loop.buffers.givePipe(h.pipe, true)
	h.has = false
}
