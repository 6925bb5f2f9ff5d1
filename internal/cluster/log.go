package cluster

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap/zapcore"
)

// core hands what etcd logs to our log. What it warns of is either said by
// status in our own words, or of no use to who does not know etcd: those are
// debug lines. Its errors are warnings, each once in a while, for it goes on;
// what ends it is an error.
type core struct {
	log    *slog.Logger
	ending *atomic.Bool // it was told to: what it complains of then is that
	mu     *sync.Mutex
	said   map[string]time.Time // last warning of each kind
}

// sayAgain is after how long a warning of the same kind is a line again.
const sayAgain = 10 * time.Second

func newCore(log *slog.Logger, ending *atomic.Bool) zapcore.Core {
	return &core{log: log, ending: ending, mu: &sync.Mutex{}, said: map[string]time.Time{}}
}

func (c *core) level(l zapcore.Level) slog.Level {
	switch {
	case l < zapcore.ErrorLevel || c.ending.Load():
		return slog.LevelDebug
	case l == zapcore.ErrorLevel:
		return slog.LevelWarn
	}
	return slog.LevelError
}

// Enabled implements zapcore.Core; so do the others.
func (c *core) Enabled(l zapcore.Level) bool {
	return l > zapcore.DebugLevel && c.log.Enabled(context.Background(), c.level(l))
}

func (c *core) With(f []zapcore.Field) zapcore.Core {
	return &core{log: slog.New(c.log.Handler().WithAttrs(attributes(f))), ending: c.ending, mu: c.mu, said: c.said}
}

func (c *core) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

func (c *core) Write(e zapcore.Entry, f []zapcore.Field) error {
	level := c.level(e.Level)
	if level == slog.LevelWarn && !c.due(e.Message) {
		return nil
	}
	c.log.LogAttrs(context.Background(), level, "etcd", append([]slog.Attr{slog.String("reason", e.Message)}, attributes(f)...)...)
	return nil
}

func (c *core) due(message string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Sub(c.said[message]) < sayAgain {
		return false
	}
	c.said[message] = now
	return true
}

func (c *core) Sync() error { return nil }

func attributes(fields []zapcore.Field) []slog.Attr {
	enc := zapcore.NewMapObjectEncoder()
	var out []slog.Attr
	for _, f := range fields {
		f.AddTo(enc)
		if v, ok := enc.Fields[f.Key]; ok {
			out = append(out, slog.Any(f.Key, v))
		}
	}
	return out
}
