package bpf

import (
	"testing"

	"github.com/holdfast-net/holdfast/internal/linux/netns/netnstest"
)

func TestMain(m *testing.M) { netnstest.Main(m) }
