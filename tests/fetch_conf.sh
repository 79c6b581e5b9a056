#!/usr/bin/env bash
# Fetch the kernel's own `conf` of each release from Debian's linux-kbuild packages: FOLDER/<release>/conf.
# For tests/test_kconfig_trees.py: MATRIX_CONF=FOLDER. What Debian no longer has is left out, and its tests are skipped.
# Nothing is installed: the packages of other suites are looked up with an apt state of their own, and unpacked.
set -euo pipefail
folder=${1:?usage: tests/fetch_conf.sh FOLDER}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The mirror that this machine uses already.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 '/debian/$')
mkdir -p "$scratch/lists/partial" "$scratch/archives/partial"
for suite in bullseye bookworm sid experimental; do
  echo "deb $mirror $suite main"
done >"$scratch/sources.list"
options=(
  -qq -o Dir::Etc::sourcelist="$scratch/sources.list" -o Dir::Etc::sourceparts=/nonexistent
  -o Dir::State::lists="$scratch/lists" -o Dir::Cache::archives="$scratch/archives"
  -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root
)
apt-get "${options[@]}" update || true
names=$(
  apt-cache "${options[@]}" search --names-only '^linux-kbuild-[0-9]' | cut -d' ' -f1
  apt-cache search --names-only '^linux-kbuild-[0-9]' | cut -d' ' -f1
)
names=$(sort -Vu <<<"$names")
download() {
  apt-get "${options[@]}" download "$1" 2>/dev/null || apt-get -qq -o APT::Sandbox::User=root download "$1"
}

(cd "$scratch" && download libc6 && dpkg -x libc6_*.deb libc)
loader=$(find "$scratch/libc" -name 'ld-linux*.so*' | head -n1)
mkdir -p "$folder/libc"
cp -L "$(dirname "$loader")"/ld-linux*.so* "$(dirname "$loader")"/libc.so.6 "$folder/libc/" 2>/dev/null ||
  cp -L "$loader" "$(find "$scratch/libc" -name libc.so.6)" "$folder/libc/"

for release in 5.10 6.1 6.12 7.2 7.3; do
  package=$(grep -E "^linux-kbuild-${release//./[.]}([^0-9].*)?$" <<<"$names" | tail -n1 || true)
  [[ -n $package ]] || continue
  (cd "$scratch" && download "$package" && dpkg -x "$package"_*.deb "$release") || continue
  binary=$(find "$scratch/$release" -path '*/scripts/kconfig/conf' | head -n1)
  [[ -n $binary ]] || continue
  mkdir -p "$folder/$release"
  cp "$binary" "$folder/$release/conf.bin"
  # Built against a newer C library than this machine may have: run with that library.
  printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' \
    "$folder/libc/$(basename "$loader")" "$folder/libc" "$folder/$release/conf.bin" >"$folder/$release/conf"
  chmod +x "$folder/$release/conf"
  echo "$release: $package"
done
