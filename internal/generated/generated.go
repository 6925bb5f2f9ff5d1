// Package generated checks, in tests, that committed eBPF objects are what
// their source builds.
//
// A package with such objects has its C in bpf/, a generate.go with the commands
// of bpf2go, and a kernel.sum that `make generate` writes: the compiler's
// version, and a hash of each file of bpf/, of others that these include, and of
// all objects. Tests run in the package's folder.
package generated

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
	lines := strings.Split(strings.TrimSpace(string(read(t, "kernel.sum"))), "\n")
	sums = map[string]string{}
	for _, l := range lines[1:] {
		hash, name, _ := strings.Cut(l, "  ")
		sums[name] = hash
	}
	return lines[0], sums
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// FromThisSource needs no compiler: the objects that are embedded were made when
// the files of bpf/, and those of other folders, were as they are now.
func FromThisSource(t *testing.T, others ...string) {
	t.Helper()
	_, sums := sum(t)
	names := append(glob(t, "bpf/*"), others...)
	names = append(names, glob(t, "*_bpfe[lb].o")...)
	if len(names) != len(sums) {
		t.Errorf("%d files, kernel.sum knows of %d: run make generate", len(names), len(sums))
	}
	for _, name := range names {
		if got := fmt.Sprintf("%x", sha256.Sum256(read(t, name))); got != sums[name] {
			t.Errorf("%s is not what the objects were made from or as: run make generate", name)
		}
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// WhatTheSourceBuilds builds the objects of a package again with the compiler
// that made them, where it is here.
func WhatTheSourceBuilds(t *testing.T, pkg string) {
	t.Helper()
	want, _ := sum(t)
	version, err := exec.Command("clang", "--version").Output()
	if err != nil {
		t.Skipf("needs clang, to build the objects again: %v", err)
	}
	if have, _, _ := strings.Cut(string(version), "\n"); have != want {
		t.Skipf("needs %s, which made the objects: here is %s", want, have)
	}
	if _, err := exec.LookPath("llvm-strip"); err != nil {
		t.Skipf("needs llvm-strip, as make generate does: %v", err)
	}
	dir := t.TempDir()
	for line := range strings.Lines(string(read(t, "generate.go"))) {
		line, found := strings.CutPrefix(line, "//go:generate go run github.com/cilium/ebpf/cmd/bpf2go ")
		if !found {
			continue
		}
		args := append([]string{"run", "github.com/cilium/ebpf/cmd/bpf2go", "-output-dir", dir}, strings.Fields(line)...)
		cmd := exec.Command("go", args...)
		cmd.Env = append(os.Environ(), "GOPACKAGE="+pkg)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("cannot build: %v\n%s", err, out)
		}
	}
	for _, name := range append(glob(t, "*_bpfe[lb].o"), glob(t, "*_bpfe[lb].go")...) {
		if !bytes.Equal(read(t, name), read(t, filepath.Join(dir, name))) {
			t.Errorf("%s is not what bpf/ builds: run make generate", name)
		}
	}
}
