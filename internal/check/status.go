package check

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// StatusSet is a set of HTTP status codes: "200-299,302" as ranges.
type StatusSet []StatusRange

// StatusRange has its ends in it.
type StatusRange struct{ From, To uint16 }

// DefaultStatus is what keepalived takes for well: 200-299.
func DefaultStatus() StatusSet { return StatusSet{{200, 299}} }

// maxStatusRanges bounds what somebody may write.
const maxStatusRanges = 64

// ParseStatusSet reads codes and ranges with commas between them. "2xx" is a
// range, too.
func ParseStatusSet(s string) (StatusSet, error) {
	var set StatusSet
	for part := range strings.SplitSeq(s, ",") {
		if len(set) == maxStatusRanges {
			return nil, fmt.Errorf("more than %d ranges of status codes", maxStatusRanges)
		}
		r, err := parseStatusRange(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		set = append(set, r)
	}
	return set, nil
}

func parseStatusRange(s string) (StatusRange, error) {
	if s == "" {
		return StatusRange{}, errors.New("a status code is missing: write 200, 200-299 or 2xx, with commas between")
	}
	if len(s) == 3 && s[0] >= '1' && s[0] <= '9' && strings.EqualFold(s[1:], "xx") {
		from := uint16(s[0]-'0') * 100
		return StatusRange{from, from + 99}, nil
	}
	from, to, ranged := strings.Cut(s, "-")
	a, err := parseStatus(strings.TrimSpace(from))
	if err != nil {
		return StatusRange{}, err
	}
	if !ranged {
		return StatusRange{a, a}, nil
	}
	b, err := parseStatus(strings.TrimSpace(to))
	if err != nil {
		return StatusRange{}, err
	}
	if b < a {
		return StatusRange{}, fmt.Errorf("%d-%d is no range: the lower code comes first", a, b)
	}
	return StatusRange{a, b}, nil
}

// parseStatus reads one code: three digits (RFC 9110 §15). Codes from 600 on
// are no standard, but there are servers that send them.
func parseStatus(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || len(s) != 3 || n < 100 {
		return 0, fmt.Errorf("%q is no status code: 100 to 999", s)
	}
	return uint16(n), nil
}

// Has tells whether a code is in the set.
func (s StatusSet) Has(code int) bool {
	for _, r := range s {
		if code >= int(r.From) && code <= int(r.To) {
			return true
		}
	}
	return false
}

// String is the form that ParseStatusSet reads.
func (s StatusSet) String() string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(int(r.From)))
		if r.To != r.From {
			b.WriteByte('-')
			b.WriteString(strconv.Itoa(int(r.To)))
		}
	}
	return b.String()
}

func (s StatusSet) problems() []Problem {
	var found problems
	if len(s) == 0 {
		found.say("status", "write 200-299", "no status code is good")
	}
	for _, r := range s {
		if r.From < 100 || r.To > 999 || r.To < r.From {
			found.say("status", "", "%d-%d is no range of status codes", r.From, r.To)
		}
	}
	return found
}
