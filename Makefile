# make demo: train the default model on the default text.  make lint: ruff and mypy.
# make quick: numpy alone, in less than a minute.  make test: every kind of check.  make long: the slow tests.
# make api: write docs/api.md, the list of all public names.
# make mutants: change numnet in thousands of places, one at a time; do the tests notice? See docs/mutation.md.
PYTHON ?= python3
# More for pip, e.g. PIP="--extra-index-url ..." to choose a build of PyTorch.
PIP ?=
# Which mutants, and how many processes: make mutants MUTANTS='numnet.recurrent.gru.*' WORKERS=4
MUTANTS ?=
WORKERS ?= 1
BIN := .venv/bin
# One process for each core, of one thread each.
PARALLEL = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal
INSTALL = $(BIN)/python -m pip install -q -c constraints.txt $(PIP)

.PHONY: demo quick test long lint api mutants clean

demo: .venv/.examples
	$(BIN)/python examples/char_lm.py --seconds 60 --checkpoint runs/demo --plot runs/demo/loss.png --json runs/demo/result.json

quick: .venv/.quick
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest parity_tests/quick.py

test: .venv/.test
	$(PARALLEL) -m "not long"

long: .venv/.test
	$(PARALLEL) -m long

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

api: .venv/.test
	$(BIN)/python -m parity_tests.api_page

mutants: .venv/.mutants
	HYPOTHESIS_PROFILE=mutants OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
		$(BIN)/mutmut run --max-children $(WORKERS) $(MUTANTS)
	$(BIN)/python -m parity_tests.mutation_score

clean:
	rm -rf .venv runs mutants build *.egg-info .hypothesis .pytest_cache .mypy_cache .ruff_cache

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.examples: setup.cfg pyproject.toml constraints.txt | .venv/bin/python
	$(INSTALL) -e '.[examples]'
	touch $@

.venv/.quick: setup.cfg pyproject.toml constraints.txt | .venv/bin/python
	$(INSTALL) -e '.[quick]'
	touch $@

.venv/.test: setup.cfg pyproject.toml constraints.txt | .venv/bin/python
	$(INSTALL) -e '.[torch,examples,search,test]'
	touch $@

.venv/.dev: setup.cfg pyproject.toml constraints.txt | .venv/bin/python
	$(INSTALL) -e '.[torch,dev]'
	touch $@

.venv/.mutants: setup.cfg pyproject.toml constraints.txt | .venv/bin/python
	$(INSTALL) -e '.[torch,examples,search,test,mutants]'
	touch $@
