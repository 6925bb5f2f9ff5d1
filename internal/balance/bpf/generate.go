package bpf

// The kernel's half is built with `make generate` (clang, llvm-strip and
// libbpf-dev), and committed: go build needs none of them. The folders are
// where Debian has the asm/ of its architectures; one that is missing is
// passed over.
//
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -no-global-types -type vip -type place -type service -type target -type tally -type counters -type key -type flow -type ports -type source -type mac -type watch -type told -type settled -type tracing -type sighting kernel bpf/balance.c -- -O2 -g -Wall -Wextra -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu -I/usr/include/aarch64-linux-gnu
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -no-global-types native bpf/balance.c -- -O2 -g -Wall -Wextra -Werror -mcpu=v3 -DXDP -I/usr/include/x86_64-linux-gnu -I/usr/include/aarch64-linux-gnu
//go:generate sh -c "(clang --version | head -n 1; sha256sum bpf/* ../../linux/gate/bpf/holds.h kernel_bpfel.o kernel_bpfeb.o native_bpfel.o native_bpfeb.o) > kernel.sum"
