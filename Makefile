# The course in two commands: `make run`, then `make test`. `make` alone lists the targets. (GNU make 3.81 or later)

PY := .venv/bin/python
KNOWN := CORPUS SAMPLES EPOCHS SEED PARAMS PYTHON REPO SCHEDULER GRID OUTPUT RETRIES
GIVEN := $(foreach name,$(.VARIABLES),$(if $(findstring command line,$(origin $(name))),$(name)))
UNKNOWN := $(strip $(filter-out $(KNOWN) MAKEFLAGS GNUMAKEFLAGS MFLAGS -*%,$(GIVEN)))
$(if $(UNKNOWN),$(error Unknown variable: $(UNKNOWN). Known are $(KNOWN)))

# Values reach the tools through the environment, exactly as typed: no shell interprets them.
$(foreach name,$(KNOWN),$(eval export COURSE_$(name) := $$(value $(name))))
option = $(if $(value $(1)),$(2) "$$COURSE_$(1)")
COUNTS = $(call option,CORPUS,--corpus) $(call option,SAMPLES,--num-samples) $(call option,EPOCHS,--epochs)

export S2S_DATA_DIR := $(or $(value S2S_DATA_DIR),$(abspath $(wildcard ../shared/data)))
export KERAS_BACKEND ?= tensorflow
export TF_CPP_MIN_LOG_LEVEL ?= 3

# Two processes, each with whole files: the cells of a notebook run in order.
PYTEST := $(PY) -m pytest -q -n 2 --dist loadfile --cov=s2s_lib --cov-report=
NBVAL := $(PYTEST) --cov-append --tb=short -p no:cacheprovider --nbval --nbval-current-env \
	--nbval-cell-timeout 600 --nbval-sanitize-with tests/nbval_sanitize.cfg

.NOTPARALLEL:
.PHONY: help setup run sweep lab test test-unit test-browser test-backend test-notebooks test-tiny test-languages fuzz lint format bench publish site address release test-newest clean

help: ## list the targets
	@echo "make run && make test are the whole course. The targets:"
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile | expand -t 20
	@echo "make run CORPUS=fra-eng SAMPLES=10000 EPOCHS=20 SEED=1 PARAMS=\"name=value ...\" runs it on real sentence pairs."

setup: .venv/.installed ## make .venv and install into it (once; about 4 GB, a few minutes)

# The first Python that TensorFlow has wheels for, unless PYTHON names one.
works = $(shell $(1) -c 'import sys; print("$(1)" * ((3, 11) <= sys.version_info[:2] <= (3, 13)))' 2>/dev/null)
FOUND = $(firstword $(foreach name,python3.13 python3.12 python3.11 python3 python,$(call works,$(name))) python3)
.venv/.installed: pyproject.toml constraints.txt tools/setup.py
	@$(if $(value PYTHON),"$$COURSE_PYTHON",$(FOUND)) -m tools.setup

run: setup ## run every notebook into build/run/, then show ten translations
	@$(PY) -m tools.notebooks run $(COUNTS) $(call option,SEED,--seed) $(call option,PARAMS,--params) \
		$(call option,SCHEDULER,--scheduler)

sweep: setup ## train or run a notebook at every point of a grid: make sweep GRID=sweeps/tiny.yml
	@$(PY) -m tools.sweep "$$COURSE_GRID" $(call option,SCHEDULER,--scheduler) $(call option,OUTPUT,--output) \
		$(call option,RETRIES,--retries)

lab: setup ## open the notebooks in JupyterLab
	@$(PY) -m tools.notebooks lab

test: lint test-unit test-backend test-notebooks ## all checks; coverage of s2s_lib, notebooks included
	$(PY) -m coverage report --fail-under=95

test-unit: setup ## test library and tools
	$(PYTEST)

test-browser: setup ## test the site and the open translator in Chromium (part of make test-unit)
	$(PY) -m pytest -q tests/browser tests/web

test-backend: setup ## test with JAX what depends on the backend
	KERAS_BACKEND=jax $(PYTEST) --cov-append -m backend

test-notebooks: setup ## run the notebooks again and compare their outputs, then all at tiny counts, twice
	$(NBVAL) notebooks
	@$(MAKE) --no-print-directory test-tiny

test-tiny: setup ## other languages run; two kernels with one seed print the same: ours, then nbval's
	$(PY) -m tests.languages build/languages
	$(PY) -m tools.notebooks each build/languages/ara.txt build/languages/cmn.txt --num-samples 200
	$(PY) -m tools.notebooks tiny
	$(NBVAL) --compare-every-output build/tiny-sample/[0-9][0-9]_*.ipynb

test-languages: setup ## run the notebooks on made-up pairs of twelve languages (a quarter of an hour)
	$(PY) -m tests.languages build/languages
	$(PY) -m tools.notebooks each build/languages/*.txt --json build/languages.json

fuzz: setup ## read 100,000 hostile files (three minutes or four)
	$(PY) -m tests.fuzz

lint: setup ## check style, types, the sample, published notebooks, and links
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m tools.sample --check
	$(PY) -m tools.notebooks check
	$(PY) -m tools.notebooks link --check
	$(PY) -m tools.notebooks check-exercises --json build/exercises.json

format: setup ## format code, write links, badges and install cells
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .
	$(PY) -m tools.notebooks link

bench: setup ## measure the example beside ours (CORPUS, SAMPLES, EPOCHS)
	@$(PY) -m tools.bench $(COUNTS)

site: setup ## build the course as web pages, the open translator among them, into build/site
	$(PY) -m tools.site

publish: setup ## run the notebooks in place, at their defaults, without time stamps
	@$(PY) -m tools.notebooks publish

address: setup ## write the address of your repository into notebooks and metadata (REPO=owner/name)
	@$(PY) -m tools.address set -- "$$COURSE_REPO"
	@$(PY) -m tools.notebooks link

release: setup ## build the wheel of this version, its hash and its entry in CHANGELOG.md
	@$(PY) -m tools.address release
	@$(PY) -m tools.notebooks link

test-newest: setup ## make build/newest with the newest versions allowed, and test the library there
	$(PY) -m tools.setup newest

clean: ## remove what runs and tests wrote; .venv and downloaded corpora stay
	rm -rf build dist *.egg-info .coverage .coverage.* .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -path ./.venv -prune -o \( -name __pycache__ -o -name .ipynb_checkpoints \) -type d -prune -exec rm -rf {} +
