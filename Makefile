# Two commands do everything on a machine that has Python >= 3.11, pip and make: `make run` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test thorough check lint soak constraints clean

help: ## Show these lines
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(VENV)/installed ## Start the bundled stack, check it, stop it
	$(BIN)/createflow run

test: $(VENV)/developing lint ## Style, types, import rules, and the tests
	$(BIN)/pytest -n 3 --dist loadgroup -m "not thorough"

thorough: $(VENV)/developing ## The tests that `make test` leaves out: every seeded defect
	$(BIN)/pytest -n 2 --dist loadgroup -m thorough

check: $(VENV)/developing lint ## The same without the tests that need the real stack
	$(BIN)/pytest -n 2 --dist loadgroup -m "not stack and not thorough"

lint: $(VENV)/developing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

MINUTES ?= 60
RATE ?= 200
soak: $(VENV)/installed ## An hour of 200 creates a second: no process may grow (MINUTES=5, RATE=100)
	$(BIN)/python benchmarks/soak.py --minutes $(MINUTES) --rate $(RATE)

# Hashes for every file of every release, so that a changed file is refused whatever an index serves. Releases stay as
# they are pinned unless pyproject.toml asks for others; UPGRADE=--upgrade takes the newest.
COMPILE = $(VENV)-lock/bin/pip-compile --quiet $(UPGRADE) --generate-hashes --allow-unsafe --strip-extras --no-header \
  --no-annotate --no-emit-index-url --no-emit-find-links
DEVELOPERS = import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"], sep="\n")
constraints: ## Pin releases and their hashes for users (constraints.txt) and developers (constraints-dev.txt)
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet pip-tools
	$(COMPILE) --all-build-deps --all-extras --output-file constraints.txt pyproject.toml
	$(PYTHON) -c '$(DEVELOPERS)' > $(VENV)-lock/developers.in
	$(COMPILE) --output-file constraints-dev.txt constraints.txt $(VENV)-lock/developers.in
	rm -r $(VENV)-lock

clean: ## Remove the environment and all caches
	rm -rf $(VENV) $(VENV)-lock .createflow .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/pip: constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("createflow needs Python 3.11 or newer; name one: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	touch $@

# pip checks hashes of a whole list only, so createflow itself follows in a second step and brings nothing else.
PINNED = $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement
OWN = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/pip
	$(PINNED) constraints.txt
	$(OWN)
	touch $@

$(VENV)/developing: constraints-dev.txt $(VENV)/installed
	$(PINNED) constraints-dev.txt
	touch $@
