# The only list of commands. `make demo` and `make test` need Python 3.11 or newer, and make.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# Nothing is compiled ahead: most of what is installed is never imported.
PIP    := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile \
          --constraint constraints.txt

# what `make test` hands to pytest: make test PYTEST_ARGS="tests/engine -k lanes"
PYTEST_ARGS ?=

.PHONY: demo test check wheel packaging bench ledger studies docs lessons images clean

demo: $(VENV)/.demo          ## install, run the article's experiment, say where the pictures are
	$(BIN)/actscope reproduce

test: $(VENV)/.dev           ## every test, doctest and check
	$(MAKE) check
	$(BIN)/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

check: $(VENV)/.dev          ## lint, format, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

wheel: $(VENV)/bin/python    ## dist/*.whl
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

packaging: $(VENV)/.dev      ## the wheel in bare environments: each extra alone, each Python there is
	$(BIN)/python tests/surface/bare.py $(PYTHONS)

bench: $(VENV)/.dev          ## what benchmarks/ measures; see the top of each file for its own command
	$(BIN)/python -m pytest benchmarks --benchmark-only

ledger: $(VENV)/.dev         ## check every claim and write docs/claims.md (minutes)
	$(BIN)/actscope claims --fresh --markdown > docs/claims.md.part
	mv docs/claims.md.part docs/claims.md

docs: $(VENV)/.dev           ## write the generated pages anew, and the site from all of them
	$(BIN)/actscope list --markdown > docs/catalogue.md
	$(BIN)/python -m actscope.probe.pages docs/findings
	$(BIN)/python docs/build_mathematics.py
	$(BIN)/python docs/build_commands.py
	$(BIN)/python docs/build_site.py

studies: $(VENV)/.dev        ## run the built-in studies and write docs/studies.md (minutes)
	$(BIN)/python docs/build_studies.py

lessons: $(VENV)/.dev        ## run the script of every lesson; write its output and figure anew
	$(BIN)/python docs/build_lessons.py

images: $(VENV)/.dev         ## make the pictures of README and docs anew (minutes; Chromium)
	$(BIN)/python docs/build_images.py

clean:                       ## all that make made
	rm -rf $(VENV) dist build site .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("%s is Python %d.%d: expected 3.11 or newer: make PYTHON=python3.12" % ("$(PYTHON)", *sys.version_info[:2]) if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable .
	touch $@

# PyTorch first and alone: only this exact version is the CPU build.
$(VENV)/.dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) "$$(grep '^torch==' constraints.txt)"
	$(PIP) --upgrade pip
	$(PIP) --editable . --group dev
	touch $@ $(VENV)/.demo
