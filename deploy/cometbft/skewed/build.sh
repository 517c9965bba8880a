#!/usr/bin/env bash
# Builds the pinned CometBFT with a clock that can be set off and a disk that can be slow or full, for tests.
# Arguments: where the executable goes, and a folder for the changed source.
set -euo pipefail

out=$(realpath "$1")
source=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/.."
module=$(go list -m -f '{{.Dir}}' github.com/cometbft/cometbft)
os=$(go env GOROOT)/src/os
rm -rf "$source"
cp -r "$module" "$source"
chmod -R u+w "$source"
cp "$here/time.go.txt" "$source/types/time/time.go"

# CometBFT is static and calls the kernel itself: its disk can only be set off inside Go's package os.
disk=$source/disk-faults
mkdir "$disk"
cp "$here/disk.go.txt" "$disk/disk.go"
fault() { echo "	if fault := diskFault(f, \"$1\"); fault != nil { return $2 }"; }
sed -e "/^func (f \*File) Write(b \[\]byte) (n int, err error) {/a\\$(fault write '0, fault')" \
    -e "/^func (f \*File) WriteAt(b \[\]byte, off int64) (n int, err error) {/a\\$(fault write '0, fault')" \
    "$os/file.go" > "$disk/file.go"
sed -e "/^func (f \*File) Sync() error {/a\\$(fault sync fault)" "$os/file_posix.go" > "$disk/file_posix.go"
if [ "$(cat "$disk"/file*.go | grep -c diskFault)" != 3 ]; then
    echo "skewed/build.sh: Go's package os has changed; the three functions to change were not found" >&2
    exit 1
fi
cat > "$disk/overlay.json" << JSON
{"Replace": {
    "$os/disk_faults.go": "$disk/disk.go",
    "$os/file.go": "$disk/file.go",
    "$os/file_posix.go": "$disk/file_posix.go"
}}
JSON
cd "$source"
CGO_ENABLED=0 go build -trimpath -mod=readonly -overlay "$disk/overlay.json" -o "$out" ./cmd/cometbft
