# `make` alone shows the targets. All of them are safe to repeat.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Daemons and runtimes live in sbin; rustup's cargo may not be on the PATH of sudo.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin:$(HOME)/.cargo/bin

# release, quick or dev
PROFILE ?= release
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
PROFILE_DIR := $(TARGET_DIR)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
# A first look needs no optimised build, unless one is asked for.
DEMO_PROFILE := $(if $(filter file,$(origin PROFILE)),quick,$(PROFILE))
DEMO_DIR := $(TARGET_DIR)/$(if $(filter dev,$(DEMO_PROFILE)),debug,$(DEMO_PROFILE))
VENV := target/venv
VENV_EXPORTS := target/venv-exports
VENV_PYTHON := target/venv-python
# Capture needs root; nothing else does.
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

define say
@printf '\n==> %s\n' "$(1)"
endef

.PHONY: help setup build wheel demo page-tools test test-all bench venv static test-kernels test-systemd test-arm64 test-image deb test-manifests clean

help: ## show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

setup: ## install what the build needs (Debian and Ubuntu; apt-get, with sudo if not root)
	@scripts/setup.sh build

build: ## build obit-capture and obit-replay; never needs root (PROFILE=dev for a quick one)
	cargo build --locked --profile $(PROFILE)
	@echo "built $(PROFILE_DIR)/obit-capture and $(PROFILE_DIR)/obit-replay"

wheel: $(VENV_PYTHON)/ready ## build the Python package obit as a wheel for this machine's processor, in target/wheels
	PATH="$(CURDIR)/$(VENV_PYTHON)/bin:$$PATH" maturin build --locked --release --manifest-path python/Cargo.toml --out target/wheels

demo: ## install, build, record a built-in workload, replay it and show the rows
	$(call say,1/4 what the build needs)
	@scripts/setup.sh build
	$(call say,2/4 building ($(DEMO_PROFILE)))
	@$(MAKE) build PROFILE=$(DEMO_PROFILE)
	@mkdir -p target/demo; \
	case_dir="target/demo/$$(date -u +%Y%m%dT%H%M%SZ)-$$$$"; \
	printf '\n==> 3/4 recording a built-in workload into %s%s\n' "$$case_dir" "$(if $(SUDO), (capture needs root: using sudo),)"; \
	$(SUDO) $(DEMO_DIR)/obit-capture demo --output "$$case_dir"; \
	$(if $(SUDO),$(SUDO) chown -R "$$(id -u):$$(id -g)" "$$case_dir";,) \
	printf '\n==> 4/4 replaying it: does the recording alone lead to the same rows?\n'; \
	$(DEMO_DIR)/obit-replay verify "$$case_dir"; \
	$(DEMO_DIR)/obit-replay derive "$$case_dir"; \
	$(DEMO_DIR)/obit-replay report "$$case_dir" --output "$$case_dir.html"; \
	printf '\nThe case stays in %s, its page for a browser in %s.html. What to try next:\n' "$$case_dir" "$$case_dir"; \
	printf '  %-72s %s\n' \
	  "$(DEMO_DIR)/obit-replay info $$case_dir" "# what the case holds" \
	  "$(DEMO_DIR)/obit-replay explain fixtures/cases/docker-hybrid/case 6b01a849852c" "# why and how a container ended" \
	  "$(strip $(SUDO) $(DEMO_DIR)/obit-capture check)" "# what works on this host" \
	  "make build" "# build optimised, then record this host: see the tour in README.md"

venv: $(VENV)/ready $(VENV_EXPORTS)/ready $(VENV_PYTHON)/ready ## the Python environments of the tests, in target/venv, target/venv-exports and target/venv-python
$(VENV)/ready: tests/analysis/requirements.txt
	python3 -m venv --clear $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r tests/analysis/requirements.txt
	@touch $@
$(VENV_EXPORTS)/ready: tests/exports/requirements.txt
	python3 -m venv --clear $(VENV_EXPORTS)
	$(VENV_EXPORTS)/bin/pip install --quiet --disable-pip-version-check --no-deps -r tests/exports/requirements.txt
	@touch $@
$(VENV_PYTHON)/ready: tests/python/requirements.txt
	python3 -m venv --clear $(VENV_PYTHON)
	$(VENV_PYTHON)/bin/pip install --quiet --disable-pip-version-check --no-deps -r tests/python/requirements.txt
	@touch $@

page-tools: tests/page/node_modules/.package-lock.json ## what the tests of the report's page use, in tests/page/node_modules
tests/page/node_modules/.package-lock.json: tests/page/package-lock.json
	npm ci --prefix tests/page --ignore-scripts --no-audit --no-fund
	@touch $@

test: ## install what the tests need and run every check; the live tests need root
	$(call say,what the tests need)
	@scripts/setup.sh test
	$(call say,the Python environment with DuckDB and pandas)
	@$(MAKE) venv
	$(call say,the tools that look at the page of a report)
	@$(MAKE) page-tools
	@scripts/test.sh

test-all: ## everything that `make test` does, with other random lives, more of them and under forced loss, longer attacks, and more kills and power cuts
	@OBIT_MUTATIONS=10000 OBIT_TRUTH_SEED=new OBIT_TRUTH_LIVES=600 OBIT_TRUTH_LOSS=1 OBIT_POWER_CUTS=5000 OBIT_KILLS=100 OBIT_ATTACK_SECONDS=60 $(MAKE) test

bench: ## measure everything, in half an hour, into benches/RESULTS.md (FULL=1: in ninety minutes; ONLY="replay storm"); best as root
	@scripts/setup.sh bench
	@$(MAKE) venv
	@scripts/bench.sh

static: ## build both programs as single files that need nothing, in target/static
	@scripts/setup.sh build
	@packaging/static.sh
	@$(if $(SUDO),sudo -n true 2>/dev/null || exit 0; sudo -n,) packaging/static-check.sh

test-kernels: ## boot Debian's kernels under qemu, record there, replay here: minutes, downloads 0.3 GB once
	@scripts/setup.sh kernels
	@$(MAKE) venv
	@packaging/static.sh
	@tests/kernels/run.sh $(GUESTS)

deb: ## a Debian package of both programs in target, installed and removed again in a throw-away layer
	@scripts/setup.sh deb
	@packaging/static.sh
	@packaging/build-deb.sh
	@$(if $(SUDO),sudo -n true 2>/dev/null || exit 0; sudo -n,) packaging/deb/test.sh

test-systemd: ## boot a Debian with systemd, containerd, docker and podman under qemu, record there, replay here: minutes, 0.3 GB once
	@scripts/setup.sh systemd
	@packaging/static.sh
	@packaging/build-deb.sh
	@$(SUDO) tests/systemd/run.sh

test-arm64: ## cross-build for arm64, record the demo on Debian's arm64 kernel under qemu, replay here (PROFILE=dev for a quick build)
	@scripts/setup.sh arm64
	@packaging/static-arm64.sh
	@packaging/static.sh
	@tests/kernels/arm64.sh

test-image: ## build the container image around the static programs and record this host's containers with it (root)
	@scripts/setup.sh test
	@packaging/static.sh
	@$(SUDO) packaging/container/test.sh

test-manifests: ## check the Kubernetes manifest against the API's own schema
	@test -x target/venv-manifests/bin/kubernetes-validate || { python3 -m venv target/venv-manifests && \
		target/venv-manifests/bin/pip install --quiet --disable-pip-version-check kubernetes-validate==1.37.0; }
	@for version in 1.30 1.37; do \
		target/venv-manifests/bin/kubernetes-validate --strict -k $$version packaging/kubernetes/daemonset.yaml; done

clean: ## remove what was built, the demo cases included
	cargo clean
