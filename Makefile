# Everything a user or a developer runs. `make help` lists it.

PYTHON ?= python3
VENV ?= .venv
DATA_DIR ?= .patchbay
API_PORT ?= 8080
MINUTES ?= 3
QUICK ?=
EMMETT := tests/benchmarks/peers/emmett

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run demo test secured chaos check format schemas fuzz bench lock sbom deploy-tools install install-dev install-bench

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "  make %-12s %s\n", $$1, $$2 }'
	@echo
	@echo "  make run DATA_DIR=/srv/patchbay API_PORT=9000    (defaults: $(DATA_DIR), $(API_PORT))"
	@echo "  make test PYTHON=python3.13                      (any Python from 3.11 on)"

run: install ## Install, start Kafka, Postgres and all services, say when it is ready; Ctrl-C stops it
	@exec $(BIN)/patchbay up --data-dir "$(DATA_DIR)" --api-port "$(API_PORT)"

demo: install ## Walk through the four calls against what `make run` started
	@exec $(BIN)/patchbay demo --data-dir "$(DATA_DIR)"

test: install-dev ## Run all tests, on a real Kafka and a real Postgres
	@$(BIN)/python -m tests $(ARGS)

secured: install-dev ## Run the tests of guarantees with TLS, a login for each process, and least rights
	@$(BIN)/python -m pytest tests/system/guarantees --secured $(ARGS)

chaos: install-dev ## Kill, freeze and cut everything for MINUTES (3), and hold what clients saw against the log
	@$(BIN)/python -m tests.chaos --minutes $(MINUTES) $(ARGS)

check: install-dev ## Check format, lint, types and import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/mypy tests
	@$(BIN)/lint-imports

format: install-dev ## Format the code and sort its imports
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --select I --fix .

schemas: install-dev ## Write schemas/events and docs/openapi.yaml anew from the types
	@$(BIN)/python schemas/generate.py

fuzz: install-dev ## Make 20,000 requests from docs/openapi.yaml against a service of its own
	@$(BIN)/python -m tests.fuzzing $(ARGS)

bench: install-bench ## Measure against a plain CRUD service and others, in the same run; QUICK=1: in minutes
	@QUICK=$(QUICK) $(BIN)/python -m tests.benchmarks $(ARGS)

lock: install-dev ## Resolve requirements/*.txt anew from pyproject.toml (and with ARGS=--upgrade, to newer versions)
	@$(BIN)/python requirements/relock.py $(ARGS)

sbom: install-dev ## Write sbom.cdx.json: what the locked packages are, with their licences (CycloneDX)
	@$(BIN)/python requirements/sbom.py >sbom.cdx.json

deploy-tools: ## Build helm and promtool, with Go 1.26 or later, for the tests of deploy/
	@deploy/tools/build

install: $(VENV)/.runtime
install-dev: $(VENV)/.dev

# An installation is done again only when a lock file changed.
$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(VENV)/.created
	@echo "Installing Python packages into $(VENV)"
	@$(PIP) install --require-hashes -r requirements/runtime.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@echo "Installing development tools into $(VENV)"
	@$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

install-bench: $(VENV)/.bench $(EMMETT)/node_modules/.package-lock.json

# A peer that runs on Node.js: left out where there is no npm.
$(EMMETT)/node_modules/.package-lock.json: $(EMMETT)/package-lock.json
	@if command -v npm >/dev/null; then echo "Installing the peer on Node.js"; \
	  cd $(EMMETT) && npm ci --ignore-scripts --no-audit --no-fund --silent && touch node_modules/.package-lock.json; \
	  else echo "There is no npm here: the peer on Node.js is left out"; fi

$(VENV)/.bench: requirements/bench.txt $(VENV)/.dev
	@echo "Installing what the benchmarks' peers are made of into $(VENV)"
	@$(PIP) install --quiet --require-hashes -r requirements/bench.txt
	@touch $@

$(VENV)/.created:
	@command -v "$(PYTHON)" >/dev/null || \
	  { echo "There is no $(PYTHON) here: install Python 3.11 or later, or say which one: make PYTHON=/path/to/python" >&2; exit 2; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Patchbay needs Python 3.11 or later, $(PYTHON) is $$("$(PYTHON)" -V 2>&1): make PYTHON=python3.x" >&2; exit 2; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments: install its venv package (Debian, Ubuntu: apt install python3-venv)" >&2; exit 2; }
	@"$(PYTHON)" -m venv "$(VENV)"
	@touch $@
