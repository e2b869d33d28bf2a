# run, test, test-long, test-huge, lint, bench: each sets itself up in .venv and needs only Python 3.11 or newer.
# PYTHON=… chooses the Python; HOST, PORT, WEB_CONCURRENCY and USERAPP_* reach the service.
# Without a network: PIP_NO_INDEX=1 PIP_FIND_LINKS=folder-of-wheels make run

.PHONY: run test test-long test-huge lint bench native venv-run venv-test
.DEFAULT_GOAL := run

# A machine may forbid it for its own scripts; compiling ours anew at each start would cost a second every time.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?=
RUN := .venv/bin/python
WORKERS ?= 2

# A Python that is found may still not run (pyenv's shims), be too old, or lack venv (Debian): try each in turn.
define choose_python
	seen=; python=; \
	for name in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
	  path=$$(command -v "$$name") && "$$path" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  seen=$$path; \
	  "$$path" -c 'import ensurepip, venv' 2>/dev/null && { python=$$path; break; }; \
	done; \
	if [ -z "$$seen" ]; then echo "Python 3.11 or newer is needed and none was found (PYTHON=/path/to/python chooses one)." >&2; exit 1; fi; \
	if [ -z "$$python" ]; then echo "$$seen lacks the venv module: apt-get install python3-venv" >&2; exit 1; fi
endef

# $(call stamp,python,files): what .venv was made from, the Python and the locks.
stamp = "$(1)" -I -c 'import hashlib, sys; print(sys.version, *(hashlib.sha256(open(f, "rb").read()).hexdigest() for f in sys.argv[1:]))' $(2) 2>/dev/null | tr '\n' ' '

# $(call current,python,stamp file,files): whether .venv still matches.
current = [ -x $(RUN) ] && [ -f .venv/$(2) ] && [ "$$(cat .venv/$(2))" = "$$($(call stamp,$(1),$(3)))" ]

# $(call install,requirements file,stamp file,files)
define install
	echo "Installing $(1) into .venv …" >&2; \
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-input \
	  --require-hashes --only-binary :all: -r $(1) >.venv/install.log 2>&1 \
	  || { echo "Could not install $(1): is there a network? Details: .venv/install.log; offline: PIP_NO_INDEX=1 PIP_FIND_LINKS=folder" >&2; exit 1; }; \
	$(call stamp,$(RUN),$(3)) >.venv/$(2)
endef

venv-run:
	@$(call current,$(or $(PYTHON),$(RUN)),stamp-run,requirements.txt) && exit 0; \
	$(choose_python); \
	rm -rf .venv; \
	"$$python" -m venv .venv || { echo "$$python could not make .venv" >&2; exit 1; }; \
	$(call install,requirements.txt,stamp-run,requirements.txt)

venv-test: venv-run
	@$(call current,$(RUN),stamp-test,requirements.txt tests/requirements.txt) && exit 0; \
	$(call install,tests/requirements.txt,stamp-test,requirements.txt tests/requirements.txt)

run: venv-run
	@exec $(RUN) deploy/run.py

# A wheel's argon2 is for every processor there is; compiled for this one it takes a third (docs/performance.md).
native: venv-run
	@sed -n '/^argon2-cffi-bindings==/,/[^\\]$$/p' requirements.txt >.venv/argon2.txt
	@CFLAGS="-O3 -march=native" $(RUN) -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps \
	  --force-reinstall --require-hashes --no-binary argon2-cffi-bindings -r .venv/argon2.txt
	@echo "Compiled. Set USERAPP_ARGON2_COMPILED=1 to have passwords hashed by it." >&2

test: venv-test
	$(RUN) -m pytest -q -n $(WORKERS) --dist worksteal -m "not long and not huge" $(ARGS)

test-long: venv-test
	$(RUN) -m pytest -q -n $(WORKERS) --dist worksteal -m "long and not huge" $(ARGS)

test-huge: venv-test
	$(RUN) -m pytest -q -m huge $(ARGS)

lint: venv-test
	$(RUN) -m ruff check --config tests/ruff.toml .
	$(RUN) -m ruff format --check --config tests/ruff.toml .
	$(RUN) -m mypy --strict
	$(RUN) -m bandit --quiet --recursive --severity-level medium userapp deploy

bench: venv-test
	$(RUN) -m bench $(ARGS)
