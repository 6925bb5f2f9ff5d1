package cli

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/api/apitest"
	"github.com/holdfast-net/holdfast/internal/config"
)

// fakeStore is the store of the scripts.
type fakeStore struct{}

func (fakeStore) Init(cfg *config.Config, _ string) ([]string, error) {
	if os.Getenv("NOTHING_IS_MISSING") != "" {
		return nil, nil
	}
	made := []string{"ca.crt", "ca.key"}
	for _, v := range cfg.Cluster.Nodes {
		made = append(made, v.Name+".crt", v.Name+".key")
	}
	return made, nil
}

func (fakeStore) Status(context.Context, *config.Config) (api.Cluster, error) {
	c := apitest.Cluster()
	switch os.Getenv("STORE") {
	case "well":
		c.Members = c.Members[:1]
	case "lost":
		c.Leader, c.Majority = "", false
		c.Members = c.Members[2:]
	}
	return c, nil
}

func (fakeStore) Change(_ context.Context, _ *config.Config, how, name string) error {
	if name == "lb9" {
		return errors.New("lb9 is no member")
	}
	return nil
}

func (fakeStore) Snapshot(context.Context, *config.Config, string) (int64, error) { return 20480, nil }

func (fakeStore) Restore(_ *config.Config, file string) error {
	if strings.Contains(file, "broken") {
		return errors.New("cannot read snapshot: it is damaged")
	}
	return nil
}
