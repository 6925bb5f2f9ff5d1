package doctor

import (
	"context"
	"time"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/config"
	"github.com/holdfast-net/holdfast/internal/fence/agent"
	"github.com/holdfast-net/holdfast/internal/linux/watchdog"
)

// fencing looks at what cuts lost nodes off. Fence devices are asked whether
// they could be used, which changes nothing.
func (e *examination) fencing(cfg *config.Config) {
	for i := range cfg.Groups {
		if cfg.Groups[i].Fence.Watchdog {
			e.watchdog(cfg.Watchdog)
			break
		}
	}
	if cfg.Fence == nil {
		return
	}
	for i := range cfg.Fence.Devices {
		e.fenceDevice(&cfg.Fence.Devices[i])
	}
}

func (e *examination) watchdog(w config.Watchdog) {
	info, err := watchdog.Look(w.Device)
	switch {
	case err != nil:
		e.add(api.FindingMissing, "watchdog", "without it the groups that ask for it are in fault", "%v", err)
	case info.NoWayOut:
		e.add(api.FindingWeaker, "watchdog", "load its module without nowayout", "%s (%s) cannot be stopped: a clean stop of the daemon resets this machine", w.Device, info.Identity)
	case info.Longest != 0 && info.Longest < w.Timeout:
		e.add(api.FindingMissing, "watchdog", "use a shorter timeout", "%s (%s) counts to %s at most, and the file wants %s", w.Device, info.Identity, info.Longest, w.Timeout)
	case info.Running:
		e.ok("watchdog", "%s (%s) runs: a daemon here holds with it, or another program has it", w.Device, info.Identity)
	default:
		e.ok("watchdog", "%s (%s) is there", w.Device, info.Identity)
	}
}

func (e *examination) fenceDevice(d *config.FenceDevice) {
	ctx, cancel := context.WithTimeout(context.Background(), min(d.Timeout, 30*time.Second))
	defer cancel()
	if err := agent.Of(d).Monitor(ctx); err != nil {
		e.add(api.FindingMissing, "fence", "see to the device, its parameters, and the way to it", "device %s cannot be used: %v", d.Name, err)
		return
	}
	e.ok("fence", "device %s answers (%s)", d.Name, d.Agent)
}
