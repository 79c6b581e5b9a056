# The jobs of this repository. `make` lists them. Needed: Python 3.11 or newer, make, git.
# Another interpreter: make PYTHON=python3.13 …     More for pytest: make test TESTS='-k booted'

PYTHON ?= python3
export PYTHON

# One test process per core.
TESTS ?= -n auto

# Which benchmarks run, and where the figures go.
BENCH ?= --json build/benchmarks.json

.PHONY: help report test check bench fix golden lock sbom clean run-environment dev-environment
.DEFAULT_GOAL := help

help: ## Print this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

report: run-environment ## Write the reports of the shipped studies to reports/ (the main job).
	.venv/bin/matrix report

test: dev-environment ## Run the tests.
	.venv/bin/python -m pytest $(TESTS)

check: dev-environment ## Check format, lint, types, import contracts, spelling, and that reports/ is fresh.
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache
	.venv/bin/codespell
	.venv/bin/matrix report --check

bench: dev-environment ## Measure, as ratios against baselines of the same run; BENCH="validate --json FILE".
	env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -m benchmarks $(BENCH)

fix: dev-environment ## Format, and mend what the linter can mend.
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

golden: dev-environment ## Write tests/golden anew from what the tests produce; then read the change.
	.venv/bin/python -m pytest -q --update-golden

lock: ## Write requirements/*.txt anew from pyproject.toml (asks the package index).
	requirements/lock.sh

sbom: run-environment ## List what an installed matrix consists of, as dist/sbom.json (CycloneDX).
	mkdir -p dist
	python=$$(mktemp -d) && $(PYTHON) -m venv $$python && \
	$$python/bin/python -m pip install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0 && \
	$$python/bin/cyclonedx-py environment --output-reproducible --pyproject pyproject.toml \
	  --output-file dist/sbom.json .venv/bin/python && rm -r $$python

clean: ## Remove the environment, caches and build folders.
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Quick when .venv is already made from this lock; see requirements/install.sh.
run-environment:
	@requirements/install.sh run

dev-environment:
	@requirements/install.sh dev
