# One entrance for people and for CI. `make` alone lists what there is.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(firstword $(shell command -v python3.11) $(shell command -v python3))
BIN := .venv/bin
STAMP := .venv/.installed
PIP = $(BIN)/pip install --quiet --disable-pip-version-check
UV = $(BIN)/uv pip install --quiet --python $(BIN)/python
WORKERS ?= 2
ARGS ?=
# npm writes the file when it has installed everything; a newer lock installs again.
WEB_TOOLS = test ! tools/web/package-lock.json -nt tools/web/node_modules/.package-lock.json || npm --prefix tools/web ci --silent

.PHONY: help setup demo serve test check check-web format translations bench screenshots lock vendor clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Create .venv with the locked packages and the project in it

# The stamp is written last, so an interrupted installation is taken up again; a newer lock file installs again.
# uv, which pip fetches by its hash as well, takes a sixth of pip's time; it does not read pip's own settings, so where it
# can't reach the packages pip does the rest. Both refuse a package with another hash.
$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Say which with: make setup PYTHON=..." >&2; exit 1; }
	@test -x $(BIN)/pip || "$(PYTHON)" -m venv --clear .venv \
		|| { echo "Python could not make a virtual environment. On Debian: apt-get install python3-venv" >&2; exit 1; }
	@awk '/^[^ ]/ { wanted = /^uv==/ } wanted' requirements.lock > .venv/uv.lock
	$(PIP) --require-hashes --requirement .venv/uv.lock
	$(UV) --require-hashes --requirement requirements.lock \
		|| $(PIP) --require-hashes --requirement requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "Ready: $(BIN)/steward, $(BIN)/steward-audit, $(BIN)/steward-trustee, $(BIN)/steward-registrar"

demo: $(STAMP) ## Run a whole election and verify it (ARGS="--sample association" for the other one)
	$(BIN)/steward demo $(ARGS)

serve: $(STAMP) ## Start the application on this computer
	$(BIN)/steward serve $(ARGS)

test: $(STAMP) ## Run the tests in random order (ARGS="-k words" for a part of them)
	tools/install-test-tools
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

check: $(STAMP) ## Format, lint, types, import rules, then the tests: what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(MAKE) --no-print-directory test
	$(MAKE) --no-print-directory check-web

# After the tests, which install what is missing. Without Node.js there is nothing to check with; CI always has it.
check-web: ## Lint the browser's modules and check their types
	@if ! command -v npm >/dev/null; then \
		echo "The browser's modules are not checked: Node.js and npm are missing."; test "$${TEST_NO_SKIPS:-}" != 1; exit; \
	fi; \
	$(WEB_TOOLS); set -x; \
	tools/web/node_modules/.bin/eslint --config tools/web/eslint.config.js --max-warnings 0 voting_app/static tools/web tests/web; \
	tools/web/node_modules/.bin/tsc --project tools/web

format: $(STAMP) ## Rewrite the Python files in the project's format
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

translations: $(STAMP) ## Bring new sentences of the pages into the catalogues
	tools/update-translations

bench: $(STAMP) ## Measure speed and memory beside belenios-tool
	tools/install-test-tools
	$(BIN)/python -m tests.bench $(ARGS)

screenshots: $(STAMP) ## Write a picture of every page to docs/screenshots/
	tools/install-test-tools
	$(BIN)/python -m tests.flows.screenshots $(ARGS)

# The hashes make the lock safe from any source, so the file names none.
lock: $(STAMP) ## Choose the newest packages that fit pyproject.toml and pin them
	$(BIN)/uv pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 \
		--extra app --extra audit --extra dev --generate-hashes \
		--no-header --no-emit-index-url --no-emit-find-links --output-file requirements.lock

vendor: ## Bundle the browser's packages into voting_app/static/vendor
	@$(WEB_TOOLS)
	node tools/web/vendor.mjs

clean: ## Remove .venv and everything that was generated
	rm -rf .venv build .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage htmlcov ./*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
