# make demo [FOLDER=photos]   install and show the look-alikes of a picture
# make test                   install and run every check; screenshots of the app lie in shots/ then
# make quick                  the checks that take seconds
# make bench [ROWS=…]         the benchmarks; needs a folder of photographs, PHOTOS=…; with ROWS,
#                             that of so many pictures alone, such as 1000000
# make neo4j                  start a Neo4j server for trying; neo4j-stop stops it, its data stays
# make lock                   choose the development dependencies' versions anew

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PHOTOS ?= ../shared/photos
FOLDER ?=
ROWS ?=
EMBEDDINGS ?=

# Where it is set, every process that the tests start would compile all of it again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test quick format bench neo4j neo4j-stop lock clean

demo: $(VENV)/installed
	@$(BIN)/lookgraph demo $(if $(FOLDER),"$(FOLDER)"); code=$$?; [ $$code -eq 0 ] || [ $$code -eq 3 ]

test: $(VENV)/installed-dev
	@bash tests/install_chromium.sh
	@bash tests/neo4j_server/install.sh
	@$(BIN)/python -m tests.neo4j_server fetch || true  # the tests say so, too, and skip or fail
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	LOOKGRAPH_SHOTS=shots $(BIN)/pytest

quick: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -m "not slow" tests/unit tests/contract

format: $(VENV)/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/installed-dev
	$(if $(ROWS),$(BIN)/pip install --quiet uv && $(BIN)/uv pip install --quiet --python $(BIN)/python --group bench)
	$(BIN)/python -m benchmarks.run --photographs "$(PHOTOS)" \
	  $(if $(ROWS),--only large --rows $(ROWS)) $(if $(EMBEDDINGS),--embeddings "$(EMBEDDINGS)")

neo4j: $(VENV)/installed-dev
	@$(BIN)/python -m tests.neo4j_server start

neo4j-stop: $(VENV)/installed-dev
	@$(BIN)/python -m tests.neo4j_server stop

lock: $(VENV)/installed
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes \
	  --no-emit-index-url --no-header --all-extras --group dev \
	  pyproject.toml --output-file requirements-dev.lock

clean:
	@[ ! -d .neo4j ] || $(PYTHON) -m tests.neo4j_server stop
	rm -rf .neo4j shots $(VENV) .mypy_cache .pytest_cache .ruff_cache lookgraph-demo lookgraph-demo.html

# A stamp is written only when all before it worked, so a broken-off installation is done again.
$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "Lookgraph needs Python 3.10 to 3.13: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "The venv module is missing. On Debian: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/installed: $(VENV)/made pyproject.toml
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/made pyproject.toml requirements-dev.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements-dev.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@ $(VENV)/installed
