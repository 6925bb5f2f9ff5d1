package peer

import (
	"bytes"
	"strings"
	"sync"
)

// Log keeps what a program prints. It may be read while the program writes.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write is the program's end.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String is everything so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// lastOf returns the last of the words that the log has, or "" if none.
func (l *Log) lastOf(words map[string]string) string {
	text, at, last := l.String(), -1, ""
	for word, meaning := range words {
		if i := strings.LastIndex(text, word); i > at {
			at, last = i, meaning
		}
	}
	return last
}
