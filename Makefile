# Everything one does with ChatFlow, by name; `make` alone lists it. It needs Python 3.11 or newer
# and any make: plain POSIX rules only, so that the old make of a Mac and a BSD's run it as well.

PYTHON = python3.13 python3.12 python3.11 python3 python
ARGS =

PY = .venv/bin/python
INSTALL = rm -f .venv/requirements*.txt && \
	$(PY) -m pip install -qq --disable-pip-version-check --no-input --require-hashes -r
SAY_WHY = { echo 'The dependencies could not be installed: the network is needed, once.' >&2; exit 1; }
PYTEST = $(PY) -m pytest -n auto --maxprocesses 8
# Passwords that tests type are none; what looks random is a secret, but for the tests' own two.
NO_SECRETS = --disable-plugin KeywordDetector --exclude-files '(^|/)(requirements.*txt|vendor/.*)$$' \
	--exclude-secrets '^(secret|password|p%23ss|b25seSBmb3I.*|eyJhbGciOiJub25lIn0.*)$$'
COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock' pyproject.toml
IS_NEW = import sys; sys.exit(sys.version_info < (3, 11))
IS_WHOLE = import ensurepip, sqlite3, ssl, venv

.PHONY: help run dev test test-services soak bench check lock venv install install-dev

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@echo 'Variables of run and dev: .env.example. Of the tests: ARGS="-k words". Of all: PYTHON=path.'

run: install ## the messenger on http://localhost:8000, with all it needs
	@export DEBUG=0 && $(PY) manage.py prepare && exec $(PY) manage.py serve

dev: install-dev ## the same with DEBUG on, restarting when the code changes
	@export DEBUG=1 && $(PY) manage.py prepare && exec $(PY) manage.py runserver \
	  "$$($(PY) -c 'from chatflow.settings import BIND, PORT; print(BIND, PORT, sep=":")')"

test: install-dev ## the whole suite on SQLite and memory, whatever the shell or .env name
	@DATABASE_URL= REDIS_URL= sh .ci/clean-room $(PYTEST) -m 'not services and not soak' $(ARGS)

test-services: install-dev ## the same and more on the PostgreSQL of DATABASE_URL and the Redis of REDIS_URL
	@$(PY) .ci/services.py
	@sh .ci/clean-room $(PYTEST) -m 'not soak' $(ARGS)

soak: install-dev ## the truth tests that take many minutes, on the same services, with their figures
	@$(PY) .ci/services.py
	@sh .ci/clean-room $(PY) -m pytest tests/truth -m soak -o faulthandler_timeout=0 $(ARGS)

bench: install-dev ## what it does a second and what that costs, here or on DATABASE_URL and REDIS_URL
	@sh .ci/clean-room $(PY) -m tests.load $(ARGS)

check: install-dev ## formatting, lint, types, templates, missing migrations, secrets, advisories
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@find templates -name '*.html' -print0 | xargs -0 .venv/bin/djade --check
	@DATABASE_URL= REDIS_URL= sh .ci/clean-room $(PY) -m mypy
	@DATABASE_URL= REDIS_URL= sh .ci/clean-room $(PY) manage.py makemigrations --check --dry-run
	@DATABASE_URL= REDIS_URL= sh .ci/clean-room $(PY) manage.py check
	@git ls-files -z | xargs -0 .venv/bin/detect-secrets-hook $(NO_SECRETS)
	@$(PY) .ci/audit.py

lock: ## pin pyproject.toml's dependencies anew; ARGS=--upgrade takes newer ones
	@command -v uv >/dev/null || { echo 'make lock needs uv: pip install uv' >&2; exit 1; }
	@$(COMPILE) $(ARGS) --output-file requirements.txt
	@$(COMPILE) $(ARGS) --group dev --constraint requirements.txt --output-file requirements-dev.txt

# What is installed is remembered as a copy of its lock, so that another start compares two files
# and needs no network. The dev lock contains the run lock: either way both are known to be met.
install: venv
	@cmp -s requirements.txt .venv/requirements.txt || { \
	  echo 'Installing dependencies …' && \
	  $(INSTALL) requirements.txt && cp requirements.txt .venv; } || $(SAY_WHY)

install-dev: venv
	@cmp -s requirements.txt .venv/requirements.txt && \
	cmp -s requirements-dev.txt .venv/requirements-dev.txt || { \
	  echo 'Installing dependencies for development …' && \
	  $(INSTALL) requirements-dev.txt && cp requirements*.txt .venv; } || $(SAY_WHY)

# An environment without pip was cut off while it was made, or lost its Python to an upgrade.
venv:
	@$(PY) -c 'import pip; $(IS_NEW)' 2>/dev/null && exit; \
	found=; for python in $(PYTHON); do \
	  "$$python" -c '$(IS_NEW)' 2>/dev/null || continue; found="$$python"; \
	  "$$python" -c '$(IS_WHOLE)' 2>/dev/null || continue; \
	  echo 'Creating .venv …'; exec "$$python" -m venv --clear .venv; \
	done; \
	if test "$$found"; then \
	  why=$$("$$found" -c '$(IS_WHOLE)' 2>&1 | tail -n 1); \
	  echo "$$found is not complete ($$why). On Debian or Ubuntu: sudo apt install python3-venv" >&2; \
	else \
	  echo 'ChatFlow needs Python 3.11 or newer. Install it, or name it: make run PYTHON=/path/to/python3' >&2; \
	fi; exit 1
