#!/usr/bin/env bash
# Fetches what checks HTML pages as others do, into DIR: axe-core, html-validate and the Nu checker.
# They are npm packages; the last one needs a Java to run. Usage: page_tools.sh DIR
set -euo pipefail
mkdir -p "$1"
cd "$1"
[[ -e package.json ]] || echo '{"private": true}' >package.json
# vnu-jar would fetch a Java of its own after it is installed.
npm install --silent --no-fund --no-audit --ignore-scripts axe-core@4 html-validate@9 vnu-jar@26
