# Verbs of the project. On a fresh machine with Python alone: `make demo` and `make test`.
#
# Everything runs in an environment of its own, .venv, which is made at the first use and brought
# up to date when setup.cfg or pyproject.toml changed. Variables that may be set on the command line:
#   PYTHON  the interpreter that .venv is made with      make test PYTHON=python3.12
#   ARGS    more arguments for the verb's program        make test ARGS="-k journal"
#   BENCH   what `make bench` measures                   make bench BENCH=benchmarks/overhead.py

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
BENCH ?= $(filter-out benchmarks/re%.py benchmarks/batch.py, $(wildcard benchmarks/[!_]*.py))

# Trials run side by side, so each of them gets one thread.
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK ?= 1

BIN := $(VENV)/bin
METADATA := setup.cfg pyproject.toml

# The version that is needed stands in setup.cfg alone.
CHECK_PYTHON = import re, sys; \
	need = re.search(r"python_requires *= *>=([0-9.]+)", open("setup.cfg").read()).group(1); \
	sys.exit(0 if sys.version_info >= tuple(map(int, need.split("."))) else \
	"phsx needs Python >= %s, and $(PYTHON) is Python %s. Name a newer one: make PYTHON=/path/to/python3" \
	% (need, sys.version.split()[0]))

.PHONY: help demo test lint format docs bench regret chaos wheel clean
.DEFAULT_GOAL := help

help:  ## list the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.installed  ## search a digits classifier's parameters on local workers, draw the plots
	$(BIN)/phsx demo $(ARGS)

test: $(VENV)/.installed  ## run the tests
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: $(VENV)/.installed-dev  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-dev  ## format the code, mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed  ## run every code block of the README and of docs/
	$(BIN)/python -m pytest tests/docs $(ARGS)

bench: $(VENV)/.installed  ## measure (takes minutes)
	set -e; for file in $(BENCH); do echo "== $$file"; $(BIN)/python $$file $(ARGS); done

regret: $(VENV)/.installed-bench  ## compare phsx with other optimizers (takes hours)
	$(BIN)/python benchmarks/regret.py $(ARGS)
	$(BIN)/python benchmarks/report.py

chaos: $(VENV)/.installed  ## long fault tests (takes minutes)
	$(BIN)/python -m pytest -m chaos $(ARGS) || test $$? -eq 5  # which says that there are none

wheel: $(VENV)/.installed  ## build dist/phsx-*.whl
	rm -rf build  # setuptools would take old files from there
	$(BIN)/python -m pip wheel . --no-deps --wheel-dir dist

clean:  ## remove what the other verbs made, .venv and the demo's directory too
	rm -rf $(VENV) build dist phsx.egg-info phsx-demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment that another interpreter made, or that is broken, is made anew.
$(VENV)/.installed: $(METADATA)
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON). Name the interpreter: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c '$(CHECK_PYTHON)'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

# Where torch is not wanted with several GB of CUDA, install a CPU build of it into .venv before.
$(VENV)/.installed-bench: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	@touch $@
