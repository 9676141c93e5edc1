# Everything a person does with a checkout. `make` lists it.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
READY := $(VENV)/.ready
UV := $(shell command -v uv)
PIP = $(1)/bin/python -m pip install --quiet --disable-pip-version-check
INSTALL_IN = $(if $(UV),uv pip install --quiet --python $(1)/bin/python,$(PIP)) --constraint constraints.txt
INSTALL := $(call INSTALL_IN,$(VENV))

.PHONY: help demo test test-explore test-asterisk test-spark lint format docs site notebooks bench office-hour samples dist clean

help: ## List what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(RUNTIME): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "arirecord needs Python 3.11 or newer: make PYTHON=python3.11")'
	@$(BIN)/python -c "" 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	$(INSTALL) --editable .
	@touch $@

$(READY): $(RUNTIME)
	@$(if $(UV),:,$(call PIP,$(VENV)) --upgrade 'pip>=25.1') # the first pip that knows --group
	$(INSTALL) --editable . --group dev
	@touch $@

demo: $(RUNTIME) ## Replay a bundled recording, capture it, measure it
	$(BIN)/arirecord demo

test: $(READY) ## Run all tests (ARGS="-m quick": a minute; ARGS="-k word": some)
	$(BIN)/python -m pytest $(ARGS)

test-explore: $(READY) ## Search for faults with fresh random examples (SEED=N repeats a search)
	@seed=$${SEED:-$$($(BIN)/python -c 'import secrets; print(secrets.randbits(32))')}; \
	echo "Repeat this search with: make test-explore SEED=$$seed"; \
	$(BIN)/python -m pytest -m hypothesis --hypothesis-profile explore --hypothesis-seed $$seed $(ARGS)

test-asterisk: $(READY) ## Install a real Asterisk into a folder and test against it (Debian, root)
	ARIRECORD_TEST_ASTERISK=1 $(BIN)/python -m pytest tests/real_asterisk -n 0 $(ARGS)

test-spark: $(READY) ## Run the tests on Apache Spark (Java 17), Sail and ClickHouse
	$(INSTALL) --editable '.[spark]' --group dev --group engines
	ARIRECORD_TEST_SPARK=1 $(BIN)/python -m pytest tests/spark -n 0 $(ARGS)

lint: $(READY) ## Check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m tests.sql_style

format: $(READY) ## Put style right
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(READY) ## Generate the reference pages again: docs/cli.md, python.md, metrics.md
	$(BIN)/python -m tests.reference

site: $(READY) ## Build all pages as a site in .site/, which needs no server
	$(BIN)/python -m tests.site .site

notebooks: $(READY) ## Run the notebooks and store their outputs (ARGS="02 06" for some; needs Chromium)
	$(BIN)/python -m tests.notebooks $(ARGS)

bench: $(READY) ## Measure everything beside its rivals and write docs/performance.md (ARGS=--full: all sizes)
	$(BIN)/python -m benchmarks.run $(ARGS)

office-hour: $(READY) ## Record the sample of an hour again, which takes an hour (Debian, root)
	$(BIN)/python -m tests.real_asterisk.office.hour sample_data/office_hour.parquet

samples: $(READY) ## Make sample_data again from recordings: make samples CAPTURES=DIR
	$(BIN)/python sample_data/make_samples.py $(CAPTURES)

dist: $(READY) ## Build wheel and sdist in dist/; install each into an empty environment and run its demo
	rm -rf dist
	$(BIN)/python -m hatchling build -d dist
	set -e; for built in dist/*.whl dist/*.tar.gz; do \
	  $(BIN)/python -m venv --clear $(VENV)/.dist; \
	  $(call INSTALL_IN,$(VENV)/.dist) $$built; \
	  (cd / && "$(CURDIR)"/$(VENV)/.dist/bin/arirecord --version && "$(CURDIR)"/$(VENV)/.dist/bin/arirecord demo --quiet >/dev/null); \
	  echo "$$built can be installed and run"; \
	done
	rm -rf $(VENV)/.dist

clean: ## Remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
