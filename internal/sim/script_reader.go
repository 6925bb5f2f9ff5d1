package sim

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// reader takes the words of a line one after another. The first error stays.
type reader struct {
	words []string
	err   error
}

func (r *reader) more() bool { return len(r.words) > 0 && r.err == nil }

// next reports whether the next word is w, and takes it if so.
func (r *reader) next(w string) bool {
	if !r.more() || r.words[0] != w {
		return false
	}
	r.words = r.words[1:]
	return true
}

func (r *reader) word() string {
	if len(r.words) == 0 {
		r.fail("a word is missing at the end")
		return ""
	}
	w := r.words[0]
	r.words = r.words[1:]
	return w
}

func (r *reader) fail(format string, a ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, a...)
	}
}

func (r *reader) unknown(w string) { r.fail("%q is not known here", w) }

func (r *reader) duration() time.Duration {
	w := r.word()
	d, err := time.ParseDuration(w)
	if err != nil {
		r.fail("%q is not a duration", w)
	}
	return d
}

func (r *reader) number(most int) int {
	w := strings.TrimSuffix(r.word(), "%")
	n, err := strconv.Atoi(w)
	if err != nil || n < 0 || n > most {
		r.fail("%q is not a number from 0 to %d", w, most)
	}
	return n
}

func (r *reader) addresses() []netip.Addr {
	var out []netip.Addr
	for w := range strings.SplitSeq(r.word(), ",") {
		a, err := netip.ParseAddr(w)
		if err != nil {
			r.fail("%q is not an address", w)
		}
		out = append(out, a)
	}
	return out
}
