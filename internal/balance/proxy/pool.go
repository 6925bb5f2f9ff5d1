package proxy

import "golang.org/x/sys/unix"

// bufferSize is what is read at once while messages are small, and what a
// direction may keep for a slow reader.
const bufferSize = 16 << 10

// pipeSize is what a direction may keep while it splices.
const pipeSize = 256 << 10

type pipe struct{ r, w int32 }

// pool is what directions borrow while they have something to keep.
type pool struct {
	scratch [bufferSize]byte
	buffers [][]byte
	pipes   []pipe
}

// Of more than this many, what comes back is given to the collector and the
// kernel.
const (
	spareBuffers = 1024
	sparePipes   = 256
)

func (p *pool) buffer() []byte {
	if n := len(p.buffers); n > 0 {
		b := p.buffers[n-1]
		p.buffers = p.buffers[:n-1]
		return b
	}
	return make([]byte, bufferSize)
}

func (p *pool) giveBuffer(b []byte) {
	if len(p.buffers) < spareBuffers {
		p.buffers = append(p.buffers, b[:bufferSize])
	}
}

// pipe gives an empty one, or none where there are no descriptors left: a
// direction copies then.
func (p *pool) pipe() (pipe, bool) {
	if n := len(p.pipes); n > 0 {
		x := p.pipes[n-1]
		p.pipes = p.pipes[:n-1]
		return x, true
	}
	var fds [2]int
	if unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC) != nil {
		return pipe{}, false
	}
	// Who may not have a large one has a small one.
	_, _ = unix.FcntlInt(uintptr(fds[0]), unix.F_SETPIPE_SZ, pipeSize)
	return pipe{int32(fds[0]), int32(fds[1])}, true
}

// givePipe takes one back. One with something in it is closed.
func (p *pool) givePipe(x pipe, empty bool) {
	if empty && len(p.pipes) < sparePipes {
		p.pipes = append(p.pipes, x)
		return
	}
	closeFd(x.r)
	closeFd(x.w)
}

func (p *pool) release() {
	for _, x := range p.pipes {
		closeFd(x.r)
		closeFd(x.w)
	}
	p.pipes, p.buffers = nil, nil
}
