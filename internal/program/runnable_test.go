package program

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
)

// elfHeader is the least that is a program for a machine.
func elfHeader(m elf.Machine) string {
	var b bytes.Buffer
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(m), Version: 1, Ehsize: 64, Phentsize: 56}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	if err := binary.Write(&b, binary.LittleEndian, h); err != nil {
		panic(err)
	}
	return b.String()
}

func TestRunnable(t *testing.T) {
	file := func(mode fs.FileMode, data string) *fstest.MapFile {
		return &fstest.MapFile{Mode: mode, Data: []byte(data)}
	}
	link := func(to string) *fstest.MapFile { return file(fs.ModeSymlink|0o777, to) }
	here, other := machines[runtime.GOARCH][0], elf.EM_S390
	if here == other {
		other = elf.EM_X86_64
	}
	disk := fstest.MapFS{
		"bin/sh":             file(0o755, elfHeader(here)),
		"usr/bin/env":        file(0o755, elfHeader(here)),
		"usr/bin/python3":    file(0o755, elfHeader(here)),
		"opt/good":           file(0o755, "#!/bin/sh\n"),
		"opt/spaced":         file(0o755, "#! \t/bin/sh -e\n"),
		"opt/env":            file(0o755, "#!/usr/bin/env python3\n"),
		"opt/env-missing":    file(0o755, "#!/usr/bin/env python9\n"),
		"opt/env-s":          file(0o755, "#!/usr/bin/env -S python9 -u\n"),
		"opt/crlf":           file(0o755, "#!/bin/sh\r\nexit\r\n"),
		"opt/no-interpreter": file(0o755, "#!/bin/zsh\n"),
		"opt/nameless":       file(0o755, "#!\n"),
		"opt/relative":       file(0o755, "#!sh\n"),
		"opt/by-good":        file(0o755, "#!/opt/good\n"),
		"opt/by-itself":      file(0o755, "#!/opt/by-itself\n"),
		"opt/plain":          file(0o755, "exit 0\n"),
		"opt/empty":          file(0o755, ""),
		"opt/other":          file(0o755, elfHeader(other)),
		"opt/no-x":           file(0o644, "#!/bin/sh\n"),
		"opt/unreadable":     file(0o711, "#!/bin/sh\n"),
		"opt/owner-only":     file(0o700, "#!/bin/sh\n"),
		"opt/dir":            file(fs.ModeDir|0o755, ""),
		"opt/pipe":           file(fs.ModeNamedPipe|0o755, ""),
		"opt/closed":         file(fs.ModeDir|0o700, ""),
		"opt/closed/prog":    file(0o755, "#!/bin/sh\n"),
		"opt/to-good":        link("good"),
		"opt/to-abs":         link("/opt/good"),
		"opt/to-up":          link("../../../opt/good"),
		"opt/to-nothing":     link("/opt/nothing"),
		"opt/to-closed":      link("closed/prog"),
		"opt/loop":           link("loop"),
		"bad-dir":            link("opt"),
	}
	web := Account{Name: "web", UID: 4321, GID: 4321}
	root := Account{Name: "root"}
	for _, tt := range []struct {
		who  Account
		name string
		want string // what the text has; "": it can be run
	}{
		{web, "/opt/good", ""},
		{web, "/opt/../opt/./good", ""},
		{web, "//opt//good", ""},
		{web, "/opt/spaced", ""},
		{web, "/opt/env", ""},
		{web, "/opt/env-s", ""},
		{web, "/opt/by-good", ""},
		{web, "/opt/to-good", ""},
		{web, "/opt/to-abs", ""},
		{web, "/opt/to-up", ""},
		{web, "/bad-dir/good", ""},
		{root, "/opt/unreadable", ""},
		{root, "/opt/closed/prog", ""},
		{root, "/opt/owner-only", ""},
		{web, "opt/good", "opt/good is not an absolute path"},
		{web, "/opt/env-missing", "/opt/env-missing is a script for /usr/bin/env, and there is no python9 in /usr/local/sbin:"},
		{web, "/opt/crlf", `/opt/crlf is a script for "/bin/sh\r": its first line ends in CR LF`},
		{web, "/opt/no-interpreter", "/opt/no-interpreter is a script for /bin/zsh, and no such file or directory: /bin/zsh"},
		{web, "/opt/nameless", "names no interpreter"},
		{web, "/opt/relative", `/opt/relative is a script for "sh", which is not an absolute path`},
		{web, "/opt/by-itself", "too many interpreters"},
		{web, "/opt/plain", "/opt/plain is neither a program for this machine nor a script with a #! line"},
		{web, "/opt/empty", "/opt/empty is empty"},
		{web, "/opt/other", "/opt/other is for another architecture: " + architecture(other) + ", and this machine is " + runtime.GOARCH},
		{web, "/opt/no-x", "/opt/no-x is not executable: mode 0644, owner root, group root"},
		{root, "/opt/no-x", "/opt/no-x is not executable: mode 0644"},
		{web, "/opt/unreadable", "/opt/unreadable is a script and not readable for user web: mode 0711"},
		{web, "/opt/owner-only", "/opt/owner-only is not executable for user web: mode 0700, owner root"},
		{web, "/opt/closed/prog", "/opt/closed is not searchable for user web: mode 0700, owner root"},
		{web, "/opt/to-closed", "/opt/closed is not searchable for user web: mode 0700, owner root"},
		{web, "/opt/dir", "/opt/dir is a directory, not a program"},
		{web, "/opt/pipe", "/opt/pipe is not a file"},
		{web, "/opt/good/more", "/opt/good is not a directory"},
		{web, "/opt/god", "no such file or directory: /opt/god"},
		{web, "/apt/good", "no such file or directory: /apt (on the way to /apt/good)"},
		{web, "/opt/to-nothing", "no such file or directory: /opt/nothing (on the way to /opt/to-nothing)"},
		{web, "/opt/loop", "/opt/loop: too many symbolic links"},
		{web, "/", "/ is a directory"},
	} {
		t.Run(tt.who.Name+strings.ReplaceAll(tt.name, "/", "|"), func(t *testing.T) {
			err := Runnable(disk, tt.name, tt.who)
			switch {
			case err == nil && tt.want != "":
				t.Errorf("it can be run, want %q", tt.want)
			case err != nil && (tt.want == "" || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("%q, want %q", err, tt.want)
			}
		})
	}
	var o *Obstacle
	if err := Runnable(disk, "/opt/god", web); !errors.As(err, &o) || o.Name != "god" || !strings.Contains(strings.Join(o.Names, " "), "good") {
		t.Errorf("what there is in place of what there is not: %+v", o)
	}
}

// FuzzRunnable reads any first bytes without falling over.
func FuzzRunnable(f *testing.F) {
	f.Add([]byte("#!/bin/sh\n"))
	f.Add([]byte(elfHeader(elf.EM_X86_64)))
	f.Add([]byte("#!\t /usr/bin/env\tx\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		disk := fstest.MapFS{
			"p":           {Mode: 0o755, Data: data},
			"bin/sh":      {Mode: 0o755, Data: []byte(elfHeader(machines[runtime.GOARCH][0]))},
			"usr/bin/env": {Mode: 0o755, Data: []byte("#!/p\n")},
		}
		if err := Runnable(disk, "/p", Account{Name: "web", UID: 4321}); err != nil && err.Error() == "" {
			t.Error("an obstacle without words")
		}
	})
}
