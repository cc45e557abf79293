# make run     install what the app needs and start it        (PORT=8501 ADDRESS=localhost)
# make check   lint, types, fast tests: about a minute, no browser
# make test    everything, in a real Chromium and a real Firefox too
# Each installs only what changed since last time. PYTHON=/path/to/python chooses the interpreter of a new .venv.
PORT ?= 8501
ADDRESS ?= localhost
VENV := .venv
BIN := $(VENV)/bin
# Two processes, each with a browser and a server of its own: most browser tests wait for the screen, not for a core.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder
SUPPORTED := (3, 11) <= sys.version_info[:2] <= (3, 13)
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not $(SUPPORTED))' 2>/dev/null && { echo $$p; break; }; done)
PIP := $(BIN)/python -m pip install --disable-pip-version-check
# A developer's settings must not decide which packages or which pytest plugins the checks see.
unexport PYTHONPATH
unexport PYTEST_ADDOPTS

.PHONY: run test check lint types help
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# \{0,1\}//p;/^PORT/q' Makefile

run: $(VENV)/.run
	@$(BIN)/python -m tools.start_app --address "$(ADDRESS)" --port "$(PORT)"

test: lint types
	@browsers=$$($(BIN)/python -m tools.browser) && echo "Browsers:" $$browsers
	$(PYTEST) tests/core tests/ui tests/js tests/browser -m "not alone"
	$(BIN)/python -m pytest tests/browser -m alone
	$(PYTEST) tests/browser -m firefox --engine firefox

check: lint types
	$(PYTEST) tests/core tests/ui -m "not browser"

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/hadolint Dockerfile

types: $(VENV)/.test
	$(BIN)/mypy

# The stamps live inside .venv, so that deleting .venv forgets them too.
$(VENV)/.made:
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(not $(SUPPORTED))' || { \
		echo "Latent Walk needs Python 3.11, 3.12 or 3.13; got $$($(or $(PYTHON),python3) --version 2>&1)." \
		"Install one of them, or name it: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: requirements.txt $(VENV)/.made
	@echo "Installing requirements.txt (torch is large: the first time takes some minutes)"
	$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.test: requirements-dev.txt requirements.txt $(VENV)/.made
	$(PIP) -r requirements-dev.txt
	@touch $@ $(VENV)/.run
