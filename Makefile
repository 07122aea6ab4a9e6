PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CHECKED := cfn_injector wrapper example_hitcounter tests

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DELETE_ON_ERROR:
.PHONY: help demo test lint clean

help:
	@echo "make demo   deploy the hit counter to an emulator on this machine"
	@echo "make test   run the tests"
	@echo "make lint   check style, types, layers and templates"
	@echo "make clean  remove .venv, caches and what was built"

# Made anew whenever the dependencies changed, so that nothing of an older set stays behind. Before 23.1, pip installed
# what has no wheel without a list of its files, and the provider's zip is made by these lists.
$(VENV)/.made: setup.cfg pyproject.toml
	@echo "making $(VENV)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -qq 'pip>=23.1'
	@touch $@

$(VENV)/.demo $(VENV)/.test $(VENV)/.lint: $(VENV)/.%: $(VENV)/.made
	@echo "installing what 'make $*' needs"
	@$(BIN)/pip install -qq --editable '.[$(EXTRAS_$*)]'
	@touch $@

EXTRAS_demo := demo
EXTRAS_test := test
EXTRAS_lint := test,lint

demo: $(VENV)/.demo
	@$(BIN)/python -m example_hitcounter

test: $(VENV)/.test
	@$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.lint
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy $(CHECKED)
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/cfn-lint templates/*.yaml

clean:
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
