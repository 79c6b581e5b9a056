#!/bin/sh
# Write requirements/run.txt and dev.txt anew: exact versions with the hashes of all their files,
# for every platform and Python from 3.11 on, without any index address.
# Versions already in the files stay; `requirements/lock.sh --upgrade` takes the newest.
set -eu

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"${PYTHON:-python3}" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check uv==0.13.9

compile() {
  "$scratch/venv/bin/uv" pip compile --quiet --no-config --universal --python-version 3.11 \
    --generate-hashes --custom-compile-command 'make lock' pyproject.toml "$@"
}
compile "$@" --group build --output-file requirements/run.txt
compile "$@" --group build --group dev --constraints requirements/run.txt \
  --output-file requirements/dev.txt
