# The tasks of development and operation; `make` alone lists them. They need Python 3.11 or newer and
# any make: only POSIX rules are used, so that the makes of macOS and BSD work as well.

PYTHON = python3.13 python3.12 python3.11 python3 python
ARGS =

PY = .venv/bin/python
INSTALL = rm -f .venv/requirements*.txt && \
	$(PY) -m pip install -qq --disable-pip-version-check --no-input --require-hashes -r
REPORT = { echo 'The dependencies could not be installed: the network is needed, once.' >&2; exit 1; }
PYTEST = $(PY) -m pytest -n auto --maxprocesses 8 --dist worksteal
# What a change of a service, the API or a socket breaks first. Query counts, export, pictures, the search
# index and random operations take longer and are left out.
CORE = tests/accounts tests/conversations tests/messaging tests/sockets tests/live \
	--ignore-glob='*costs.py' --ignore-glob='*test_search_*.py' --ignore=tests/messaging/test_export.py \
	--ignore=tests/messaging/test_invariants.py --ignore=tests/messaging/test_encryption.py \
	--ignore=tests/accounts/test_avatar.py --ignore=tests/accounts/test_unicode.py \
	--ignore=tests/accounts/test_directory.py --ignore=tests/accounts/test_names.py
# These start processes of their own or need no database, so one run of them, on SQLite, is enough.
SQLITE_ONLY = --ignore=tests/test_makefile.py --ignore=tests/test_start.py \
	--ignore=tests/chatflow/test_server.py --ignore=tests/documents/test_readme.py \
	--ignore=tests/documents/test_client.py
ON_SQLITE = DATABASE_URL= REDIS_URL= sh .ci/clean-room
# Passwords in tests are no secrets, so only strings that look random count, except those of tests.
NO_SECRETS = --disable-plugin KeywordDetector --exclude-files '(^|/)(requirements.*txt|vendor/.*|package-lock.json)$$' \
	--exclude-secrets '^(secret|password|p%23ss|b25seSBmb3I.*|eyJhbGciOiJub25lIn0.*)$$'
COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock' pyproject.toml
IS_NEW = import sys; sys.exit(sys.version_info < (3, 11))
IS_WHOLE = import ensurepip, sqlite3, ssl, venv

.PHONY: help run dev test test-core test-js coverage test-services soak bench check lock venv install install-dev install-js

help: ## list these tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@echo 'Variables: those of .env.example for run and dev, ARGS="-k words" for tests, PYTHON=path for all.'

run: install ## install, prepare and serve ChatFlow on http://localhost:8000
	@export DEBUG=0 && $(PY) manage.py prepare && exec $(PY) manage.py serve

dev: install-dev ## the same with DEBUG on; restarts when the code changes
	@export DEBUG=1 && $(PY) manage.py prepare && exec $(PY) manage.py runserver \
	  "$$($(PY) -c 'from chatflow.settings import BIND, PORT; print(BIND, PORT, sep=":")')"

test: install-dev ## all tests that need no PostgreSQL and Redis, on SQLite
	@$(ON_SQLITE) $(PYTEST) -m 'not services and not soak' $(ARGS)

test-core: install-dev ## services, API and sockets on SQLite, without browsers, servers and fuzzing
	@$(ON_SQLITE) $(PYTEST) -m 'not services and not soak' $(CORE) $(ARGS)

coverage: install-dev ## test-core, and how much of the code it runs
	@rm -f .coverage .coverage.*
	@$(ON_SQLITE) $(PY) -m coverage run -m pytest -q -n auto --maxprocesses 8 \
	  -m 'not services and not soak' $(CORE) $(ARGS)
	@$(PY) -m coverage combine -q && $(PY) -m coverage report

test-services: install-dev ## the tests on the PostgreSQL of DATABASE_URL and the Redis of REDIS_URL
	@$(PY) .ci/services.py
	@sh .ci/clean-room $(PYTEST) -m 'not soak' $(SQLITE_ONLY) $(ARGS)

test-js: install-js ## lint, types and unit tests of static/js, where Node is installed
	@! command -v npm >/dev/null || { npm run --silent check && npm test --silent; }

soak: install-dev ## the long resilience tests (many minutes), on the same services, with their figures
	@$(PY) .ci/services.py
	@sh .ci/clean-room $(PY) -m pytest tests/resilience -m soak -o faulthandler_timeout=0 $(ARGS)

bench: install-dev ## measure throughput and cost, on SQLite or DATABASE_URL and REDIS_URL
	@sh .ci/clean-room $(PY) -m tests.load $(ARGS)

check: install-dev ## formatting, lint, types, templates, missing migrations, secrets, advisories
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@find templates -name '*.html' -print0 | xargs -0 .venv/bin/djade --check
	@$(ON_SQLITE) $(PY) -m mypy
	@$(ON_SQLITE) $(PY) manage.py makemigrations --check --dry-run
	@$(ON_SQLITE) $(PY) manage.py check
	@git ls-files -z | xargs -0 .venv/bin/detect-secrets-hook $(NO_SECRETS)
	@$(PY) .ci/audit.py

lock: ## pin the dependencies of pyproject.toml; ARGS=--upgrade takes newer versions
	@command -v uv >/dev/null || { echo 'make lock needs uv: pip install uv' >&2; exit 1; }
	@$(COMPILE) $(ARGS) --output-file requirements.txt
	@$(COMPILE) $(ARGS) --group dev --constraint requirements.txt --output-file requirements-dev.txt

# A copy of the installed lock file is kept in .venv, so that the next start only compares two files
# and needs no network. The development lock contains the other one, so it satisfies both.
install: venv
	@cmp -s requirements.txt .venv/requirements.txt || { \
	  echo 'Installing dependencies …' && \
	  $(INSTALL) requirements.txt && cp requirements.txt .venv; } || $(REPORT)

install-dev: venv
	@cmp -s requirements.txt .venv/requirements.txt && \
	cmp -s requirements-dev.txt .venv/requirements-dev.txt || { \
	  echo 'Installing dependencies for development …' && \
	  $(INSTALL) requirements-dev.txt && cp requirements*.txt .venv; } || $(REPORT)

# Only for checks and unit tests: the messenger needs neither Node nor a build step.
install-js:
	@! command -v npm >/dev/null || cmp -s package-lock.json node_modules/package-lock.json || { \
	  npm ci --silent --ignore-scripts --no-audit --no-fund && cp package-lock.json node_modules; } || $(REPORT)

# An environment without pip was not created completely, or lost its Python to an upgrade.
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
