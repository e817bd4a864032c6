# Two commands of a newcomer: `make demo` runs the main job, `make test` passes the tests. Each sets up what it needs.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
DEMO := demo
UV_VERSION := 0.13.9

# A class in JupyterHub on anonymous data; ACADEMY=… for another place than academy/.
ACADEMY := academy

.PHONY: setup object-store attacks demo academy test lint acceptance compose-test docs clean

setup: $(READY)

# One lock, with hashes, installed by uv. An environment that was left half made is made again.
$(READY): requirements/lock.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Expected Python 3.11 or later as '$(PYTHON)', found none: install it, or call make PYTHON=/path/to/python."; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Expected Python 3.11 or later, found an older '$(PYTHON)': call make PYTHON=/path/to/python."; exit 2; }
	@$(VENV)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Expected Python's own module venv, found '$(PYTHON)' without it: install Debian's python3-venv."; exit 2; }
	@$(VENV)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing the locked dependencies into $(VENV) …"
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@VIRTUAL_ENV=$(VENV) $(VENV)/bin/uv pip install --quiet --compile-bytecode --require-hashes --requirement requirements/lock.txt
	@VIRTUAL_ENV=$(VENV) $(VENV)/bin/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@echo "Fetching the Delta jars once, against their checksums …"
	@$(VENV)/bin/python -m jobs.java
	@touch $(READY)

# What Spark needs besides for a lake in an object store: 690 MB, once.
object-store: $(READY)
	@$(VENV)/bin/python -m jobs.java object-store

# What attacks a release before it is published: 0.8 GB, once. Whoever may write here gets it by itself.
attacks: $(READY)
	@$(VENV)/bin/python -m jobs.privacy.attacks.environment

demo: $(READY)
	@$(VENV)/bin/pscc demo --to $(DEMO) $(if $(DELIVERIES),--deliveries $(DELIVERIES)) $(if $(KEYS),--keys $(KEYS))

academy: $(READY)
	@$(VENV)/bin/pscc academy up --to $(ACADEMY)

lint: $(READY)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

test: $(READY) lint
	@$(VENV)/bin/pytest --numprocesses 2 --dist loadscope --no-loadscope-reorder $(PYTEST_ARGS)

acceptance: $(READY)
	@$(VENV)/bin/pytest -m acceptance $(PYTEST_ARGS)

# Builds the images, runs the stack of docker-compose.yml for real, and takes it away again.
compose-test: $(READY)
	@$(VENV)/bin/pytest -m compose tests/compose -s -rs $(PYTEST_ARGS)

docs: $(READY)
	@$(VENV)/bin/python -m jobs.dictionary

# An academy holds the work of trainees: it stays.
clean:
	rm -rf $(VENV) .venv-attacks .venv-attacks.lock $(DEMO)
