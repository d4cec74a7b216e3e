# `make demo` shows hybrid at work on this machine. `make test` checks everything. Both start from nothing but a
# Python 3.11 or newer (PYTHON=/path/to/python names one) and leave nothing outside this folder, except that
# `make test` adds missing system programs where apt-get may be used without a password.

VENV := .venv
BIN := $(VENV)/bin
USE := $(VENV)/.made-for-use
WORK := $(VENV)/.made-for-work
SOAK_MINUTES ?= 15
# `EXTRAS=dev,statistics,rouge,fuzz` adds the fuzzing that is led by coverage.
EXTRAS ?= dev,statistics,rouge
# What the runner carries: it must run on Python 3.10.
CARRIED := cloud_runner sync/mailbox sync/store sync/clock.py sync/errors.py sync/progress.py sync/__init__.py \
    $(addprefix sync/remotes/,__init__.py base.py folder.py names.py opening.py retry.py)

.PHONY: help demo test check fast system-parts clean bench soak engine

help:
	@echo "make demo    see hybrid at work: push, run, pull and grade, all on this machine"
	@echo "make test    everything: system programs, make check, all tests"
	@echo "make check   style, types, layers, the oldest Python of the runner"
	@echo "make fast    the tests that need no server, in about a minute"
	@echo "make bench   time it beside rsync and others, the agent, grading, and part by part, in an hour; docs/performance.md says more"
	@echo "make soak    random histories, lives with an agent, kills of real processes, and fuzzing, for SOAK_MINUTES (15)"
	@echo "make engine  the judges against a real llama.cpp, which is built first, in minutes; no weights are fetched"
	@echo "make clean   remove the environment and the caches"

demo: $(USE)
	@$(BIN)/hybrid demo --folder .demo

test: system-parts check
	HYBRID_REQUIRE_SYSTEM=1 $(BIN)/python -m pytest

check: $(WORK)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/vermin --target=3.10- --no-tips --violations --exclude compression --exclude compression.zstd $(CARRIED)

fast: $(WORK)
	$(BIN)/python -m pytest -q -m "not slow" tests/unit tests/contracts --ignore tests/unit/examples \
	    --ignore tests/unit/sync/ssh --ignore tests/unit/agent/test_doctor_host.py --ignore-glob '*/test_sftp_*'

bench: $(WORK)
	$(BIN)/python -m bench.push
	$(BIN)/python -m bench.agent
	$(BIN)/python -m bench.grade
	$(BIN)/python -m bench.parts

soak: $(WORK)
	$(BIN)/python -W error -m tests.soak --minutes $(SOAK_MINUTES)

engine: $(WORK)
	PYTHON=$(BIN)/python sh tests/engine/build.sh
	$(BIN)/python -m pytest -m engine tests/engine

system-parts:
	@sh tests/system_parts.sh

# Made again when the list of dependencies changes.
$(USE): setup.cfg pyproject.toml
	@PYTHON="$(PYTHON)" sh tests/make_environment.sh $(VENV) .
	@touch $@

$(WORK): setup.cfg pyproject.toml
	@PYTHON="$(PYTHON)" sh tests/make_environment.sh $(VENV) '.[$(EXTRAS)]'
	@touch $@ $(USE)

clean:
	rm -rf $(VENV) .demo build hybrid.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
