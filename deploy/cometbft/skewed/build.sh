#!/usr/bin/env bash
# Builds the pinned CometBFT with a clock that can be set off, for tests. Arguments: where the executable
# goes, and a folder for the changed source.
set -euo pipefail

out=$(realpath "$1")
source=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/.."
module=$(go list -m -f '{{.Dir}}' github.com/cometbft/cometbft)
rm -rf "$source"
cp -r "$module" "$source"
chmod -R u+w "$source"
cp "$here/time.go.txt" "$source/types/time/time.go"
cd "$source"
CGO_ENABLED=0 go build -trimpath -mod=readonly -o "$out" ./cmd/cometbft
