# Every target sets up all that it needs. `make help` lists them.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv

.DEFAULT_GOAL := help
.PHONY: help demo pictures test lint format bench bench-accuracy bench-pages bench-stores bench-faults lock clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

demo: $(VENV)/.$(if $(filter servers,$(STORES)),dev,demo)  ## the story, end to end, on SQLite: about a minute (KEEP=1 leaves the server up, STORES=servers: on PostgreSQL and Elasticsearch)
	@$(BIN)/python -m gate.demo $(if $(STORES),--stores "$(STORES)") $(if $(KEEP),--keep) $(if $(OUT),--out "$(OUT)")

pictures: $(VENV)/.dev  ## docs/images anew, from the demo's report and the pages with the demo's data
	@$(BIN)/python -m gate.demo
	@$(BIN)/python -m tests.picture spangate-demo/report.html docs/images/report.webp
	@$(BIN)/python -m tests.page_pictures docs/images

test: $(VENV)/.dev  ## every test (PYTEST_ARGS="-k name" for a part)
	@$(BIN)/python -m pytest -n 2 --dist loadgroup $(PYTEST_ARGS)

lint: $(VENV)/.dev  ## ruff, pyright strict, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(VENV)/.dev  ## ingest and comparison against their floors, as ratios of one run
	$(BIN)/python -m bench

bench-pages: $(VENV)/.dev  ## how quick the pages are, also in Chromium (SPANS=1000000 stored)
	$(BIN)/python -m bench.pages $(if $(SPANS),--spans $(SPANS))

bench-stores: $(VENV)/.dev  ## the three stores: ingest, search, promote, prune (SPANS=1000000 stored, KEEP=DIR, OUT=FILE)
	$(BIN)/python -m bench.stores $(if $(SPANS),--spans $(SPANS)) $(if $(KEEP),--keep "$(KEEP)") $(if $(OUT),--out "$(OUT)")

bench-accuracy: $(VENV)/.dev  ## the comparison on recorded traces (SETS="DIR…" OUT=FILE)
	$(BIN)/python -m bench.accuracy $(SETS) $(if $(OUT),--out "$(OUT)")

bench-faults: $(VENV)/.dev  ## Spangate killed 200 times under load, on each combination of stores: nothing acknowledged is lost (KILLS=n SEED=n)
	$(BIN)/python -m tests.faults $(if $(KILLS),--kills $(KILLS)) $(if $(SEED),--seed $(SEED))

lock: $(UV)  ## write the hash-locked requirements anew (UPGRADE=1 for newer versions)
	$(UV) pip compile pyproject.toml --universal --generate-hashes --no-header --no-emit-index-url $(if $(UPGRADE),--upgrade) --extra demo -q -o requirements/demo.txt
	$(UV) pip compile pyproject.toml --universal --generate-hashes --no-header --no-emit-index-url $(if $(UPGRADE),--upgrade) --all-extras --group test --group lint -c requirements/demo.txt -q -o requirements/dev.txt

clean:  ## remove what the targets made
	rm -rf $(VENV) spangate-demo bench-results dist tests/node/node_modules

# uv comes with its own lock file of one package: `pip install --require-hashes`.
$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Spangate needs Python 3.11 or newer; name one with PYTHON=…" >&2; exit 2; }
	@echo "setting up $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt

$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(UV)
	@if [ -e $(VENV)/.dev ]; then $(MAKE) --no-print-directory $(VENV)/.dev; else $(UV) pip install --quiet --require-hashes -r requirements/demo.txt; fi
	@$(UV) pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(UV)
	@$(UV) pip sync --quiet --require-hashes requirements/dev.txt requirements/uv.txt
	@$(UV) pip install --quiet --no-deps --editable .
	@touch $@ $(VENV)/.demo
