# Two commands do everything on a machine that has Python >= 3.11, pip and make: `make run` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test check lint constraints clean

help: ## Show these lines
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(VENV)/installed ## Start the bundled stack, check it, stop it
	$(BIN)/createflow run

test: $(VENV)/developing lint ## Style, types, import rules, and every test
	$(BIN)/pytest -n 2 --dist loadgroup

check: $(VENV)/developing lint ## The same without the tests that need the real stack
	$(BIN)/pytest -n 2 --dist loadgroup -m "not stack"

lint: $(VENV)/developing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

constraints: ## Pin what a fresh environment resolves to today
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[reference,charts,otlp]' --group dev
	$(BIN)/python -m pip freeze --all --exclude-editable | grep -v '^setuptools\|^createflow' > constraints.txt
	touch $(VENV)/installed $(VENV)/developing

clean: ## Remove the environment and all caches
	rm -rf $(VENV) .createflow .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/pip: constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("createflow needs Python 3.11 or newer; name one: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt pip
	touch $@

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[reference,charts,otlp]'
	touch $@

$(VENV)/developing: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[reference,charts,otlp]' --group dev
	touch $@
