#!/bin/sh
# Make .venv from a lock, unless it is already made from exactly this lock, interpreter and folder.
# Usage: requirements/install.sh run|dev, in the root of the checkout; PYTHON chooses the interpreter.
# Every file that pip takes must match a hash of the lock; `dev` holds all of `run`.
set -eu

python=${PYTHON:-python3}
version=$("$python" -c 'import sys; print(sys.version); sys.exit(sys.version_info < (3, 11))') || {
  echo "Python 3.11 or newer is needed, \`$python\` is ${version:-missing}: make PYTHON=python3.12 …" >&2
  exit 2
}

# The folder is part of the key: the scripts of a virtual environment hold its absolute path.
key() { { cat "$@"; echo "$version"; pwd; } | git hash-object --stdin; }

wanted=$(key "requirements/$1.txt")
all=$(key requirements/dev.txt)
made=$(cat .venv/lock.key 2>/dev/null || true)

if [ "$made" != "$wanted" ] && [ "$made" != "$all" ]; then
  echo "making .venv from requirements/$1.txt (once, until the lock changes)" >&2
  # On top of a current `run` environment only the rest of `dev` is missing; else start anew.
  [ -n "$made" ] && [ "$made" = "$(key requirements/run.txt)" ] || "$python" -m venv --clear .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
    -r "requirements/$1.txt"
  echo "$wanted" > .venv/lock.key
fi

project=$(key pyproject.toml)
if [ "$project" != "$(cat .venv/project.key 2>/dev/null || true)" ]; then
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    --no-build-isolation --editable .
  echo "$project" > .venv/project.key
fi
