VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
NODE_MODULES := js/node_modules/.package-lock.json
BUNDLE := comfy_notebook/static/editor.js
# Tests wait for browsers, kernels and programs half of their time: two cores carry three workers.
WORKERS ?= 3
FRONT_END_SOURCES := js/build.mjs comfy_notebook/workflow/missing_nodes.json $(shell find js/src -type f)

export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Programs that tests start find what was compiled before, also where the machine forbids to keep it.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help install lab demo test lint bench clean pytest lint-python lint-front-end vitest

help: ## show what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1: /p' $(MAKEFILE_LIST) | awk -F': ' '{ printf "  make %-8s %s\n", $$1, $$2 }'

install: $(INSTALLED) ## create .venv, install everything, build the front end

lab: install ## open JupyterLab on the quickstart (without a display it runs the demo)
	@if [ "$$(uname)" = Linux ] && [ -z "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
	  echo "No display: running the demo instead."; $(MAKE) --no-print-directory demo; \
	else $(BIN)/jupyter lab notebooks/quickstart.ipynb; fi

demo: install ## run the quickstart without a display; images and a screenshot go to out/
	@tools/need-chromium.sh
	$(BIN)/python tools/demo.py

test: ## install what the tests need, then lint and test everything
	@tools/need-chromium.sh
	@$(MAKE) --no-print-directory -j 2 install lint-front-end vitest
	@$(MAKE) --no-print-directory -j 2 pytest lint-python

lint: lint-python lint-front-end ## ruff, mypy, tsc, eslint

pytest: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

lint-python: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	nice -n 19 $(BIN)/mypy

lint-front-end: $(NODE_MODULES)
	cd js && npx tsc --noEmit && npx eslint .

vitest: $(BUNDLE)
	cd js && npx vitest run

bench: install ## measure and print the figures of speed and size
	@tools/need-chromium.sh
	$(BIN)/python -m benchmarks

clean: ## remove what was built or installed (the notebooks stay)
	rm -rf $(VENV) .venv-colab js/node_modules comfy_notebook/static out dist build
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	tools/make-venv.sh $(VENV)

$(NODE_MODULES): js/package.json js/package-lock.json
	@command -v npm >/dev/null || { echo "Node 20 or newer with npm is needed to build the front end." >&2; exit 1; }
	cd js && npm ci --no-audit --no-fund
	@touch $@

$(BUNDLE): $(NODE_MODULES) $(FRONT_END_SOURCES)
	cd js && node build.mjs
	@touch $@

$(INSTALLED): pyproject.toml constraints.txt hatch_build.py $(BUNDLE) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[dev]'
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true  # all cores, where pip takes one; some templates are no Python
	@touch $@
