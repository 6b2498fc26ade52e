# Two commands set up all they need on a fresh machine with Python 3.11+ and git:
#   make replicate    verdicts, figures and a report in results/
#   make test         every check and every test
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LOCK := requirements/requirements.lock
DOCS_LOCK := requirements/docs.lock
DOCS_STAMP := $(VENV)/.docs
# Kernels of linear algebra differ in last digits; a library has those of its kind of processor.
KERNELS := Haswell SkylakeX Zen Nehalem
NUMBERS := $(patsubst %,tests/test_%.py,lmm_reference crossed inference batch simulate small_sample \
	glmm separation pool_counts pooling pool_small onestage many_studies)
# Of the orders in which `make order` runs the tests.
SEEDS ?= 1 2 3
# Types: to look for garbage takes mypy a quarter of its time; left alone it takes 1.4 GiB, not 0.5.
TYPES := import gc; gc.disable(); gc.enable = gc.disable; \
	from mypy.__main__ import console_entry; console_entry()
# The kernel that is taken, once it has done something: a processor may lack its instructions.
TAKEN := import numpy as n, threadpoolctl as t; n.linalg.inv(n.eye(99)) @ n.ones((99, 99)); \
	print(*{i.get("architecture") for i in t.threadpool_info()})

.PHONY: replicate test thorough order kernels style lint coverage docs notebooks benchmark soak hostile lock fuzz sbom clean help

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(STAMP): pyproject.toml $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "retrostats needs Python 3.11 or later; name one with: make PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

replicate: $(STAMP)  ## replicate the cited studies into results/
	$(BIN)/python -m retrostats.replicate

# The types beside the tests: one core for most of a minute where no earlier check of them is kept.
# What mypy says comes after the tests, and either one fails the target. Byte code is kept whatever
# the shell says: every process that a test begins would compile the package anew.
test: export PYTHONDONTWRITEBYTECODE =
test: $(STAMP) style  ## checks and tests, on every core
	@said=$$(mktemp) || exit; trap 'rm -f "$$said"' EXIT; \
	$(BIN)/python -c '$(TYPES)' >"$$said" 2>&1 & types=$$!; trap 'kill $$types 2>/dev/null; exit 130' INT TERM; \
	$(BIN)/python -m pytest -n auto --no-loadscope-reorder; tests=$$?; \
	wait $$types; checked=$$?; cat "$$said"; test $$tests -eq 0 && test $$checked -eq 0

thorough: $(STAMP)  ## the rules of the tests on many more inputs: kernels, notebooks, looks
	$(BIN)/python -m pytest -n auto --no-loadscope-reorder --hypothesis-profile=thorough \
		-m "thorough or hypothesis and not slow"

order: $(STAMP)  ## the tests in three random orders; SEEDS="4 5" are others
	for seed in $(SEEDS); do \
		$(BIN)/python -m pytest -n auto --no-loadscope-reorder -p randomly --randomly-seed=$$seed \
			|| exit 1; \
	done

kernels: $(STAMP)  ## the tests of numbers under four kernels of linear algebra, and with one thread
	@for kernel in $(KERNELS); do \
		taken=$$(OPENBLAS_CORETYPE=$$kernel $(BIN)/python -c '$(TAKEN)' 2>&1); \
		if [ "$$taken" != "$$kernel" ]; then \
			echo "$$kernel: not of this library or processor, which takes: $${taken:-none, it stops}"; continue; \
		fi; \
		echo "$$kernel:"; \
		OPENBLAS_CORETYPE=$$kernel OPENBLAS_NUM_THREADS=2 \
			$(BIN)/python -m pytest -n auto --no-loadscope-reorder $(NUMBERS) || exit 1; \
	done
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --no-loadscope-reorder $(NUMBERS)

style: $(STAMP)  ## style and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

lint: style  ## style, layers, types
	$(BIN)/python -c '$(TYPES)'

coverage: $(STAMP)  ## which lines the tests reach: shown, not enforced
	$(BIN)/python -m pytest --cov=retrostats --cov-report=term-missing:skip-covered

$(DOCS_STAMP): $(STAMP) $(DOCS_LOCK)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(DOCS_LOCK)
	@touch $(DOCS_STAMP)

docs: $(DOCS_STAMP)  ## the documentation site in site/; to build and to view it needs no network
	$(BIN)/python -m docs.build site

notebooks: $(STAMP)  ## execute the notebooks in place
	$(BIN)/python -m nbconvert --to notebook --execute --inplace \
		--ExecutePreprocessor.record_timing=False notebooks/*.ipynb

benchmark: $(STAMP)  ## time the engine beside its peers
	$(BIN)/python -m benchmarks

soak: $(STAMP)  ## kill runs, fill disks, read damaged files for half an hour; say what held
	$(BIN)/python -m benchmarks.soak
	$(BIN)/python -m benchmarks.soak_system

hostile: $(STAMP)  ## files, runs and models that once broke it: how each ends now
	$(BIN)/python -m benchmarks.hostile

lock: $(STAMP)  ## the lock anew, from pyproject.toml and requirements/constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --quiet --extra dev --universal --python-version 3.11.5 \
		-c requirements/constraints.txt --generate-hashes --no-strip-extras --no-annotate \
		--custom-compile-command "make lock" -o $(LOCK) pyproject.toml requirements/requirements.in
	$(BIN)/uv pip compile --quiet --extra docs --universal --python-version 3.11.5 \
		-c requirements/constraints.txt --generate-hashes --no-strip-extras --no-annotate \
		--custom-compile-command "make lock" -o $(DOCS_LOCK) pyproject.toml

fuzz: $(STAMP)  ## fuzz every reader and the formulas guided by coverage, a minute each (Linux)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check atheris
	$(BIN)/python tests/fuzz/guided.py all 60

sbom: $(STAMP)  ## what is installed, as CycloneDX in dist/, and its licences
	$(BIN)/python -m pip install --quiet --disable-pip-version-check cyclonedx-bom
	mkdir -p dist
	$(BIN)/cyclonedx-py environment --output-file dist/sbom.cdx.json $(BIN)/python

clean:  ## remove the environment and the results
	rm -rf $(VENV) results dist site .coverage .pytest_cache .ruff_cache .mypy_cache
