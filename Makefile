# What people run. `make` alone lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# One profile (dev, see Cargo.toml) for everything, so that a cold machine compiles once.
CARGO ?= cargo
BIN := target/bin
COMETBFT := $(BIN)/cometbft
# Where the build finds libclang; written by deploy/libclang.sh.
BUILD_ENV := target/build-env.sh
CARGO_OUT = $${CARGO_TARGET_DIR:-target}/debug
NODES ?= 4

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

.PHONY: toolchains
toolchains:
	@deploy/check-toolchains.sh

# Each time: it is quick, and the file names absolute paths, which a moved checkout changes.
.PHONY: libclang
libclang: toolchains
	@deploy/libclang.sh $(BUILD_ENV)

$(COMETBFT): deploy/cometbft/go.mod deploy/cometbft/go.sum deploy/check-toolchains.sh
	@deploy/check-toolchains.sh
	@mkdir -p $(BIN)
	cd deploy/cometbft && CGO_ENABLED=0 go build -trimpath -o ../../$@ github.com/cometbft/cometbft/cmd/cometbft
	@touch $@

SKEWED := $(BIN)/cometbft-skewed
$(SKEWED): $(COMETBFT) $(wildcard deploy/cometbft/skewed/*)
	deploy/cometbft/skewed/build.sh $@ target/cometbft-skewed

.PHONY: build
build: libclang $(COMETBFT) ## build everything; leaves raced and cometbft in target/bin
	. ./$(BUILD_ENV) && $(CARGO) build --locked --workspace --bins
	@install -m 755 "$(CARGO_OUT)/raced" $(BIN)/raced
	@echo "built $(BIN)/raced and $(COMETBFT)"

.PHONY: demo
demo: build ## build, run a user's whole story on a four-node local network, stop everything
	$(BIN)/raced demo

.PHONY: localnet
localnet: build ## build, run a local network until Ctrl-C (NODES=4)
	$(BIN)/raced localnet --nodes $(NODES) --home target/localnet

.PHONY: clients
clients: toolchains test-tools ## pack the client packages for JavaScript and Python into target/clients
	clients/setup.sh
	clients/pack.sh target/clients
	@ls target/clients/*.tgz target/clients/*.whl

.PHONY: test-tools
test-tools:
	@{ command -v npm && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; } >/dev/null 2>&1 || \
		{ echo "missing: node 20 or newer with npm; get it: https://nodejs.org" >&2; exit 1; }

.PHONY: test
test: libclang test-tools $(COMETBFT) $(SKEWED) ## formatting, lints, and all tests, real CometBFT included
	$(CARGO) fmt --all --check
	@deploy/chromium.sh
	randomness/light/check.sh
	cd deploy/cometbft && go test ./limits
	cd deploy/load && go test ./...
	deploy/check.sh
	clients/check.sh
	. ./$(BUILD_ENV) && $(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	. ./$(BUILD_ENV) && RACED_COMETBFT="$(CURDIR)/$(COMETBFT)" $(CARGO) test --locked --workspace --doc
	. ./$(BUILD_ENV) && RACED_COMETBFT="$(CURDIR)/$(COMETBFT)" COMETBFT_SKEWED="$(CURDIR)/$(SKEWED)" \
		$(CARGO) test --locked --workspace --lib --bins --tests --no-fail-fast

SOAK_MINUTES ?= 60
SOAK_NODES ?= 7
# FAULT_SEED repeats the order of a seed that was printed.
.PHONY: soak
soak: libclang $(COMETBFT) $(SKEWED) ## random faults for an hour on seven nodes (SOAK_MINUTES, SOAK_NODES)
	. ./$(BUILD_ENV) && COMETBFT_SKEWED="$(CURDIR)/$(SKEWED)" FAULT_SECONDS=$$(($(SOAK_MINUTES) * 60)) \
		FAULT_NODES=$(SOAK_NODES) FAULT_LONGEST_MS=40000 \
		$(CARGO) test --locked --workspace --test a_network_survives_random_faults -- --nocapture

# CometBFT's load tool with this chain's transfers.
LOADER := $(BIN)/race-load
$(LOADER): $(wildcard deploy/load/*.go) deploy/load/go.mod deploy/load/go.sum deploy/check-toolchains.sh
	@deploy/check-toolchains.sh
	@mkdir -p $(BIN)
	cd deploy/load && CGO_ENABLED=0 go build -trimpath -o ../../$@ .

.PHONY: load
load: build $(LOADER) ## transfers of 1 KB on a local network (LOAD_NODES=1 RATE=1000 SECONDS=60): rate, latency, memory, disk
	@. ./$(BUILD_ENV) && $(CARGO) build --locked --quiet --workspace --example load
	@"$(CARGO_OUT)/examples/load" \
		$(or $(LOAD_NODES),1) $(or $(RATE),1000) $(or $(SECONDS),60) $(LOADER) $(BIN)/raced

.PHONY: sync
sync: build ## a node joins a network of many accounts by state sync (ACCOUNTS=100000): time, memory, disk
	@BENCH_ONLY=state-sync BENCH_ACCOUNTS=$(or $(ACCOUNTS),100000) deploy/bench.sh $(BIN)/raced target/bench

.PHONY: bench
bench: build $(LOADER) ## every benchmark, as a table and as JSON in target/bench
	@deploy/bench.sh $(BIN)/raced target/bench

.PHONY: clean
clean: ## remove all that was built
	rm -rf target
