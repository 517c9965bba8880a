#!/usr/bin/env bash
# Makes what the packages and the checks of clients/ need: Python and Node.js packages as they are pinned,
# generated code, grpcurl, and the checks that are written in Go and Rust. What is there is not made again.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
made=$root/target/clients
mkdir -p "$made"

# Runs a command unless it ran after the last change of the files.
once() { # NAME FILES -- COMMAND
    local name=$1 files=()
    shift
    while [ "$1" != -- ]; do files+=("$1"); shift; done
    shift
    local now
    now=$(cat "${files[@]}" | sha256sum)
    if [ "$(cat "$made/$name.stamp" 2> /dev/null)" != "$now" ]; then
        rm -f "$made/$name.stamp"
        "$@"
        echo "$now" > "$made/$name.stamp"
    fi
}

python_packages() {
    rm -rf "$made/python"
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-warn-conflicts \
        --target "$made/python" --requirement "$here/requirements.txt"
}
node_packages() { (cd "$here/js" && npm ci --silent --no-audit --no-fund); }
generated() { PYTHONPATH=$made/python python3 "$here/generate.py"; }

[ -d "$here/js/node_modules" ] || rm -f "$made/node.stamp"
[ -f "$here/js/gen/files.js" ] && [ -d "$here/py/race_client/race" ] || rm -f "$made/generated.stamp"
once python "$here/requirements.txt" -- python_packages
once node "$here/js/package-lock.json" -- node_packages
mapfile -t protos < <(find "$root/proto" -name '*.proto' | sort)
once generated "${protos[@]}" "$here/generate.py" "$here/requirements.txt" "$here/js/package-lock.json" -- generated

cd "$here/go"
CGO_ENABLED=0 go build -trimpath -o "$made/grpcurl" github.com/fullstorydev/grpcurl/cmd/grpcurl
CGO_ENABLED=0 go build -trimpath -o "$made/verify" .
CGO_ENABLED=0 go build -trimpath -o "$made/amino" ./amino
cd "$here/cosmrs"
CARGO_TARGET_DIR=$made/cosmrs cargo build --quiet --locked
