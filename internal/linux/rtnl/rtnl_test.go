package rtnl

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestAttrsRoundTrip(t *testing.T) {
	var b []byte
	b = AppendAttr(b, 1, []byte("abc"))
	b = AppendUint32(b, 2, 7)
	b = append(b, Nest(3, AppendAttr(nil, 4, nil), AppendUint32(nil, 5, 9))...)
	if len(b)%4 != 0 {
		t.Errorf("length %d is not aligned", len(b))
	}
	type attr struct {
		Type  uint16
		Value []byte
	}
	read := func(b []byte) (list []attr) {
		Attrs(b, func(typ uint16, v []byte) { list = append(list, attr{typ, v}) })
		return list
	}
	got := read(b)
	if len(got) != 3 {
		t.Fatalf("attributes %v, want three", got)
	}
	want := []attr{{4, []byte{}}, {5, binary.NativeEndian.AppendUint32(nil, 9)}}
	if diff := cmp.Diff(want, read(got[2].Value)); diff != "" || got[2].Type != 3 {
		t.Errorf("nested attributes of %d (-want +got):\n%s", got[2].Type, diff)
	}
	if string(got[0].Value) != "abc" {
		t.Errorf("first attribute %q, want abc", got[0].Value)
	}
}

func TestVerdict(t *testing.T) {
	code := func(errno unix.Errno) []byte {
		return binary.NativeEndian.AppendUint32(nil, uint32(-int32(errno)))
	}
	refused := appendMessage(nil, unix.RTM_NEWADDR, 0, 1, []byte("body"))
	text := AppendAttr(nil, nlmsgerrAttrMsg, []byte("ipv4: address already assigned\x00"))
	whole := append(append(code(unix.EEXIST), refused...), text...)
	capped := append(append(code(unix.EEXIST), refused[:unix.NLMSG_HDRLEN]...), text...)
	for _, c := range []struct {
		name  string
		flags uint16
		body  []byte
		is    error
		want  string
	}{
		{"done", 0, append(code(0), refused...), nil, ""},
		{"refused", 0, append(code(unix.EEXIST), refused...), unix.EEXIST, "file exists"},
		{"refused with words", unix.NLM_F_ACK_TLVS, whole, unix.EEXIST, "file exists (ipv4: address already assigned)"},
		{"refused with words and no body", unix.NLM_F_ACK_TLVS | unix.NLM_F_CAPPED, capped, unix.EEXIST, "file exists (ipv4: address already assigned)"},
		{"cut short", unix.NLM_F_ACK_TLVS, code(unix.EPERM), unix.EPERM, "operation not permitted"},
		{"empty", 0, nil, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := verdict(unix.NlMsghdr{Flags: c.flags}, c.body)
			if !errors.Is(err, c.is) {
				t.Fatalf("error %v, want %v", err, c.is)
			}
			if err != nil && err.Error() != c.want {
				t.Errorf("error %q, want %q", err, c.want)
			}
		})
	}
}

func FuzzVerdict(f *testing.F) {
	f.Add(uint16(unix.NLM_F_ACK_TLVS), []byte{1, 2, 3, 4})
	f.Add(uint16(unix.NLM_F_ACK_TLVS|unix.NLM_F_CAPPED), append([]byte{255, 255, 255, 255}, make([]byte, 24)...))
	f.Fuzz(func(t *testing.T, flags uint16, body []byte) {
		_ = verdict(unix.NlMsghdr{Flags: flags}, body)
		Attrs(body, func(uint16, []byte) {})
	})
}

// TestConn asks the kernel for the loopback interface, together with one that
// does not exist. It needs no privilege.
func TestConn(t *testing.T) {
	c, err := Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ask := func(index uint32) Request {
		b := make([]byte, unix.SizeofIfInfomsg)
		binary.NativeEndian.PutUint32(b[4:], index)
		return Request{Type: unix.RTM_GETLINK, Body: b}
	}
	reqs := make([]Request, 250) // more than one batch
	for i := range reqs {
		reqs[i] = ask(1 + uint32(i%2)*0x7ffffff0)
	}
	if err := c.Do(reqs); err != nil {
		t.Fatal(err)
	}
	for i, r := range reqs {
		if i%2 == 0 && (r.Err != nil || len(r.Reply) == 0) {
			t.Errorf("request %d: error %v and %d bytes, want lo", i, r.Err, len(r.Reply))
		}
		if i%2 == 1 && !errors.Is(r.Err, unix.ENODEV) {
			t.Errorf("request %d: error %v, want ENODEV", i, r.Err)
		}
	}
	n := 0
	if err := c.Dump(unix.RTM_GETLINK, make([]byte, unix.SizeofIfInfomsg), func([]byte) { n++ }); err != nil || n == 0 {
		t.Errorf("dump of interfaces: %d, error %v", n, err)
	}
}
