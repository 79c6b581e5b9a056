#!/usr/bin/env bash
# Fetch a Python of another Debian suite: FOLDER/usr/bin/python is it. Default: 3.14 of sid, the newest that
# every dependency has wheels for. For tests/test_plain_install.py: MATRIX_NEWEST_PYTHON=FOLDER/usr/bin/python.
# Nothing is installed: the packages and all that they need, the C library too, are looked up with an apt state of
# their own, and unpacked.
set -euo pipefail
folder=${1:?usage: tests/fetch_python.sh FOLDER [VERSION [SUITE]]}
version=${2:-3.14}
suite=${3:-sid}
rm -rf "$folder"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The mirror that this machine uses already.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 '/debian/$')
mkdir -p "$scratch/lists/partial" "$scratch/archives/partial"
echo "deb $mirror $suite main" >"$scratch/sources.list"
touch "$scratch/status" # as if nothing were installed
options=(
  -qq -o Dir::Etc::sourcelist="$scratch/sources.list" -o Dir::Etc::sourceparts=/nonexistent
  -o Dir::State::lists="$scratch/lists" -o Dir::Cache::archives="$scratch/archives"
  -o Dir::State::status="$scratch/status" -o Debug::NoLocking=1
  -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root
)
apt-get "${options[@]}" update
apt-get "${options[@]}" install --yes --download-only --no-install-recommends \
  "python$version" python3-pip-whl >/dev/null
for package in "$scratch"/archives/*.deb; do
  dpkg -x "$package" "$folder"
done

# Built against a newer C library than this machine may have: run with that library.
loader=$(find "$folder" -name 'ld-linux*.so.[0-9]' | head -n1)
libraries=$(dirname "$(find "$folder" -name libc.so.6 | head -n1)")
cat >"$folder/usr/bin/python" <<SCRIPT
#!/bin/sh
exec "$loader" --argv0 "\$0" --library-path "$libraries" "$folder/usr/bin/python$version" "\$@"
SCRIPT
chmod +x "$folder/usr/bin/python"
"$folder/usr/bin/python" --version
