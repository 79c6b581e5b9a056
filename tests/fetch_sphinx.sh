#!/usr/bin/env bash
# Make an environment with the oldest Sphinx that the kernel's documentation takes, 3.4.3
# (Documentation/sphinx/min_requirements.txt), to load matrix.integrations.sphinx in.
# Usage: tests/fetch_sphinx.sh DIR; PYTHON chooses an interpreter of 3.11 or 3.12.
# From 3.13 on the standard library lacks what that Sphinx imports.
set -euo pipefail

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))'
[[ -x $1/bin/sphinx-build ]] && exit 0
"$python" -m venv --clear "$1"
# The sphinxcontrib-* before those that ask for Sphinx 5.
"$1/bin/python" -m pip install --quiet --disable-pip-version-check \
  sphinx==3.4.3 docutils==0.16 jinja2==3.0.3 markupsafe==2.0.1 'alabaster<0.7.14' 'setuptools<80' \
  'sphinxcontrib-applehelp<1.0.5' 'sphinxcontrib-devhelp<1.0.3' 'sphinxcontrib-htmlhelp<2.0.2' \
  'sphinxcontrib-qthelp<1.0.4' 'sphinxcontrib-serializinghtml<1.1.6'
