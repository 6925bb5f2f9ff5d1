package capability

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const role = "HOLDFAST_TEST_DROP"

// TestMain is also the process that drops what it may do, and shows what is left
// to each of its threads.
func TestMain(m *testing.M) {
	if os.Getenv(role) == "" {
		os.Exit(m.Run())
	}
	if err := Drop(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	threads, _ := filepath.Glob("/proc/self/task/*/status")
	for _, name := range threads {
		status, _ := os.ReadFile(name)
		for line := range strings.Lines(string(status)) {
			if strings.HasPrefix(line, "CapPrm:") || strings.HasPrefix(line, "CapEff:") || strings.HasPrefix(line, "NoNewPrivs:") {
				fmt.Print(line)
			}
		}
	}
	input := make([]byte, 5)
	n, _ := os.Stdin.Read(input)
	fmt.Printf("Input: %s\n", input[:n])
	os.Exit(0)
}

// It works in a program that is linked with C as in one that is not, which a
// builder chooses without knowing.
func TestDrop(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), role+"=1")
	cmd.Stdin = strings.NewReader("hello")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	keep := masks()
	seen := map[string]int{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		seen[name]++
		switch name {
		case "CapPrm", "CapEff":
			if has, err := strconv.ParseUint(value, 16, 64); err != nil || has&^(uint64(keep[1])<<32|uint64(keep[0])) != 0 {
				t.Errorf("a thread has %s %s", name, value)
			}
		case "NoNewPrivs":
			if value != "1" {
				t.Errorf("a thread may get new privileges: %s", value)
			}
		case "Input":
			if value != "hello" {
				t.Errorf("what it is told got lost: %q", value)
			}
		}
	}
	if seen["CapPrm"] == 0 || seen["CapPrm"] != seen["CapEff"] || seen["Input"] != 1 {
		t.Errorf("it says\n%s", out)
	}
}
