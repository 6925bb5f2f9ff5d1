package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-net/holdfast/internal/daemon"
)

// TestMain makes the test's executable one that a demo can run: it knows
// `run -c FILE`, `guard` (which a daemon starts) and `demo`, as holdfast does.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 {
		os.Exit(m.Run())
	}
	var err error
	switch os.Args[1] {
	case "run":
		if os.Getenv(brokenVariable) != "" {
			err = errors.New("cannot run: broken on purpose")
			break
		}
		ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM)
		defer stop()
		err = daemon.Run(ctx, daemon.Options{
			ConfigPath: os.Args[3],
			Log:        slog.New(slog.NewTextHandler(os.Stderr, nil)),
		})
	case daemon.GuardCommand:
		files := 0
		if len(os.Args) == 4 { // guard --gate N
			files, _ = strconv.Atoi(os.Args[3]) // the daemon wrote it
		}
		err = daemon.Guard(slog.New(slog.NewTextHandler(os.Stderr, nil)), files)
	case "demo":
		if os.Getenv(forbidVariable) != "" {
			if err := os.WriteFile("/proc/sys/user/max_net_namespaces", []byte("0"), 0); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(2)
			}
		}
		opt := Options{Args: os.Args[1:]}
		for _, flag := range os.Args[2:] {
			switch flag {
			case "--json":
				opt.JSON = true
			case "--keep":
				opt.Keep = true
			}
		}
		err = Run(context.Background(), opt)
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		if h, ok := err.(interface{ Hint() string }); ok {
			fmt.Fprintln(os.Stderr, "hint:", h.Hint())
		}
		os.Exit(1)
	}
}

const (
	brokenVariable = "HOLDFAST_TEST_BROKEN" // daemons end at once
	forbidVariable = "HOLDFAST_TEST_FORBID" // network namespaces are forbidden
)
