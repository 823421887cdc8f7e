# make demo   the environment, the sample collection, the chat page
# make test   the environment and every test
# make screenshots  pictures of every view of the page, into the folder screenshots
# make check  format, lint, types, and whether the help in the documentation is the help that the command prints

PYTHON ?= python3
BIN := .venv/bin
DEMO_LIBRARY ?= .demo-library
PORT ?= 7860

SCREENSHOTS ?= screenshots

.PHONY: install demo test screenshots check help-doc clean

install: .venv/.installed

.venv/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Dateline needs Python 3.11 or newer; name one with: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: install
	$(BIN)/dateline index seeds --library $(DEMO_LIBRARY)
	$(BIN)/dateline serve --library $(DEMO_LIBRARY) --port $(PORT)

# Three processes with one core each, since most tests wait for a disk, a browser or a child process; a file's tests,
# which may share what is dear to make, stay in one.
test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadscope --no-loadscope-reorder

screenshots: install
	$(BIN)/python tests/screenshots.py $(SCREENSHOTS)

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m ui.help_page --check docs/help.md

help-doc: install
	$(BIN)/python -m ui.help_page docs/help.md

clean:
	rm -rf .venv .demo-library screenshots build *.egg-info .mypy_cache .ruff_cache
