# Every target works on a fresh machine with Python 3.11 or later: it makes the environment in .venv first.
#   make PYTHON=python3.12 test        another interpreter
#   make train ARGS="--config xlmr_base --dataset_name_or_path renditions/ --output_dir runs/xlmr"

PYTHON ?= python3
VENV ?= .venv
EXTRAS ?= test,metric,space,deepspeed
WORKERS ?= 2
ARGS ?=
PYTEST_ARGS ?=
LAUNCH_ARGS ?=

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install train space test lint format clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: $(STAMP) ## Make .venv and install the package with the known-good versions of constraints.txt

# The stamp is written last, so an interrupted installation is repeated; it is older than a changed list of packages.
$(STAMP): pyproject.toml constraints.txt
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[$(EXTRAS)]"
	@touch $@

# Without arguments everything is in the repository, so the network is not even asked; with arguments Hub names must work.
train: install ## Train: the embedded default in minutes, or what ARGS says; prints the table before/after
	$(if $(strip $(ARGS)),,HF_HUB_OFFLINE=1 )$(BIN)/accelerate launch $(LAUNCH_ARGS) hf_hybrid/train.py $(ARGS)

space: install ## Serve the demo page on this machine, with models and data of the checkout; ARGS="--models my_models" takes others
	HF_HUB_OFFLINE=1 $(BIN)/python spaces/cross_lingual_search/app.py $(ARGS)

# One thread a worker: more threads than cores make the tests several times slower.
test: install ## Run all tests, without a network; PYTEST_ARGS="-k plan" runs some
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --durations 15 $(PYTEST_ARGS)

lint: install ## Check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: install ## Rewrite the code in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove .venv, caches and build results, but no training output
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
