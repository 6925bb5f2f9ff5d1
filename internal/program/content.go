package program

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"io/fs"
	"path"
	"runtime"
	"strings"
)

const (
	// maxInterpreters is how deep scripts may be interpreted by scripts
	// (execve(2)).
	maxInterpreters = 4
	// firstBytes is how much of a file the kernel looks at
	// (BINPRM_BUF_SIZE).
	firstBytes = 256
)

// machines are the architectures of ELF files that a kernel runs.
var machines = map[string][]elf.Machine{
	"amd64":   {elf.EM_X86_64, elf.EM_386},
	"386":     {elf.EM_386},
	"arm64":   {elf.EM_AARCH64, elf.EM_ARM},
	"arm":     {elf.EM_ARM},
	"riscv64": {elf.EM_RISCV},
	"ppc64":   {elf.EM_PPC64, elf.EM_PPC},
	"ppc64le": {elf.EM_PPC64},
	"s390x":   {elf.EM_S390},
	"loong64": {elf.EM_LOONGARCH},
	"mips":    {elf.EM_MIPS}, "mipsle": {elf.EM_MIPS}, "mips64": {elf.EM_MIPS}, "mips64le": {elf.EM_MIPS},
}

// content checks what is in an executable file.
func (w *walk) content(shown, real string, info fs.FileInfo, depth int) *Obstacle {
	f, err := w.disk.Open(inner(real))
	if err != nil {
		return nil // executable without being readable to us: the kernel can
	}
	defer f.Close()
	head := make([]byte, firstBytes)
	n, err := io.ReadFull(f, head)
	if n == 0 && err != io.EOF {
		return nil // as above
	}
	head = head[:n]
	switch {
	case n == 0:
		return &Obstacle{Text: shown + " is empty"}
	case bytes.HasPrefix(head, []byte("#!")):
		return w.script(shown, real, info, head, depth)
	case bytes.HasPrefix(head, []byte(elf.ELFMAG)):
		return w.binary(shown, f, head)
	case w.otherFormats():
		return nil
	}
	return &Obstacle{
		Text: shown + " is neither a program for this machine nor a script with a #! line",
		Hint: "begin a script with a line such as #!/bin/sh",
	}
}

// script checks a script's interpreter. The interpreter opens the script
// itself, so it has to be readable as well.
func (w *walk) script(shown, real string, info fs.FileInfo, head []byte, depth int) *Obstacle {
	if !w.may(real, info, read) {
		return &Obstacle{
			Text: fmt.Sprintf("%s is a script and not readable for user %s: %s", shown, w.who.Name, w.rights(info)),
			Hint: hintFor(info, real, read),
		}
	}
	line, _, _ := bytes.Cut(head[2:], []byte("\n"))
	text := strings.Trim(string(line), " \t")
	interpreter, argument, _ := strings.Cut(strings.ReplaceAll(text, "\t", " "), " ")
	switch {
	case interpreter == "" || interpreter == "\r":
		return &Obstacle{Text: shown + " is a script whose #! line names no interpreter"}
	case strings.HasSuffix(text, "\r"):
		return &Obstacle{
			Text: fmt.Sprintf("%s is a script for %q: its first line ends in CR LF", shown, interpreter),
			Hint: "give it the line ends of Unix: sed -i 's/\\r$//' " + real,
		}
	case !path.IsAbs(interpreter):
		return &Obstacle{Text: fmt.Sprintf("%s is a script for %q, which is not an absolute path", shown, interpreter)}
	case depth >= maxInterpreters:
		return &Obstacle{Text: shown + " has too many interpreters of interpreters"}
	}
	o := w.program(interpreter, depth+1)
	if o == nil && path.Base(interpreter) == "env" {
		o = w.envLine(strings.TrimSpace(argument))
	}
	if o != nil {
		o.Text = fmt.Sprintf("%s is a script for %s, and %s", shown, interpreter, o.Text)
	}
	return o
}

// searched is where env(1) looks, for want of knowing the PATH of the daemon.
var searched = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

// envLine checks what env(1) is asked to find. Its options are left to it.
func (w *walk) envLine(argument string) *Obstacle {
	if argument == "" || strings.ContainsAny(argument, "-= /") {
		return nil
	}
	for _, dir := range searched {
		if _, _, o := w.find(path.Join(dir, argument)); o == nil {
			return nil
		}
	}
	return &Obstacle{Text: fmt.Sprintf("there is no %s in %s", argument, strings.Join(searched, ":")), Hint: "install it, or write its path after #!"}
}

// binary checks the architecture and the loader of an ELF file.
func (w *walk) binary(shown string, f fs.File, head []byte) *Obstacle {
	r, ok := f.(io.ReaderAt)
	if !ok {
		r = bytes.NewReader(head)
	}
	file, err := elf.NewFile(r)
	if err != nil {
		return nil // the kernel looks at less than this reader wants
	}
	if fit, known := machines[runtime.GOARCH]; known && !contains(fit, file.Machine) && !w.otherFormats() {
		return &Obstacle{Text: fmt.Sprintf("%s is for another architecture: %s, and this machine is %s", shown, architecture(file.Machine), runtime.GOARCH)}
	}
	for _, p := range file.Progs {
		if p.Type != elf.PT_INTERP || p.Filesz == 0 || p.Filesz > 4096 {
			continue
		}
		name := make([]byte, p.Filesz)
		if _, err := p.ReadAt(name, 0); err != nil {
			return nil
		}
		loader := strings.TrimRight(string(name), "\x00")
		if _, _, o := w.find(loader); o != nil {
			o.Text = fmt.Sprintf("%s needs the loader %s, and %s", shown, loader, o.Text)
			o.Hint = "it was built for another C library (musl, glibc): take one for this machine, or a static one"
			return o
		}
	}
	return nil
}

func contains(all []elf.Machine, m elf.Machine) bool {
	for _, a := range all {
		if a == m {
			return true
		}
	}
	return false
}

// architecture is the name by which Go and Debian know a machine.
func architecture(m elf.Machine) string {
	for _, name := range []string{"amd64", "386", "arm64", "arm", "riscv64", "ppc64le", "s390x", "loong64", "mips"} {
		if machines[name][0] == m {
			return name
		}
	}
	return m.String()
}

// otherFormats tells whether the kernel was taught formats of its own
// (binfmt_misc): then it may run what we do not know.
func (w *walk) otherFormats() bool {
	entries, err := fs.ReadDir(w.disk, "proc/sys/fs/binfmt_misc")
	if err != nil {
		return false
	}
	for _, e := range entries {
		if e.Name() != "register" && e.Name() != "status" {
			return true
		}
	}
	return false
}
