package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"
)

// logForm is the flag --log-format.
type logForm string

const (
	logAuto logForm = "auto" // text, made for systemd's journal if stderr goes there
	logText logForm = "text"
	logJSON logForm = "json"
)

func logForms() []string { return []string{string(logAuto), string(logText), string(logJSON)} }

func logFlag(cmd *cobra.Command) *logForm {
	f := logAuto
	cmd.Flags().Var(&f, "log-format", "`format` of the log: auto, text or json")
	return &f
}

// String, Set and Type implement pflag.Value.
func (f *logForm) String() string { return string(*f) }

func (f *logForm) Set(s string) error {
	if !slices.Contains(logForms(), s) {
		return fmt.Errorf("it is one of %s", strings.Join(logForms(), ", "))
	}
	*f = logForm(s)
	return nil
}

func (f *logForm) Type() string { return "format" }

// newLogger returns the daemon's log on stderr.
func newLogger(t Terminal, form logForm, level slog.Level) *slog.Logger {
	opt := &slog.HandlerOptions{Level: level}
	switch {
	case form == logJSON:
		return slog.New(slog.NewJSONHandler(t.Err, opt))
	case form == logAuto && toJournal(t):
		return slog.New(newJournalHandler(t.Err, opt))
	}
	return slog.New(slog.NewTextHandler(t.Err, opt))
}

// toJournal says whether stderr goes to systemd's journal: JOURNAL_STREAM
// names the device and inode of the stream (systemd.exec(5)). Looking at both
// matters, since the variable is inherited also where stderr is redirected.
func toJournal(t Terminal) bool {
	f, ok := t.Err.(*os.File)
	if !ok {
		return false
	}
	dev, ino, ok := strings.Cut(t.env("JOURNAL_STREAM"), ":")
	if !ok {
		return false
	}
	st, err := f.Stat()
	if err != nil {
		return false
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && strconv.FormatUint(sys.Dev, 10) == dev && strconv.FormatUint(sys.Ino, 10) == ino
}

// journalHandler writes lines for systemd's journal: the level as a prefix
// (sd-daemon(3)), no time.
type journalHandler struct {
	slog.Handler // writes into buf
	out          *journalWriter
}

// journalWriter is shared by a handler and those derived from it.
type journalWriter struct {
	mu  sync.Mutex
	buf bytes.Buffer
	w   io.Writer
}

func newJournalHandler(w io.Writer, opt *slog.HandlerOptions) *journalHandler {
	out := &journalWriter{w: w}
	inner := *opt
	inner.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
			return slog.Attr{}
		}
		return a
	}
	return &journalHandler{slog.NewTextHandler(&out.buf, &inner), out}
}

// Handle writes one record as one line.
func (h *journalHandler) Handle(ctx context.Context, r slog.Record) error {
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	h.out.buf.Reset()
	h.out.buf.WriteString(priority(r.Level))
	if err := h.Handler.Handle(ctx, r); err != nil {
		return err
	}
	_, err := h.out.w.Write(h.out.buf.Bytes())
	return err
}

// WithAttrs and WithGroup keep the prefix on derived handlers.
func (h *journalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &journalHandler{h.Handler.WithAttrs(attrs), h.out}
}

func (h *journalHandler) WithGroup(name string) slog.Handler {
	return &journalHandler{h.Handler.WithGroup(name), h.out}
}

// priority is the journal's word for a level.
func priority(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "<3>"
	case l >= slog.LevelWarn:
		return "<4>"
	case l >= slog.LevelInfo:
		return "<6>"
	}
	return "<7>"
}
