package macvlan

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWireless(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"wlan0/phy80211", "eth0"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]bool{"wlan0": true, "eth0": false, "gone0": false} {
		if got := wireless(root, name); got != want {
			t.Errorf("%s is wireless: %v, want %v", name, got, want)
		}
	}
}
