package peer

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Build builds holdfast as users install it into dir, for tests in this
// module, and returns the binary's path. Everybody may run it, as some daemons
// are not root.
func Build(dir string) (string, error) {
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", fmt.Errorf("cannot build holdfast: %w", err)
	}
	path := filepath.Join(dir, "holdfast")
	cmd := exec.Command("go", "build", "-o", path, "github.com/holdfast-net/holdfast/cmd/holdfast")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build holdfast: %w\n%s", err, out)
	}
	return path, nil
}
