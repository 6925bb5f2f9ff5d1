package bfd_test

import (
	"flag"
	"testing"

	"github.com/holdfast-net/holdfast/internal/conformance"
)

var update = flag.Bool("update", false, "write docs/conformance-bfd.md")

// The page says what of the standards is proven, and by which tests.
func TestConformance(t *testing.T) { conformance.Check(t, conformance.BFD, update) }
