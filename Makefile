# `make` shows what there is. Everything runs in .venv, made from the locked requirements.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PORT ?= 8080

.PHONY: help
help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/^([a-z-]+):.*## /\1\t/' | while IFS=$$'\t' read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

.PHONY: setup
setup: $(READY) ## Make .venv with everything the other targets need

$(READY): requirements.txt
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.PHONY: demo
demo: $(READY) ## Train on generated data, publish, serve on 127.0.0.1:8080 (PORT=…), show a prediction
	$(BIN)/python examples/demo.py --port $(PORT)

# Tests start hundreds of processes: what one of them has compiled, the others read.
.PHONY: test
test: $(READY) ## Run the tests
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest

.PHONY: check
check: $(READY) ## Check format, lint, types and the import contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: $(READY) ## Format the code and mend what lint can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(READY) ## Measure: training and serving, each beside a peer
	$(BIN)/python -m benchmarks.recovery
	$(BIN)/python -m benchmarks.silhouette
	$(BIN)/python -m benchmarks.sweep
	$(BIN)/python -m benchmarks.olist_training
	$(BIN)/python -m benchmarks.raw_orders
	$(BIN)/python -m benchmarks.assign_at_scale
	$(BIN)/python -m benchmarks.events_at_scale
	$(BIN)/python -m benchmarks.comparison
	$(BIN)/python -m benchmarks.serving
	$(BIN)/python -m benchmarks.footprint
	$(BIN)/python -m benchmarks.soak
	$(BIN)/python -m benchmarks.reload
	$(BIN)/python -m benchmarks.drift
	$(BIN)/python -m benchmarks.maintenance
	$(BIN)/python -m benchmarks.scenario
	$(BIN)/python -m benchmarks.experiments
	$(BIN)/python -m benchmarks.export
	$(BIN)/python -m benchmarks.containers

.PHONY: soak
soak: $(READY) ## Half a minute of load and everything that happens to a service; fails if a request does, or memory grows
	$(BIN)/python -m benchmarks.soak --quick

.PHONY: lock
lock: $(READY) ## Write requirements.txt anew from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes --no-annotate --quiet --custom-compile-command 'make lock' --output-file requirements.txt
	echo 'checkov>=3.3' | $(BIN)/uv pip compile - --universal --python-version 3.11 --generate-hashes --no-annotate --quiet --custom-compile-command 'make lock' --output-file tests/kubernetes/checkov.txt
	@$(MAKE) --no-print-directory lock-images

CHECKOV := .venv-checkov
.PHONY: checkov
checkov: $(CHECKOV)/.ready ## Install checkov, which tests of k8s/ ask, in an environment of its own: it wants an old boto3

$(CHECKOV)/.ready: tests/kubernetes/checkov.txt $(READY)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(CHECKOV)
	$(BIN)/uv pip install --quiet --python $(CHECKOV)/bin/python --require-hashes --requirement tests/kubernetes/checkov.txt
	@touch $@

# What an image holds, out of the same lock; that of training is also the one that campaigns run in.
IMAGE_LOCK = $(BIN)/uv pip compile pyproject.toml --constraint requirements.txt --universal --python-version 3.11 --generate-hashes --no-annotate --quiet --custom-compile-command 'make lock'
.PHONY: lock-images
lock-images: $(READY)
	$(IMAGE_LOCK) --extra service --output-file docker/service-requirements.txt
	$(IMAGE_LOCK) --extra training --extra campaigns --output-file docker/training-requirements.txt

.PHONY: images
images: ## Build the images of service and training, with docker or buildah (TAG=…, BASE=…)
	docker/build.sh

.PHONY: ci-deps
ci-deps: ## Install what a bare Debian machine lacks for the other targets (as root)
	@if ! $(PYTHON) -c 'import ensurepip' 2>/dev/null; then apt-get update -qq && apt-get install -y -qq --no-install-recommends python3.11 python3.11-venv; fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	@if [[ $$(id -u) -eq 0 ]]; then .ci/install-kubectl; fi
	@for program in $(CI_PROGRAMS); do PATH=$$PATH:/usr/sbin command -v $$program >/dev/null || missing+=" $$program"; done; \
	compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || command -v postgres >/dev/null || missing+=' postgres'; \
	if [[ -z $${missing:-} ]]; then exit 0; fi; \
	if [[ $$(id -u) -ne 0 ]]; then echo "not here, and only root may install them:$$missing; their tests will be skipped, or fail where CI=true" >&2; exit 0; fi; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(CI_PACKAGES)

# What tests start, and Debian's packages that it is in; one line each for S3, browser, monitoring, database (whose own
# programs are not on the path) and containers.
CI_PROGRAMS := ceph ceph-mon ceph-osd radosgw \
  chromium \
  prometheus prometheus-alertmanager prometheus-pushgateway \
  buildah podman runc catatonit debootstrap newuidmap slirp4netns docker-compose haproxy
CI_PACKAGES := ceph-mon ceph-osd radosgw ceph-common \
  chromium \
  prometheus prometheus-alertmanager prometheus-pushgateway \
  postgresql \
  buildah podman runc catatonit debootstrap uidmap slirp4netns docker-compose haproxy

.PHONY: clean
clean: ## Remove what the other targets made
	rm -rf $(VENV) $(CHECKOV) demo-registry .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
