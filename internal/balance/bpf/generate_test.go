package bpf

import (
	"testing"

	"github.com/holdfast-net/holdfast/internal/generated"
)

func TestGeneratedFromThisSource(t *testing.T) {
	generated.FromThisSource(t, "../../linux/gate/bpf/holds.h")
}
func TestObjectIsWhatTheSourceBuilds(t *testing.T) { generated.WhatTheSourceBuilds(t, "bpf") }
