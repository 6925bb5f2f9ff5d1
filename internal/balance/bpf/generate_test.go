package bpf

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sum is what `make generate` noted about what it made.
func sum(t *testing.T) (clang string, sums map[string]string) {
	t.Helper()
	b, err := os.ReadFile("kernel.sum")
	must(t, err)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	sums = map[string]string{}
	for _, l := range lines[1:] {
		hash, name, _ := strings.Cut(l, "  ")
		sums[name] = hash
	}
	return lines[0], sums
}

// TestGeneratedFromThisSource needs no compiler: the object that is embedded
// was made when the files of bpf/ were as they are now.
func TestGeneratedFromThisSource(t *testing.T) {
	_, sums := sum(t)
	names, err := filepath.Glob("bpf/*")
	must(t, err)
	names = append(names, "kernel_bpfel.o", "kernel_bpfeb.o")
	if len(names) != len(sums) {
		t.Errorf("%d files, kernel.sum knows of %d: run make generate", len(names), len(sums))
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		must(t, err)
		if got := fmt.Sprintf("%x", sha256.Sum256(b)); got != sums[name] {
			t.Errorf("%s is not what the objects were made from or as: run make generate", name)
		}
	}
}

// TestObjectIsWhatTheSourceBuilds builds the objects again with the compiler
// that made them, where it is here.
func TestObjectIsWhatTheSourceBuilds(t *testing.T) {
	want, _ := sum(t)
	version, err := exec.Command("clang", "--version").Output()
	if err != nil {
		t.Skipf("needs clang, to build bpf/balance.c again: %v", err)
	}
	if have, _, _ := strings.Cut(string(version), "\n"); have != want {
		t.Skipf("needs %s, which made the objects: here is %s", want, have)
	}
	if _, err := exec.LookPath("llvm-strip"); err != nil {
		t.Skipf("needs llvm-strip, as make generate does: %v", err)
	}
	generate, err := os.ReadFile("generate.go")
	must(t, err)
	_, line, _ := strings.Cut(string(generate), "//go:generate go run ")
	line, _, _ = strings.Cut(line, "\n")
	dir := t.TempDir()
	cmd := exec.Command("go", append([]string{"run"}, strings.Fields(strings.Replace(line, " kernel ", " -output-dir "+dir+" kernel ", 1))...)...)
	cmd.Env = append(os.Environ(), "GOPACKAGE=bpf")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cannot build: %v\n%s", err, out)
	}
	for _, name := range []string{"kernel_bpfel.o", "kernel_bpfeb.o", "kernel_bpfel.go", "kernel_bpfeb.go"} {
		committed, err := os.ReadFile(name)
		must(t, err)
		built, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		if !bytes.Equal(committed, built) {
			t.Errorf("%s is not what bpf/balance.c builds: run make generate", name)
		}
	}
}
