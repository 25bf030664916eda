# `make demo` and `make test` are all that a fresh machine needs; both set up what they use. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
READY := $(VENV)/.ready
COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 --custom-compile-command "make lock"

.PHONY: help setup demo test check gen bench lock clean
.DELETE_ON_ERROR:
# The tests start hundreds of interpreters; each would compile what it imports.
unexport PYTHONDONTWRITEBYTECODE

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"worthwhile needs Python 3.11 or newer, `$(PYTHON)` is {v.major}.{v.minor}\n\nhint: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

setup: $(READY)  ## make the development environment in .venv

demo: $(READY)  ## the main job on this machine: real clients, a real llama.cpp, embedded ClickHouse, the report (KEEP=1 keeps it up)
	$(BIN)/python examples/demo.py $(if $(KEEP),--keep)

check: $(READY)  ## lint, types, import contracts, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

test: check  ## everything that must hold: checks, all tests, openai 2, the newest Python of the machine
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder
	$(BIN)/python tests/matrix.py

gen: $(READY)  ## rewrite the committed generated files
	$(BIN)/python -m worthwhile_schemas.prices.build
	$(BIN)/python -m worthwhile_schemas.dialect_sql
	$(BIN)/python docs/generate.py

bench: $(READY)  ## measure; writes benchmarks/RESULTS.md and benchmarks/results.json
	$(BIN)/python benchmarks/run.py

lock: $(READY)  ## renew the hashed lock files
	$(COMPILE) --upgrade pyproject.toml --extra server --group dev -o requirements/dev.txt
	$(COMPILE) --upgrade pyproject.toml -o requirements/base.txt
	$(COMPILE) --upgrade pyproject.toml requirements/openai2.in -o requirements/openai2.txt
	$(COMPILE) --upgrade pyproject.toml requirements/sdk.in -o requirements/sdk.txt

clean:  ## remove environments, caches and local data
	rm -rf $(VENV) .venvs .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .worthwhile .worthwhile-demo dist
