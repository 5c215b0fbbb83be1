PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
COMPAT := .venv-compat/.ready
OTHERS := .venv-others/.ready
PARALLEL := -n 3 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench bench-compare bench-growth bench-analytics bench-gateways chaos chaos-budget chaos-clock chaos-gateway chaos-hostile chaos-poison overload flood soak fuzz test-containers compat lock docs clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: $(READY) ## install into .venv

$(READY): requirements/all.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Sluice needs Python 3.11 or newer; name one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing what Sluice needs into .venv (about a minute, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/all.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## the pipeline, end to end, on this machine
	@$(BIN)/sluice demo

test: setup ## unit, contract, SQL and pipeline tests; T=PATH: one folder, file or node id alone
	@$(BIN)/python -m pytest $(if $(wildcard $(or $(T),.)/.),$(PARALLEL)) $(if $(T),'$(T)')

chaos-budget: setup ## 1.00 USD over four workers: spend stops at the limit, also after all processes are killed
	@$(BIN)/python -m tests.chaos.budget

chaos-clock: setup ## clocks of a worker and a sink jump by hours under load (needs a C compiler)
	@$(BIN)/python -m tests.chaos.clock

chaos-gateway: setup ## two HTTP gateways, clients that retry; gateway, worker and Kafka are killed
	@$(BIN)/python -m tests.chaos.gateway

chaos-hostile: setup ## hostile clients of the HTTP gateway: floods, forged requests, guessed keys; memory and an honest client
	@$(BIN)/python -m tests.chaos.hostile_gateway

chaos-poison: setup ## messages that fail in every agent, or end its worker
	@$(BIN)/python -m tests.chaos.poison

overload: setup ## three minutes of requests beyond the providers' capacity, then recovery
	@$(BIN)/python -m tests.chaos.overload

fuzz: setup ## a million invalid requests, records and provider answers each: none ends or blocks a worker
	@$(BIN)/python -m tests.fuzz

flood: setup ## latency of other callers while one floods its topic with unreadable records
	@$(BIN)/python -m tests.chaos.flood

soak: setup ## 20 minutes at 200 requests/s, 15 before them to fill memories: memory, lag, latency; a page in results/soak
	@$(BIN)/python -m tests.soak

test-containers: setup ## the same tests on Kafka and ClickHouse in containers (needs Docker)
	@SLUICE_TEST_CONTAINERS=1 $(BIN)/python -m pytest

compat: setup $(COMPAT) ## suites and clients of others against a local gateway; writes docs/compatibility.md
	@$(BIN)/python -m tests.compat

$(COMPAT): tests/compat/requirements.txt
	@test -x .venv-compat/bin/python || $(PYTHON) -m venv .venv-compat
	@echo "installing suites and clients of others into .venv-compat (some minutes, once)"
	@.venv-compat/bin/python -m pip install --quiet --disable-pip-version-check -r tests/compat/requirements.txt
	@touch $@

bench-gateways: setup $(OTHERS) ## the gateway beside LiteLLM's proxy and Portkey's gateway; QUICK=1: small sizes
	@$(BIN)/python -m tests.bench $(if $(QUICK),--quick) gateways

$(OTHERS): tests/bench/gateways/requirements.txt tests/bench/gateways/package.json
	@test -x .venv-others/bin/python || $(PYTHON) -m venv .venv-others
	@echo "installing gateways of others into .venv-others (some minutes, once)"
	@.venv-others/bin/python -m pip install --quiet --disable-pip-version-check -r tests/bench/gateways/requirements.txt
	@rm -rf .venv-others/node_modules .venv-others/package-lock.json
	@cp tests/bench/gateways/package.json .venv-others/
	@if command -v npm >/dev/null; then cd .venv-others && npm install --no-audit --no-fund --silent; fi
	@touch $@

check: setup ## style, types, imports, dependencies, and the tree's structure
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m tests.lint.regular_expressions
	@$(BIN)/python -m tests.lint.structure
	@$(BIN)/lint-imports
	@$(BIN)/deptry .
	@$(BIN)/deptry tests examples --exclude '^tests/compat/(clients|suites)/' --ignore DEP002,DEP004

bench: setup ## speed as ratios: a table, and results/bench.json; BENCH_DATA=DIR for recorded answers
	@$(BIN)/python -m tests.bench

bench-compare: setup ## this tree beside BASE=COMMIT, three rounds in turn; QUICK=1: small sizes; PARTS="worker sink"
	@test -n '$(BASE)' || { echo "name the commit to compare with: make bench-compare BASE=COMMIT" >&2; exit 1; }
	@$(BIN)/python -m tests.bench compare $(if $(QUICK),--quick) '$(BASE)' $(PARTS)

bench-growth: setup ## cost against partitions, tiers, models, tenants, answers, requests in flight, workers; CELLS="base tiers-6"
	@$(BIN)/python -m tests.bench growth $(CELLS)

bench-analytics: setup ## ten million generated requests: loading, size on disk, time of every query
	@$(BIN)/python -m tests.bench.analytics

chaos: setup ## fault-injection tests with kill -9 and pauses: a table, and results/chaos.json
	@$(BIN)/python -m tests.chaos

docs: setup ## write the generated pages of docs/
	@$(BIN)/python -m infra.reference

lock: ## pin versions again (names and hashes, no address)
	@$(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install --quiet uv
	@.venv-lock/bin/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 --all-extras -o requirements/all.lock pyproject.toml requirements/build.in
	@.venv-lock/bin/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 --extra simulator --extra traces --extra gateway -o requirements/run.lock pyproject.toml requirements/build.in
	@rm -rf .venv-lock

clean: ## remove the environment and the local pipeline's data
	rm -rf .venv .venv-compat .sluice .pytest_cache .mypy_cache .ruff_cache
