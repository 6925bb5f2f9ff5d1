# Everything here works on a machine with only Go, make and git.
# `make test` installs the peers it tests against where they are missing.

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS  := -s -w -X main.version=$(VERSION)
FUZZTIME ?= 20s

# Pinned: a linter's news is not a reason for a red build.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOFUMPT     := mvdan.cc/gofumpt@v0.12.0

.PHONY: build demo test test-unit test-race lint fuzz bench-failover chaos chaos-table chaos-leases bench-gate bench-checks bench-cluster bench-database bench-balance survival generate install clean help

build: ## bin/holdfast, one static file
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/holdfast ./cmd/holdfast

demo: build ## three nodes and a client on this machine, and what a client notices
	bin/holdfast demo

test: ## everything: vet, unit, network namespaces, real peers (root for the last two)
	scripts/need
	$(GO) vet ./...
	scripts/test all

test-unit: ## what needs no root and no peer
	scripts/test unit

test-race: ## the same under the race detector (needs a C compiler)
	CGO_ENABLED=1 scripts/test unit -race

lint: ## vet, staticcheck, gofumpt, the rules of internal/arch
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	@out=$$($(GO) run $(GOFUMPT) -l .) || exit 1; \
	  if [ -n "$$out" ]; then echo "not formatted, run: $(GO) run $(GOFUMPT) -w ."; echo "$$out"; exit 1; fi
	$(GO) test ./internal/arch

fuzz: ## every fuzz target for FUZZTIME (default 20s)
	scripts/fuzz $(FUZZTIME)

bench-failover: build ## holdfast beside keepalived, as ratios: table and JSON (root)
	scripts/need
	$(GO) run ./bench/failover -holdfast bin/holdfast $(BENCH)

chaos: build ## SEEDS=n plans of faults from seeds, judged from outside (root)
	scripts/need
	$(GO) test ./interop/chaos -count 1 -timeout 3h -run Seeds -holdfast $(CURDIR)/bin/holdfast -seeds $(or $(SEEDS),100) $(CHAOS)

chaos-table: build ## docs/chaos.md: what survives, holdfast beside keepalived (root)
	scripts/need
	$(GO) run ./interop/chaos/table -holdfast bin/holdfast -out docs/chaos.md

chaos-leases: build ## the part of docs/chaos.md about leases, from SEEDS=n plans (root)
	scripts/need
	$(GO) run ./interop/chaos/table -holdfast bin/holdfast -out docs/chaos.md -leases $(or $(SEEDS),60)

bench-gate: ## what the gate costs, as ratios: table and JSON (root, iperf3)
	scripts/need iperf3
	$(GO) run ./bench/gate $(BENCH)

bench-checks: ## what a check costs beside HAProxy's: table and JSON (root, haproxy)
	scripts/need haproxy taskset=util-linux
	$(GO) run ./bench/checks $(BENCH)

bench-cluster: build ## docs/compare-cluster.md: leases beside Pacemaker and vip-manager, ROUNDS=n (root)
	scripts/need
	scripts/need corosync pacemakerd=pacemaker cibadmin=pacemaker-cli-utils vip-manager
	$(GO) run ./bench/cluster -holdfast bin/holdfast -rounds $(or $(ROUNDS),7) -page docs/compare-cluster.md $(BENCH)

bench-database: ## docs/database.md: how long no commit is acknowledged, TRIALS=n (root, PostgreSQL 15)
	scripts/need
	rm -f bin/database.jsonl
	mkdir -p bin
	$(GO) test ./interop/database -count 1 -parallel 1 -timeout 9h -v -run Faults -trials $(or $(TRIALS),20) -record $(CURDIR)/bin/database.jsonl -out $(CURDIR)/docs/database.md $(BENCH)

bench-balance: ## docs/compare-balance.md: being in the middle, beside routing, nftables, nginx and HAProxy: table and JSON (root)
	scripts/need haproxy nft=nftables nginx /usr/lib/nginx/modules/ngx_stream_module.so=libnginx-mod-stream
	$(GO) run ./bench/balance -page docs/compare-balance.md $(BENCH)

survival: build ## docs/compare-survival.md: connections through a balancer that breaks, beside HAProxy (root)
	scripts/need
	scripts/need haproxy
	$(GO) test ./interop/survival -count 1 -timeout 3h -v -run Survival -holdfast $(CURDIR)/bin/holdfast -who all -faults all -connections 10000 -rate 1000 -every 5s -record $(CURDIR)/bin/survival.jsonl -out $(CURDIR)/docs/compare-survival.md $(BENCH)

generate: ## the eBPF objects of gate and balancer from their bpf/ (clang, llvm-strip, libbpf-dev)
	scripts/need clang llvm-strip=llvm /usr/include/bpf/bpf_helpers.h=libbpf-dev
	$(GO) generate ./internal/linux/gate ./internal/balance/bpf

install: build ## below DESTDIR: the binary, the unit, the user, the folders
	install -D -m 755 bin/holdfast $(DESTDIR)/usr/bin/holdfast
	install -D -m 644 packaging/holdfast.service $(DESTDIR)/usr/lib/systemd/system/holdfast.service
	install -D -m 644 -t $(DESTDIR)/usr/share/holdfast/holdfast.service.d packaging/holdfast.service.d/*.conf
	install -D -m 644 packaging/holdfast.sysusers $(DESTDIR)/usr/lib/sysusers.d/holdfast.conf
	install -D -m 644 packaging/holdfast.tmpfiles $(DESTDIR)/usr/lib/tmpfiles.d/holdfast.conf

clean: ## what the targets above made
	rm -rf bin dist bench/results

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
