# `make help` lists what there is. Everything that is needed beyond Rust, Go and make is installed or built on the way.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo demo-down test test-fast test-traces test-shells fuzz e2e e2e-chart e2e-families bench bench-quick bench-attack bench-memory bench-document bench-review bench-guard bench-guard-update lint vet fmt build image generate devcluster deny sbom reproducible clean

HOST := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')
BINARY := target/$(HOST)/release/sidecarset
IMAGE := docker.io/library/sidecarset:dev
IMAGE_FILE := target/image/sidecarset.tar
IMAGE_TOOL := target/image/tool
# The version of the clusters, where it is not the one in devcluster/go.mod: `make e2e KUBERNETES=1.34.4`.
KUBERNETES ?=
export KUBERNETES
DEVCLUSTER := devcluster/bin$(if $(KUBERNETES),/v$(KUBERNETES))/devcluster
CARGO_DENY_VERSION := 0.20.2
CARGO_CYCLONEDX_VERSION := 0.5.9

help: ## Lists the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: image devcluster ## Shows the guide happen on a real cluster, and leaves the cluster up
	scripts/demo.sh

demo-down: ## Removes the cluster of the demo
	@if [[ -x $(DEVCLUSTER) ]]; then scripts/demo.sh down; else echo "There is no cluster: nothing was built yet."; fi

test: image devcluster ## Runs every test, the ones on a real cluster included
	scripts/test.sh

test-fast: ## Runs the tests that need no cluster
	cargo test --locked

test-traces: ## Runs the tests of the build that sends traces
	cargo test --locked --features sidecarset/otel --test operator

test-shells: ## Runs the tests of the completion for zsh and fish, which have to be installed
	cargo test --locked --workspace --test cli -- --ignored completion

FUZZ_CASES ?= 2000

fuzz: ## Feeds everything that reads from outside with arbitrary input, for some minutes: FUZZ_CASES=2000
	FUZZ_CASES=$(FUZZ_CASES) timeout 30m cargo test --locked --test core --test webhook -- fuzz

vet: ## Vets devcluster; it reads all of Kubernetes, which takes ten minutes the first time
	cd devcluster && CGO_ENABLED=0 go vet -trimpath ./...
	cd devcluster/helm && CGO_ENABLED=0 go vet -trimpath ./...

e2e: image devcluster ## Runs only the tests on a real cluster; KUBERNETES=1.34.4 on one of that version
	scripts/test.sh e2e

e2e-chart: image devcluster ## Runs only the tests of the chart on a real cluster
	scripts/test.sh chart

e2e-families: image devcluster ## Runs only the tests of IPv6, on real clusters
	scripts/test.sh families

BENCH := target/$(HOST)/release/sidecarset-bench
BENCH_RESULTS := target/bench/results.json
BENCH_ARGUMENTS := --operator $(BINARY) --kubernetes "$$(sed -n 's/^\tk8s.io\/kubernetes //p' devcluster/go.mod)"
# The operator and its benchmarks are built together, so that both have the same dependencies.
BUILD_BENCH = CARGO_ENCODED_RUSTFLAGS="$$(scripts/rustflags.sh)" cargo build --locked --release --target $(HOST) --package sidecarset --package sidecarset-bench --bins

bench: devcluster ## Measures everything, in less than half an hour, and prints the tables (Linux)
	$(BUILD_BENCH)
	$(BENCH) run $(BENCH_ARGUMENTS) --output $(BENCH_RESULTS)

bench-quick: devcluster ## Measures less, in less than three minutes
	$(BUILD_BENCH)
	$(BENCH) run --quick $(BENCH_ARGUMENTS) --output target/bench/quick.json

bench-attack: devcluster ## Attacks the operator on a cluster for ten minutes while Pods are created; SECONDS=60 for a shorter time
	$(BUILD_BENCH)
	$(BENCH) attack --operator $(BINARY) --seconds $(or $(SECONDS),600)

bench-memory: ## Measures what memory a review takes at its peak, for each handler and each kind of body
	cargo test --locked --workspace --test memory -- --nocapture

bench-document: ## Puts the tables and charts of the last `make bench` into docs/performance.md
	$(BENCH) document $(BENCH_RESULTS) docs/performance.md

# Built as the product is, so that the dependencies are not compiled again.
bench-review: ## Measures what the review of a Pod costs, stage by stage, with allocations
	CARGO_ENCODED_RUSTFLAGS="$$(scripts/rustflags.sh)" cargo bench --locked --package sidecarset-bench --target $(HOST) --bench review

bench-guard: ## Compares instructions and allocations of the core with what was recorded, in a minute or two
	scripts/bench-guard.sh

bench-guard-update: ## Records instructions and allocations of the core anew, on purpose
	scripts/bench-guard.sh update

lint: ## Checks format, lints, documentation, and the order of crates and modules
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked --workspace --features sidecarset/otel --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
	cargo xtask tidy
	cd devcluster && test -z "$$(gofmt -l .)"

deny: ## Checks licences, bans and sources of the dependencies, and advisories where they can be reached
	scripts/deny.sh $(CARGO_DENY_VERSION)

sbom: image ## Writes the bill of materials of the binary and of the image beside the image, and validates both
	scripts/sbom.sh $(CARGO_CYCLONEDX_VERSION) $(HOST) $(BINARY) $(IMAGE_FILE)

reproducible: ## Builds the image twice, in different places, and compares the two: two builds from nothing
	scripts/reproducible.sh

fmt: ## Formats the code
	cargo fmt --all
	cd devcluster && gofmt -w .

# A static binary: it runs on an empty image.
build: ## Builds the operator as a static binary
	@command -v cargo >/dev/null || { echo "Rust is missing: install it (1.95 or newer) and run make again." >&2; exit 1; }
	@echo "Building the operator (a few minutes the first time)."
	CARGO_ENCODED_RUSTFLAGS="$$(scripts/rustflags.sh)" cargo build --locked --release --target $(HOST) --bin sidecarset

PREFIX ?= /usr/local
DESTDIR ?=
INSTALLED := $(DESTDIR)$(PREFIX)

install: build ## Installs the program, also as a plugin of kubectl, and its completions: PREFIX=/usr/local
	install -d "$(INSTALLED)/bin" "$(INSTALLED)/share/bash-completion/completions" "$(INSTALLED)/share/zsh/site-functions" "$(INSTALLED)/share/fish/vendor_completions.d"
	install -m 755 $(BINARY) "$(INSTALLED)/bin/sidecarset"
	ln -sf sidecarset "$(INSTALLED)/bin/kubectl-sidecarset"
	ln -sf sidecarset "$(INSTALLED)/bin/kubectl_complete-sidecarset"
	$(BINARY) completion bash > "$(INSTALLED)/share/bash-completion/completions/sidecarset"
	$(BINARY) completion zsh > "$(INSTALLED)/share/zsh/site-functions/_sidecarset"
	$(BINARY) completion fish > "$(INSTALLED)/share/fish/vendor_completions.d/sidecarset.fish"

# Made by a part of devcluster that needs nothing of Kubernetes, so that it takes seconds to build.
image: build ## Builds the operator's image, without a Docker engine
	@command -v go >/dev/null || { echo "Go is missing: install it (1.26 or newer) and run make again." >&2; exit 1; }
	CGO_ENABLED=0 go -C devcluster build -buildvcs=false -trimpath -o $(CURDIR)/$(IMAGE_TOOL) ./cmd/image
	$(IMAGE_TOOL) image --tag $(IMAGE) --file $(BINARY):/sidecarset:755 --user 65532:65532 --entrypoint /sidecarset --output $(IMAGE_FILE)

generate: ## Writes the generated files anew
	cargo run --locked --quiet --bin sidecarset -- crd > deploy/crd.yaml.new
	mv deploy/crd.yaml.new deploy/crd.yaml
	cp deploy/crd.yaml deploy/chart/files/crd.yaml
	UPDATE_DOCS=1 cargo test --locked --quiet --test cli the_reference
	cargo run --locked --quiet --bin sidecarset -- reference > docs/cli.md.new
	mv docs/cli.md.new docs/cli.md
	CGO_ENABLED=0 go -C devcluster/helm test -trimpath -vet=off -run '^(TestThePlainManifest|TestTheDocumentation)' . -args -update

devcluster: ## Builds the program that runs a real Kubernetes on this machine
	@command -v go >/dev/null || { echo "Go is missing: install it (1.26 or newer) and run make again." >&2; exit 1; }
	devcluster/build.sh

clean: ## Removes what was built
	cargo clean
	rm -rf devcluster/bin
