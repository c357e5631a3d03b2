# Everything runs in a virtual environment of its own, .venv; `make help` lists what there is.

PYTHON ?= python3
PORT ?= 5000
WORKERS ?= 2
TESTS ?= tests
# .env says which mode; without a word, the demo
export CERCLE_ENV ?= $(or $(shell sed -n 's/^CERCLE_ENV=//p' .env 2>/dev/null),demo)
BIN := .venv/bin
READY := .venv/.ready
FLASK := $(BIN)/python -m flask --app app
CATALOGUES := $(wildcard translations/*/LC_MESSAGES/messages.po)
COMPILED := $(CATALOGUES:.po=.mo)

.DEFAULT_GOAL := help
.PHONY: help setup run test lint types audit bench migrate translations texts

help: ## show this list
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make the environment in .venv; does nothing when it is up to date

$(READY): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed: make setup PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "Python cannot make environments here: install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

translations: $(READY) $(COMPILED) ## compile the French texts

%.mo: %.po | $(READY)
	$(BIN)/pybabel compile --input-file $< --output-file $@ --locale $(word 2,$(subst /, ,$<))

texts: $(READY) ## gather new texts into the French catalogue, to be translated there
	$(BIN)/pybabel -q extract -F babel.cfg -k lazy_gettext -k _l -k lazy_pgettext:1c,2 --add-location=file --sort-by-file -o .venv/messages.pot .
	$(BIN)/pybabel -q update -i .venv/messages.pot -d translations -l fr -w 100 --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date

migrate: $(READY) ## bring the database of DATABASE_URL up to date
	@$(FLASK) db upgrade

run: $(READY) translations ## serve the demo brand on http://127.0.0.1:5000 (PORT=5001 for another)
	@$(FLASK) db upgrade
	@test "$(CERCLE_ENV)" != demo || $(FLASK) demo load
	@exec $(FLASK) serve --port $(PORT) --workers $(WORKERS)

test: export CERCLE_ENV = test
test: $(READY) translations ## run the whole suite (TESTS=tests/core for a part of it)
	$(BIN)/python -m pytest -n 2 --dist worksteal -q -ra $(TESTS)

lint: $(READY) ## style, likely bugs, known holes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/bandit --quiet --recursive --severity-level high . --exclude ./.venv,./tests,./benchmarks

audit: $(READY) ## known holes in what we install; needs the network
	$(BIN)/pip-audit --requirement requirements.txt

types: $(READY) ## mypy, strict
	$(BIN)/mypy .

bench: $(READY) ## speed, as ratios beside a limit measured in the same run
	$(BIN)/python -m benchmarks $(BENCH)
