package api

import (
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// Build describes the running program. The version is what the linker was
// told; the rest comes from the Go toolchain and the kernel.
func Build(version string) Version {
	v := Version{Schema: SchemaVersion, Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.source(info.Settings)
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		v.Kernel = strings.TrimSpace(string(release))
	}
	return v
}

// source fills in what the toolchain knows of the source.
func (v *Version) source(settings []debug.BuildSetting) {
	for _, s := range settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		case "vcs.time":
			if at, err := time.Parse(time.RFC3339, s.Value); err == nil {
				v.Time = &at
			}
		}
	}
}
