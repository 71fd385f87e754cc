# make demo: train the default model on the default text.  make test: every proof.  make lint: ruff and mypy.
PYTHON ?= python3
# More for pip, e.g. PIP="--extra-index-url ..." to choose a build of PyTorch.
PIP ?=
BIN := .venv/bin
INSTALL = $(BIN)/python -m pip install -q -c constraints.txt $(PIP)

.PHONY: demo test lint clean

demo: .venv/.examples
	$(BIN)/python examples/char_lm.py --seconds 60 --checkpoint runs/demo --plot runs/demo/loss.png --json runs/demo/result.json

test: .venv/.test
	$(BIN)/python -m pytest

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv runs build *.egg-info .hypothesis .pytest_cache .mypy_cache .ruff_cache

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.examples: setup.cfg pyproject.toml constraints.txt | .venv/bin/python
	$(INSTALL) -e '.[examples]'
	touch $@

.venv/.test: setup.cfg pyproject.toml constraints.txt | .venv/bin/python
	$(INSTALL) -e '.[torch,examples,test]'
	touch $@

.venv/.dev: setup.cfg pyproject.toml constraints.txt | .venv/bin/python
	$(INSTALL) -e '.[torch,dev]'
	touch $@
