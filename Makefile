# Verbs only: each calls one script or one tool. `make` alone prints this list.
# FILES="tests/slurm/test_use.py" runs some files of a tier of tests, ARGS="-x -k search" hands options on.
.DEFAULT_GOAL := help
SHELL := /bin/sh
# A test that hangs where no signal reaches it (in C, with the interpreter's lock) ends its process, with a stack.
PARALLEL := --numprocesses=auto --dist=loadfile -o faulthandler_timeout=600 -o faulthandler_exit_on_timeout=true
.PHONY: help up down status grids prepare test test-chart test-311 test-311-all test-browser test-system test-notebooks bench chart lint format fuzz \
        notebooks docs lock size clean base-image images test-images bundle cluster-up cluster-down test-cluster \
        test-cluster-faults test-slurm bench-images bench-access bench-composites bench-class

help: ## Show the verbs
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## Start the datalab on this machine (ARGS="--port auto", LAB=full)
	@LAB="$(LAB)" scripts/up $(ARGS)

down: ## Stop it
	@.venv/bin/geodes-datalab down $(ARGS)

status: ## Show what runs
	@.venv/bin/geodes-datalab status $(ARGS)

grids: ## Bring the grids by which PROJ turns heights into the environment of `make up`
	@scripts/grids

prepare: ## Fetch and build what the tests of all tiers need, ahead of them
	@scripts/prepare

test: ## Run the tests (ARGS="-k search")
	@scripts/test $(PARALLEL) $(ARGS) $(FILES)

test-chart: ## Lint and render the chart with a real helm, and look at every object
	@scripts/test $(PARALLEL) tests/helm $(ARGS)

test-311: ## Run those that may tell on Python 3.11, the oldest supported: doctests, pure code, the hub
	@PYTHON_VERSIONS=3.11 VENV=.venv-3.11 scripts/test $(PARALLEL) $(ARGS) \
		$(or $(FILES),geodes_datalab tests/test_compile.py $(patsubst %,tests/%,foundation stac cubes ops) \
		$(filter-out %_hub.py %_panel.py %_activity.py %_operation.py,$(wildcard tests/hub/test_*.py)))

test-311-all: ## Run all tests on Python 3.11
	@PYTHON_VERSIONS=3.11 VENV=.venv-3.11 scripts/test $(PARALLEL) $(ARGS) $(FILES)

test-browser: ## Drive the whole datalab with Chromium
	@scripts/test --run-browser -m browser $(ARGS) $(FILES)

test-system: ## Start the whole datalab and kill its parts
	@scripts/test --run-system -m system $(ARGS) $(FILES)

base-image: ## Make the images' base from Debian's packages, where no registry is reached (root)
	@scripts/base-image $(ARGS)

images: ## Build the images that changed (ARGS="--sizes" shows what is large)
	@scripts/images $(ARGS)

test-images: ## Run the tests inside the images
	@scripts/images
	@scripts/test --run-images -m images -s $(ARGS) $(or $(FILES),tests/images)

bundle: ## Write images, chart and checksums into one folder, for a closed site (ARGS=FOLDER)
	@scripts/bundle $(ARGS)

cluster-up: ## Start a real Kubernetes on this machine (needs root)
	@scripts/cluster up

cluster-down: ## Stop it and leave nothing
	@scripts/cluster down

test-cluster: ## Install the chart on a real Kubernetes and use it (KEEP=1 keeps it)
	@scripts/images
	@scripts/cluster build
	@scripts/test --run-cluster -m cluster -s $(ARGS) $(or $(FILES),$(patsubst %,tests/cluster/test_%.py, \
		install environment browser packets strangers hpda rights one_namespace))

test-cluster-faults: ## Break it there: faults, upgrades, idle and full servers, a proxy, a class; the cluster itself
	@scripts/images
	@scripts/cluster build
	@scripts/test --run-cluster -m cluster -s $(ARGS) $(or $(FILES),$(patsubst %,tests/cluster/test_%.py, \
		harness lifecycle way_out class upgrade faults))

test-slurm: ## Start a real Slurm on this machine, compute on it, break it (needs root)
	@scripts/test --run-slurm -m slurm -s $(ARGS) $(or $(FILES),tests/slurm); tests=$$?; \
		[ -n "$(FILES)" ] || scripts/test --run-slurm -m slurm -s tests/benchmarks/test_slurm.py && exit $$tests

bench-class: ## Let a class of 20 log in at once on a real Kubernetes (CLASS_SIZE=20)
	@scripts/images
	@CLASS_SIZE="$${CLASS_SIZE:-20}" scripts/test --run-cluster -s \
		tests/cluster/test_class.py -k everybody

test-notebooks: ## Execute the notebooks against the stand-in GEODES
	@scripts/test tests/notebooks $(ARGS)

chart: ## Make the chart's JSON schema, its list of keys and its tables anew
	@scripts/chart

notebooks: test-notebooks ## The same

bench: ## Measure, and print the ratios
	@scripts/test --run-benchmarks -m benchmark -s $(ARGS) $(FILES)

bench-access: ## Of these, search, archives, routes and Slurm
	@scripts/test --run-benchmarks -m benchmark -s $(ARGS) \
		$(filter-out %/test_composites.py %/test_image_start.py,$(wildcard tests/benchmarks/test_*.py))

bench-composites: ## Of these, composites
	@scripts/test --run-benchmarks -m benchmark -s $(ARGS) tests/benchmarks/test_composites.py

bench-images: ## How fast the image's server and kernel start (FORMER=NAME:TAG: beside another image)
	@scripts/images
	@scripts/test --run-benchmarks --run-images -m benchmark -s $(ARGS) tests/benchmarks/test_image_start.py

fuzz: ## Give the parsers of archives and images damaged input, guided by coverage (ARGS="tiff -runs=1000000")
	@scripts/run scripts/fuzz $(ARGS)

lint: ## Check style, types and layers
	@scripts/lint

format: ## Put the code in the house's form
	@scripts/run sh -c 'ruff check --fix-only --quiet . ; ruff format .'

docs: ## Build the documentation into docs/_build
	@scripts/run sphinx-build -W --keep-going -n -q -b html docs docs/_build/html

lock: ## Resolve the dependencies anew (UPGRADE=1 for the newest)
	@UPGRADE="$(UPGRADE)" scripts/lock

size: ## Measure the environment of `make up`
	@scripts/size

clean: ## Remove environments, tools, caches and built pages
	rm -rf .venv .venv-3.11 .tools build dist docs/_build docs/reference/api artifacts \
		.mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
