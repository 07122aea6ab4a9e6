PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CHECKOV := .venv-checkov
CHECKOV_VERSION := 3.3.30
NODE_MODULES := tests/node/node_modules
CLIENTS := .venv-clients
RELEASE := .venv-release
# The releases of Python that compile the provider and its loader.
PYTHONS ?= $(shell cat releasing/pythons.txt)
FUZZ_SECONDS ?= 600
CHECKED := cfn_injector wrapper example_hitcounter example_rollup example_streambot benchmarks pictures reference templates releasing tests

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DELETE_ON_ERROR:
.PHONY: help demo test lint docs docs-links pictures reference bench bench-event bench-reading fuzz real-projects real-clients mutants clean
.PHONY: recordings first-steps dist release lock

help:
	@echo "make demo   deploy the hit counter to an emulator on this machine"
	@echo "make test   run the tests"
	@echo "make lint   check style, spelling, types, layers and templates"
	@echo "make docs   build the documentation as a site (in build/docs)"
	@echo "make pictures  draw the pictures of the documentation"
	@echo "make docs-links  ask for every page on the web that the documentation and the code link to"
	@echo "make reference  write the reference in docs/ anew, from the code"
	@echo "make bench  measure the cost of rewriting an archive (ARGS=--large takes minutes more)"
	@echo "make bench-event  measure a whole event at Lambda's shares of a CPU (ARGS='--against COMMIT' compares)"
	@echo "make bench-reading  measure the cost of reading the variables when a function starts"
	@echo "make fuzz   search for archives that are rewritten wrongly (for FUZZ_SECONDS=600)"
	@echo "make real-projects  bundle what public projects require, for all runtimes (needs an index; takes an hour)"
	@echo "make real-clients  deploy to an emulator with AWS CDK, Serverless, SAM CLI and AWS CLI (downloads 1.3 GB)"
	@echo "make recordings  run the demo and the quick start, and write what they print to docs/recorded-runs.md"
	@echo "make first-steps  do what README and quick start say, in empty folders, and measure it (takes ten minutes)"
	@echo "make mutants  break the provider on purpose and check that tests fail (takes half an hour)"
	@echo "make dist   build what a release publishes: packages, the provider, its bill of materials, checksums (in dist/)"
	@echo "make release  the same, if the version is ready to be published (CONTRIBUTING.md)"
	@echo "make lock   write the versions that a release is built from (ARGS=--upgrade takes newer ones)"
	@echo "make clean  remove environments, caches and build results"

# Recreated when the dependencies change, so that no old package remains. pip before 23.1 records no list of files for a
# package without a wheel, and the provider's zip is built from these lists. The provider's packages have the versions of
# a release.
$(VENV)/.made: setup.cfg pyproject.toml releasing/provider.txt
	@echo "creating $(VENV)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -qq 'pip>=23.1'
	@sed -n 's/^\([A-Za-z].*==[^ ]*\).*/\1/p' releasing/provider.txt >$(VENV)/constraints.txt
	@touch $@

$(VENV)/.demo $(VENV)/.test $(VENV)/.lint $(VENV)/.bench $(VENV)/.fuzz $(VENV)/.docs: $(VENV)/.%: $(VENV)/.made
	@echo "installing what 'make $*' needs"
	@$(BIN)/pip install -qq --constraint $(VENV)/constraints.txt --editable '.[$(EXTRAS_$*)]'
	@touch $@

EXTRAS_demo := local
EXTRAS_test := test
EXTRAS_lint := test,lint
EXTRAS_bench := test
EXTRAS_fuzz := fuzz
EXTRAS_docs := docs

# A separate environment, because checkov pins a boto3 that is older than the provider's.
$(CHECKOV)/.made-$(CHECKOV_VERSION):
	@echo "installing checkov"
	@rm -rf $(CHECKOV)
	@$(PYTHON) -m venv $(CHECKOV)
	@$(CHECKOV)/bin/pip install -qq checkov==$(CHECKOV_VERSION)
	@touch $@

# Parsers that the Node.js reader is compared with, and AWS's runtime clients. Without npm or its registry, the tests that
# need them are skipped, and say so.
$(NODE_MODULES)/.made: tests/node/package.json tests/node/package-lock.json
	@command -v npm >/dev/null || exit 0; \
	echo "installing parsers and runtime clients for Node.js"; \
	cd tests/node && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null && touch node_modules/.made \
	|| echo "they could not be installed; tests that need them will skip"

demo: $(VENV)/.demo
	@$(BIN)/python -m example_hitcounter

test: $(VENV)/.test $(NODE_MODULES)/.made
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal $(ARGS)

lint: $(VENV)/.lint $(CHECKOV)/.made-$(CHECKOV_VERSION)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/codespell
	@$(BIN)/mypy $(CHECKED)
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/zizmor --offline --quiet --no-progress .github/workflows action.yml
	@$(BIN)/cfn-injector lint templates/*.yaml example_*/template.yaml --role-path /cfn-injector/
	@CKV_SKIP_PACKAGE_UPDATE_CHECK=True CKV_PARSE_ERROR_FAIL=True $(CHECKOV)/bin/checkov \
		--directory templates --directory example_rollup --directory example_streambot \
		--framework cloudformation --skip-download --quiet --compact

docs: $(VENV)/.docs
	@$(BIN)/sphinx-build --quiet --fail-on-warning --nitpicky --builder html docs build/docs
	@echo "build/docs/index.html"

pictures:
	@$(PYTHON) -m pictures

# Prints the links that are broken (then it fails) or have moved. Reads all files afresh, as not only pages have links.
docs-links: $(VENV)/.docs
	@$(BIN)/sphinx-build --quiet --fresh-env --builder linkcheck docs build/docs-links
	@echo "no link is broken"

reference: $(VENV)/.docs
	@$(BIN)/python -m reference

bench: $(VENV)/.bench
	@mkdir -p build
	@$(BIN)/python -m benchmarks.rewrite --json $(ARGS) >build/rewriting.json
	@$(BIN)/python -m benchmarks.rewrite --from build/rewriting.json

bench-event: $(VENV)/.bench
	@mkdir -p build
	@$(BIN)/python -m benchmarks.event --json $(ARGS) >build/event.json
	@$(BIN)/python -m benchmarks.event --from build/event.json

bench-reading: $(VENV)/.test $(NODE_MODULES)/.made
	@mkdir -p build
	@$(BIN)/python -m benchmarks.reader --json $(ARGS) >build/reading.json
	@$(BIN)/python -m benchmarks.reader --from build/reading.json

fuzz: $(VENV)/.fuzz
	@$(BIN)/python -m tests.fuzz $(FUZZ_SECONDS)

real-projects: $(VENV)/.test
	@$(BIN)/python -m tests.real_projects $(ARGS)

# The clients of users, each in an environment of its own, because they pin what they need.
$(CLIENTS)/cdk/.made: examples/cdk-python/requirements.txt
$(CLIENTS)/awscli/.made: tests/real_clients/awscli.txt
$(CLIENTS)/sam/.made: tests/real_clients/sam.txt
$(CLIENTS)/%/.made:
	@echo "installing $* in $(@D)"
	@rm -rf $(@D)
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/pip install -qq --requirement $^
	@touch $@

examples/cdk-typescript/node_modules/.made: examples/cdk-typescript/package-lock.json
examples/serverless/node_modules/.made: examples/serverless/package-lock.json
examples/%/node_modules/.made:
	@echo "installing what examples/$* needs"
	@cd examples/$* && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

real-clients: $(VENV)/.test $(CLIENTS)/cdk/.made $(CLIENTS)/awscli/.made $(CLIENTS)/sam/.made
real-clients: examples/cdk-typescript/node_modules/.made examples/serverless/node_modules/.made
	@REAL_CLIENTS=1 $(BIN)/python -m pytest tests/real_clients tests/test_cdk_examples.py $(ARGS)

recordings: $(VENV)/.test $(VENV)/.demo $(CLIENTS)/awscli/.made
	@$(BIN)/python -m tests.recordings $(ARGS)
	@$(BIN)/python -m pictures

first-steps: $(VENV)/.test $(CLIENTS)/awscli/.made
	@$(BIN)/python -m tests.first_steps $(ARGS)

mutants: $(VENV)/.test
	@$(BIN)/python -m tests.mutants $(ARGS)

# What builds a release. The provider's packages come after setuptools, which builds those that have no wheel.
$(RELEASE)/.made: releasing/provider.txt releasing/tools.txt
	@echo "creating $(RELEASE)"
	@rm -rf $(RELEASE)
	@$(PYTHON) -m venv $(RELEASE)
	@$(RELEASE)/bin/pip install -qq $(PINNED) --only-binary :all: --requirement releasing/tools.txt
	@$(RELEASE)/bin/pip install -qq $(PINNED) --no-build-isolation --use-pep517 --requirement releasing/provider.txt
	@touch $@

PINNED := --require-hashes --no-deps

dist: $(RELEASE)/.made
	@$(RELEASE)/bin/python -m releasing.dist dist

# As 'make dist', in a new environment, and only what can be published.
release:
	@$(PYTHON) -m releasing.preconditions
	@rm -rf $(RELEASE)
	@$(MAKE) --no-print-directory $(RELEASE)/.made
	@$(RELEASE)/bin/python -m releasing.dist dist --pythons $(PYTHONS)

lock: $(VENV)/.made
	@$(BIN)/pip install -qq "$$(grep -o 'uv==[0-9.]*' setup.cfg)"
	@$(LOCK) --output-file releasing/provider.txt $(ARGS) setup.cfg
	@grep -o 'uv==[0-9.]*' setup.cfg | $(LOCK) --output-file releasing/uv.txt -
	@$(LOCK) --output-file releasing/tools.txt $(ARGS) --constraint releasing/provider.txt releasing/tools.in

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-annotate \
	--custom-compile-command "make lock"

clean:
	@rm -rf $(VENV) $(CHECKOV) $(NODE_MODULES) $(CLIENTS) $(RELEASE) examples/*/node_modules build dist *.egg-info
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
