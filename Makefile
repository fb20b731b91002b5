# Two commands do everything: `make demo` shows the main job, `make test` passes the tests.
# Everything lands in this checkout: .venv (Python), .cache (a real Asterisk), var (data).

PYTHON ?= python3
JOBS ?= 3
MINUTES ?= 20
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed

.PHONY: help install demo test check programs bench-ami bench-journal bench-policy bench-pop bench-queue bench-rate bench-resync bench-search soak lock vendor screenshots clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

install: $(RUNTIME) ## Prepare .venv with the `ringdesk` command

demo: $(RUNTIME) ## A real call on a real Asterisk, the customer popping up in the browser
	@$(BIN)/ringdesk demo $(ARGS)

test: $(DEV) programs check ## Run every check and every test (under 10 minutes)
	@$(BIN)/python -m pytest --numprocesses=$(JOBS) --dist=loadfile $(ARGS)

check: $(DEV) ## Style, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

programs: ## The programs which the tests drive: SIPp, Chromium, espeak-ng, PostgreSQL
	@tools/programs sipp chromium espeak-ng postgresql

$(RUNTIME): requirements.lock pyproject.toml tools/venv
	@tools/venv $(PYTHON) $(VENV) requirements.lock
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

bench-ami: $(DEV) ## AMI bytes to domain events, against panoramisk: CPU, memory, cuts
	@$(BIN)/python -m bench.ami $(ARGS)

bench-journal: $(DEV) programs ## The journal's writer against an ORM, on SQLite and PostgreSQL
	@$(BIN)/python -m bench.journal $(ARGS)

bench-policy: $(DEV) ## The default policy against three others in the policy lab
	@PYTHONPATH=.:queue $(BIN)/python -m bench.policy $(ARGS)

bench-pop: $(DEV) ## Screen-pop, AMI line to browser, against panoramisk + aiohttp and a byte relay
	@$(BIN)/python -m bench.pop $(ARGS)

bench-queue: $(DEV) ## The order of waiting callers: time per event at 10,000 waiting, moves sent
	@PYTHONPATH=.:queue $(BIN)/python -m bench.queue $(ARGS)

bench-rate: $(DEV) programs ## What Ringdesk takes of the CPU beside its Asterisk at 40 calls a second
	@$(BIN)/python -m bench.rate $(ARGS)

bench-resync: $(DEV) ## How long until 500 live calls are whole again after a restart
	@$(BIN)/python -m bench.resync $(ARGS)

bench-search: $(DEV) programs ## The search over a million segments of what was said, on both databases
	@$(BIN)/python -m bench.search $(ARGS)

soak: $(DEV) programs ## SIPp at 20 calls/s for MINUTES=20: every count equal, memory flat
	@$(BIN)/python -m bench.soak --minutes $(MINUTES) $(ARGS)

lock: ## Pin the dependencies anew (needs uv)
	uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --upgrade -o requirements.lock
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -c requirements.lock --upgrade -o requirements-dev.lock

vendor: ## Fetch the browser libraries anew, as tools/vendor.py lists them
	$(PYTHON) tools/vendor.py

screenshots: $(DEV) programs ## Take the pictures of the documentation from a running demo (minutes)
	@PYTHONPATH=.:queue $(BIN)/python tools/screenshot.py

clean: ## Remove what install, demo and test have made
	rm -rf $(VENV) .cache var
