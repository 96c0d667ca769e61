# The course in two commands: `make run`, then `make test`. `make` alone lists the targets.
# Written for GNU make 3.81 (macOS) and later.

PY := .venv/bin/python
DATA := ../shared/data

# ---- what may be given on the command line -----------------------------------------------------------------------
RUN_VARIABLES := CORPUS SAMPLES EPOCHS SEED PARAMS
KNOWN := $(RUN_VARIABLES) PYTHON
GIVEN := $(foreach name,$(.VARIABLES),$(if $(findstring command line,$(origin $(name))),$(name)))
UNKNOWN := $(filter-out $(KNOWN) MAKEFLAGS GNUMAKEFLAGS MFLAGS -*%,$(GIVEN))
ifneq ($(strip $(UNKNOWN)),)
$(error Unknown variable: $(UNKNOWN). Known are $(KNOWN))
endif

# Values reach the tools through the environment, as they were typed; no shell reads them.
export COURSE_CORPUS := $(value CORPUS)
export COURSE_SAMPLES := $(value SAMPLES)
export COURSE_EPOCHS := $(value EPOCHS)
export COURSE_SEED := $(value SEED)
export COURSE_PARAMS := $(value PARAMS)
export COURSE_PYTHON := $(value PYTHON)
COUNTS = $(if $(value CORPUS),--corpus "$$COURSE_CORPUS") $(if $(value SAMPLES),--num-samples "$$COURSE_SAMPLES") \
	$(if $(value EPOCHS),--epochs "$$COURSE_EPOCHS")
RUN = $(COUNTS) $(if $(value SEED),--seed "$$COURSE_SEED") $(if $(value PARAMS),--params "$$COURSE_PARAMS")

# ---- what every run sees -----------------------------------------------------------------------------------------
ifeq ($(value S2S_DATA_DIR),)
ifneq ($(wildcard $(DATA)),)
export S2S_DATA_DIR := $(shell cd $(DATA) && pwd)
endif
endif
export TF_CPP_MIN_LOG_LEVEL ?= 3
export KERAS_BACKEND ?= tensorflow
export PYDEVD_DISABLE_FILE_VALIDATION := 1
export IPYTHONDIR := $(CURDIR)/tools/ipython
# Kernels are those of .venv; nothing is registered anywhere else.
unexport JUPYTER_PATH
export JUPYTER_PREFER_ENV_PATH := 1

COVERAGE := --cov=s2s_lib --cov-append --cov-report=
# Two processes, each with whole files: what one notebook or test file does comes one after the other.
PYTEST := $(PY) -m pytest -n 2 --dist loadfile
NBVAL := $(PYTEST) -q --tb=short -p no:cacheprovider --nbval --nbval-current-env --nbval-cell-timeout 600 \
	--nbval-sanitize-with tests/nbval_sanitize.cfg $(COVERAGE)
TINY := $(PY) tools/run_course.py --num-samples 300 --epochs 1

.NOTPARALLEL:
.PHONY: help setup run lab test test-unit test-notebooks test-tiny lint format bench publish clean

help: ## list the targets
	@echo "make run && make test are the whole course. The targets:"
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile | expand -t 20
	@echo "make run CORPUS=fra-eng SAMPLES=10000 EPOCHS=20 SEED=1 PARAMS=\"name=value ...\" runs it on real sentence pairs."

setup: .venv/.installed ## make .venv and install into it (once; about 4 GB, a few minutes)

.venv/.installed: pyproject.toml constraints.txt tools/make_environment.py
	@if [ -n "$$COURSE_PYTHON" ]; then set -- "$$COURSE_PYTHON"; \
	else set -- python3.13 python3.12 python3.11 python3 python; fi; \
	for python in "$$@"; do \
		if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
			exec "$$python" tools/make_environment.py; \
		fi; \
	done; \
	echo "No fitting Python among: $$*. The course needs Python 3.11, 3.12 or 3.13, because TensorFlow has no wheels" \
		"for others. Install one, or name it: make setup PYTHON=/path/to/python3.12" >&2; \
	exit 1

run: setup ## run every notebook into build/run/, then show ten translations
	@$(PY) tools/run_course.py $(RUN) --output build/run

lab: setup ## open the notebooks in JupyterLab
	@$(PY) -m jupyterlab --ServerApp.root_dir=notebooks

test: setup ## lint, unit tests, test-notebooks; coverage of s2s_lib, notebooks included
	@$(PY) -m coverage erase
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory test-unit
	@$(MAKE) --no-print-directory test-notebooks
	@$(PY) -m coverage report --fail-under=95

test-unit: setup
	$(PYTEST) -q $(COVERAGE)

test-notebooks: setup ## run the notebooks again and compare their outputs, then all at tiny counts, twice
	$(NBVAL) notebooks
	@$(MAKE) --no-print-directory test-tiny

# Two kernels with one seed print the same: papermill runs the notebooks, nbval runs what papermill wrote.
test-tiny: setup
	$(TINY) --output build/tiny-sample
	$(NBVAL) --compare-every-output build/tiny-sample/[0-9][0-9]_*.ipynb
	@if ls "$$S2S_DATA_DIR"/fra* >/dev/null 2>&1; then \
		echo '$(TINY) --corpus fra-eng --output build/tiny-fra-eng' && \
		$(TINY) --corpus fra-eng --output build/tiny-fra-eng && \
		$(NBVAL) --compare-every-output build/tiny-fra-eng/[0-9][0-9]_*.ipynb; \
	else \
		echo; echo "*** SKIPPED: the real corpus. Set S2S_DATA_DIR to a folder that holds fra-eng.zip to run it. ***"; echo; \
	fi

lint: setup ## check style, notebook metadata, and links
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) tools/publish.py --check
	$(PY) tools/write_links.py --check

format: setup
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .
	$(PY) tools/write_links.py

bench: setup ## measure the example beside ours (CORPUS, SAMPLES, EPOCHS)
	@$(PY) benchmarks/bench.py $(COUNTS)

publish: setup ## run the notebooks in place, at their defaults, without time stamps
	@$(PY) tools/publish.py

clean: ## remove what runs and tests wrote; .venv and downloaded corpora stay
	rm -rf build dist *.egg-info .coverage .coverage.* .pytest_cache .ruff_cache .hypothesis
	rm -f notebooks/*.partial.ipynb
	find . -path ./.venv -prune -o \( -name __pycache__ -o -name .ipynb_checkpoints \) -type d -prune -exec rm -rf {} +
