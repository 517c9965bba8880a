#!/usr/bin/env bash
# Runs the benchmarks of RACED ($1): a table on standard output, one JSON file each in $2.
set -euo pipefail

raced=${1:?the raced executable}
out=${2:?the folder for JSON files}
seconds=${BENCH_SECONDS:-10}
mkdir -p "$out"

failed=0
printf '%-8s %-8s %14s %16s %10s\n' preset backend nonces/s GFLOP/nonce weights_s
for case in tiny:simd tiny:flex paper:simd; do
    preset=${case%%:*} backend=${case##*:}
    file=$out/race-$preset-$backend.json
    if "$raced" race bench --preset "$preset" --backend "$backend" --seconds "$seconds" \
        --output json >"$file.new"; then
        mv "$file.new" "$file"
        python3 - "$file" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
print(f"{r['preset']:<8} {r['backend']:<8} {r['nonces_per_s']:>14.3f} {r['gflop_per_nonce']:>16.4f} {r['weights_s']:>10.2f}")
PY
    else
        rm -f "$file.new"
        echo "$preset on $backend: failed" >&2
        failed=1
    fi
done
exit "$failed"
