#!/usr/bin/env bash
# Runs the benchmarks of RACED ($1) and of the examples built beside the workspace: a table on
# standard output, one JSON file each in $2.
#   BENCH_SECONDS  time of each race benchmark (10) and, threefold, of each load
#   BENCH_ONLY     a part of the names to run, such as race-tiny
#   BENCH_ACCOUNTS     accounts of the network that a node joins by state sync (10000)
set -euo pipefail

raced=$(realpath "${1:?the raced executable}")
out=${2:?the folder for JSON files}
seconds=${BENCH_SECONDS:-10}
only=${BENCH_ONLY:-}
cd "$(dirname "$0")/.."
mkdir -p "$out"
out=$(realpath "$out")
examples=$(realpath -m "${CARGO_TARGET_DIR:-target}")/debug/examples

if [[ -f target/build-env.sh ]]; then
    . target/build-env.sh
fi
# With --workspace the features, and so the artefacts, are those of `make build`.
"${CARGO:-cargo}" build --locked --quiet --workspace \
    --example load --example state_sync --example bench_mempool --example sizes --example abci_latency --example bench_store --example proof --example disputes
cometbft=$(dirname "$raced")/cometbft
if [[ -z ${RACED_COMETBFT:-} && -x $cometbft ]]; then
    export RACED_COMETBFT=$cometbft
fi

failed=0
# NAME COMMAND...: keeps what the command prints as $out/NAME.json.
measure() {
    local name=$1
    shift
    if [[ $name != *"$only"* ]]; then
        return
    fi
    if "$@" >"$out/$name.json.new"; then
        mv "$out/$name.json.new" "$out/$name.json"
        python3 - "$name" "$out/$name.json" <<'PY'
import json, sys

def flat(value, path=""):
    if isinstance(value, dict):
        for key, below in value.items():
            yield from flat(below, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for place, below in enumerate(value):
            yield from flat(below, f"{path}[{place}]")
    else:
        yield path, value

for path, value in flat(json.load(open(sys.argv[2]))):
    if isinstance(value, float):
        value = round(value, 4)
    print(f"{sys.argv[1]:<22} {path:<28} {value}")
PY
    else
        rm -f "$out/$name.json.new"
        echo "$name: failed" >&2
        failed=1
    fi
}

echo "machine: $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)"
for case in {tiny,small,paper}:{simd,simd-avx2,simd-portable,flex,reference}; do
    here=$("$raced" race backends --output json |
        python3 -c 'import json, sys; print(*(b["name"] for b in json.load(sys.stdin) if not b["missing"]))')
    if [[ " $here " != *" ${case##*:} "* ]]; then
        continue
    fi
    measure "race-${case/:/-}" "$raced" race bench --preset "${case%%:*}" \
        --backend "${case##*:}" --seconds "$seconds" --output json
done
# Weights generated for every batch, as a machine does that cannot hold them.
measure race-paper-streaming "$raced" race bench --preset paper --backend simd --memory 100 \
    --seconds "$seconds" --output json
measure race-proof "$examples/proof" 30000
measure race-disputes "$examples/disputes" paper 16 "$(nproc)"
measure sizes "$examples/sizes"
measure abci "$examples/abci_latency"
measure store "$examples/bench_store" 100000 1000 50
measure mempool "$examples/bench_mempool"
loader=$(dirname "$raced")/race-load
measure load-1 "$examples/load" 1 1200 "$((3 * seconds))" "$loader" "$raced"
measure load-4 "$examples/load" 4 400 "$((3 * seconds))" "$loader" "$raced"
measure state-sync "$examples/state_sync" "${BENCH_ACCOUNTS:-10000}" 1 "$raced"
exit "$failed"
