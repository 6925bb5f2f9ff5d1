package config

import "testing"

func TestLoad_Unreadable(t *testing.T) {
	for _, path := range []string{"/no/such/file.yaml", "testdata"} {
		cfg, ds := Load(path, testFacts())
		if cfg != nil || len(ds) != 1 || ds[0].Rule != ruleUnreadable {
			t.Errorf("Load(%q) = %v, %v; want one %s", path, cfg, ds, ruleUnreadable)
		}
	}
}
