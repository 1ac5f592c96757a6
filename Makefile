# Everything sets itself up: only Python 3.11+ and make are needed.
#   make install    the command .venv/bin/readiness
#   make demo       from nothing to a scored lead database and a report, in four minutes
#   make bpic2012   the same on a real bank's log (examples/bpic2012/README.md)
#   make quick      check and the fast tests, side by side: under 90 seconds
#   make check      formatting, lint, types and import rules; runs no test
#   make test       check, then the tests but for the long ones (notebooks, Spark, servers)
#   make test-all   check, then every test: what CI runs
#   make coverage   test-all, and which lines no test runs (takes half as long again)
#   make format     formats, and mends what lint can mend
#   make notebooks  runs the notebooks and stores what they print and draw
#   make bench      features beside pandas, Polars and SQL (docs/benchmarks.md)
#   make docs       the documentation as a site, site/index.html; a broken link fails
#   make pictures   those of docs/pages.md, in Chromium
#   make clean      removes all that the others made

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests run side by side, so each keeps to one thread.
SIDE_BY_SIDE := OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder
READY := $(VENV)/.installed
SPARK := $(VENV)/.spark
DEMO := demo
LEADS ?= 12000
# What `make quick` tests, beside its slow ones: names, words, settings, contract, statistics, rules.
FAST := tests/features/spec tests/features/contract tests/features/test_config.py tests/models \
  tests/readiness/test_help.py tests/test_house.py

.PHONY: install demo bpic2012 quick fast check lint types imports test test-all coverage format notebooks bench docs pictures clean

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; v = sys.version_info; v >= (3, 11) or sys.exit( \
	  f'Python 3.11 or newer is needed, this is {v[0]}.{v[1]}: make PYTHON=python3.12 ...')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

# Spark runs in Java, so only where there is one are its packages worth their 500 MB.
$(SPARK): $(READY)
	@if command -v java >/dev/null || [ -n "$$JAVA_HOME" ]; then \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	    -e ".[dev,spark]"; \
	else echo 'No Java: the tests of engine.kind = "spark" are skipped.'; fi
	@touch $@

install: $(READY)

demo: $(READY)
	rm -rf $(DEMO)
	$(BIN)/readiness simulate $(DEMO) --leads $(LEADS)
	$(BIN)/readiness init $(DEMO)
	$(BIN)/readiness check $(DEMO)
	$(BIN)/readiness train $(DEMO)
	$(BIN)/readiness promote $(DEMO)
	$(BIN)/readiness score $(DEMO)
	$(BIN)/readiness compare $(DEMO)
	@echo "MLflow UI: $(BIN)/mlflow ui --backend-store-uri sqlite:///$(DEMO)/out/mlflow.db"

bpic2012: $(READY)
	$(BIN)/readiness check examples/bpic2012
	$(BIN)/readiness train examples/bpic2012
	$(BIN)/readiness promote examples/bpic2012 || test $$? -eq 1
	$(BIN)/readiness score examples/bpic2012
	$(BIN)/readiness compare examples/bpic2012

# mypy runs on one core, the tests on what is left.
quick: $(READY)
	@$(MAKE) --no-print-directory -j 2 types fast lint imports

check: lint types imports

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports

fast: $(READY)
	$(SIDE_BY_SIDE) -m "not slow" $(FAST)

test: check
	$(SIDE_BY_SIDE) -m "not long"

test-all: check $(SPARK)
	$(SIDE_BY_SIDE) $(COVERED)

coverage: COVERED := --cov --cov-report=term:skip-covered
coverage: test-all

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

notebooks: $(READY)
	$(BIN)/python notebooks/refresh.py $(ONLY)

bench: $(READY)
	$(BIN)/python -m benchmarks.features

# Where it is read from a server, its search works: python3 -m http.server --directory site
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "site/index.html; with search: $(PYTHON) -m http.server --directory site"

pictures: $(READY)
	$(BIN)/python docs/pictures.py

clean:
	rm -rf $(DEMO) site $(VENV) examples/*/out .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
