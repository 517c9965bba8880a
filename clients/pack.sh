#!/usr/bin/env bash
# Packs both packages, as they are published.
#
#   clients/pack.sh FOLDER
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
root=$(cd "$here/.." && pwd)
made=$root/target/clients

# Of copies: each gets the licence, and setuptools leaves its work beside the sources.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
tar -C "$here" --exclude node_modules --exclude __pycache__ -c js py | tar -C "$copy" -x
cp "$root/LICENSE" "$copy/js"
cp "$root/LICENSE" "$copy/py"
(cd "$copy/js" && npm pack --silent --pack-destination "$out") > /dev/null
PYTHONPATH=$made/python python3 -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
    --wheel-dir "$out" "$copy/py"
