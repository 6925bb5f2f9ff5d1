package server

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestListen_MakesASocketForOwnerAndGroup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run", "holdfast.sock")
	l, err := Listen(path, Access{})
	if err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if st.Mode() != os.ModeSocket|0o660 {
		t.Errorf("mode %v", st.Mode())
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestListen_ReplacesAStaleSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	old, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	old.SetUnlinkOnClose(false) // as after a crash
	old.Close()
	l, err := Listen(path, Access{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestListen_SaysWhyItCannot(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "mine")
	l, err := Listen(mine, Access{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	foreign := filepath.Join(dir, "foreign")
	other, err := net.Listen("unix", foreign)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, path string
		access     Access
		want       string
	}{
		{"a second daemon", mine, Access{}, "another holdfast has it (process "},
		{"another program answers", foreign, Access{}, "somebody answers there already"},
		{"no socket", file, Access{}, "something else, not a socket"},
		{"a long path", "/" + strings.Repeat("x", 107), Access{}, "has 108 bytes, a unix socket takes 107"},
		{"an unknown group", filepath.Join(dir, "x"), Access{Group: "no-such-group"}, "there is no group no-such-group"},
		{"no directory", filepath.Join(file, "x"), Access{}, "not a directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := Listen(tt.path, tt.access)
			if err == nil {
				l.Close()
				t.Fatal("no error")
			}
			if !strings.HasPrefix(err.Error(), "cannot listen on "+tt.path+": ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
	for _, path := range []string{mine, foreign} {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Errorf("the attempt broke %s: %v", path, err)
			continue
		}
		c.Close()
	}
}

func TestAccess(t *testing.T) {
	a := Access{gid: 42, uid: 977}
	for _, tt := range []struct {
		name          string
		peer          *peer
		reads, writes bool
	}{
		{"root", &peer{uid: 0, groups: []int{0}}, true, true},
		{"the daemon's user", &peer{uid: 977, groups: []int{977}}, true, true},
		{"primary group", &peer{uid: 1000, groups: []int{42}}, true, false},
		{"supplementary group", &peer{uid: 1000, groups: []int{1000, 7, 42}}, true, false},
		{"nobody", &peer{uid: 1000, groups: []int{1000}}, false, false},
		{"unknown", &peer{err: errors.New("x")}, false, false},
		{"no peer at all", nil, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := context.Background()
			if tt.peer != nil {
				ctx = context.WithValue(ctx, peerKey{}, *tt.peer)
			}
			if _, ok := a.allows(ctx, false); ok != tt.reads {
				t.Errorf("reads = %t", ok)
			}
			if r, ok := a.allows(ctx, true); ok != tt.writes || !ok && r.Text == "" {
				t.Errorf("writes = %t (%+v)", ok, r)
			}
		})
	}
}

func TestAccess_NoGroupLetsNobodyElseIn(t *testing.T) {
	ctx := context.WithValue(context.Background(), peerKey{}, peer{uid: 1000, groups: []int{-1}})
	if _, ok := (Access{gid: -1, uid: 977}).allows(ctx, false); ok {
		t.Error("a group id of -1 matched")
	}
}
