# make setup         everything that the targets below need, in .venv
# make test          the tool's own tests: ruff, mypy, pytest
# make conformance   all vectors on HOST ("wasmtime", or several: HOST="wasmtime@48 jco"), reports in out/
# make vacuity       whether the vectors would notice wrong answers, by the results of `make conformance`
# make matrix        the compatibility matrix of the published hosts, or of HOST, in out/matrix: see docs/matrix.md
# make publish       the same, as reports/published: results and site
# make readme        the coverage table in README.md, from the vectors as they are
# make bench         what the harness adds to the time of the hosts
# make clean         what the targets above made, but for downloads in the user's cache

# What `make matrix` runs unless HOST says otherwise: the hosts of the published matrix.
PUBLISHED := wasmtime@46 wasmtime@47 wasmtime@48 wasmtime@49 jco@0.6.1 jco@0.7.0
ifeq ($(origin HOST),undefined)
  HOST := wasmtime
  COLUMNS := $(PUBLISHED)
else
  COLUMNS := $(HOST)
endif
VENV := .venv
OUT := out
BIN := $(VENV)/bin
# The first Python that is new enough; looked for only when it is needed.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
STAMP := $(VENV)/.setup

.DEFAULT_GOAL := help
.PHONY: help setup test conformance vacuity matrix publish readme bench clean

help:
	@sed -n '1,/^$$/s/^# //p' Makefile

setup: $(STAMP)

$(STAMP): pyproject.toml runners/wasmtime/runner.toml runners/wasmtime/releases.toml
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or newer is needed; name one: make setup PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@# The user's own wasmtime, or else a release from the package index, which this fetches into the cache.
	$(BIN)/python -c 'from wasicheck.session import find_host; h = find_host("wasmtime"); print(f"{h.label} from {h.origin}: {h.binary}")'
	@touch $@

test: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest tests -ra -n auto --dist worksteal

conformance: setup
	$(BIN)/wasicheck run $(foreach host,$(HOST),--host $(host)) \
		--json $(OUT)/results.jsonl --junit $(OUT)/junit.xml --markdown $(OUT)/summary.md

vacuity: setup
	@test -f $(OUT)/results.jsonl || { echo "make: there are no results in $(OUT): make conformance" >&2; exit 1; }
	$(BIN)/wasicheck check vectors --vacuity $(OUT)/results.jsonl

# One run for each host, kept in out/runs: a host that is there already is not run again.
RUNS = $(foreach host,$(COLUMNS),$(OUT)/runs/$(subst /,-,$(host)).jsonl.gz)

matrix: setup
	@mkdir -p $(OUT)/runs
	@set -e; for host in $(COLUMNS); do \
		file=$(OUT)/runs/$$(printf %s "$$host" | tr / -); \
		if [ -f "$$file.jsonl.gz" ]; then echo "$$file.jsonl.gz is there: remove it to run $$host again"; continue; fi; \
		status=0; $(BIN)/wasicheck run $(SELECT) --host "$$host" --json "$$file.part.gz" || status=$$?; \
		case $$status in 0|1|10) mv "$$file.part.gz" "$$file.jsonl.gz";; *) exit $$status;; esac; \
	done
	$(BIN)/wasicheck matrix $(RUNS) --out $(OUT)/matrix

publish: matrix
	rm -rf reports/published
	mkdir -p reports/published/results
	cp $(RUNS) reports/published/results
	$(BIN)/wasicheck matrix $(RUNS) --out reports/published/site

readme: setup
	@# Status 1 is about the vectors, and the table is written all the same.
	$(BIN)/wasicheck check coverage --update README.md >/dev/null || test $$? = 1

bench: setup
	$(BIN)/python bench/overhead.py

clean:
	rm -rf $(VENV) $(OUT) dist .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
