#!/usr/bin/env bash
# Ours and numpy's nonces per second on this machine, in turns, and the ratio as a table. First numpy's
# implementation must reproduce the vector files.
#   race/bench/side_by_side.sh [PRESET...]     (paper small tiny)
#   RACED     the executable (target/bin/raced)
#   BACKENDS  backends of ours (simd)
#   SECONDS_EACH, ROUNDS, THREADS   of each measurement (10), turns (2), threads (all cores)
# With the defaults: about five minutes, of which paper's weights take two; 3 GB of memory.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
raced=${RACED:-$root/target/bin/raced}
threads=${THREADS:-$(nproc)}
seconds=${SECONDS_EACH:-10}
rounds=${ROUNDS:-2}
read -ra backends <<<"${BACKENDS:-simd}"
presets=("$@")
if [[ ${#presets[@]} -eq 0 ]]; then
    presets=(paper small tiny)
fi
if [[ ! -x $raced ]]; then
    echo "error: no $raced: run make build first, or set RACED" >&2
    exit 2
fi

venv=$root/target/bench/numpy
if ! "$venv/bin/python" -c 'import numpy' 2>/dev/null; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
fi
python=$venv/bin/python

# Runs a command and keeps the JSON that it prints, on a line.
results=$(mktemp)
trap 'rm -f "$results"' EXIT
measure() {
    timeout 300 "$@" | tr -d '\n' >>"$results"
    echo >>"$results"
}

for preset in "${presets[@]}"; do
    for vectors in "$root"/race/tests/vectors/race-"$preset"-*.json; do
        if [[ -f $vectors ]]; then
            "$python" "$here/race_numpy.py" check "$vectors" --threads "$threads" >&2
        fi
    done
    for ((round = 1; round <= rounds; round++)); do
        echo "$preset: turn $round of $rounds" >&2
        for backend in "${backends[@]}"; do
            measure "$raced" race bench --preset "$preset" --backend "$backend" \
                --threads "$threads" --seconds "$seconds" --output json
        done
        measure "$python" "$here/race_numpy.py" bench --preset "$preset" \
            --threads "$threads" --seconds "$seconds"
    done
done

echo "machine: $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2- | xargs), $threads threads, load $(cut -d' ' -f1 /proc/loadavg)"
python3 - "$results" <<'PY'
import json, sys
from statistics import mean

rates = {}
for line in open(sys.argv[1]):
    run = json.loads(line)
    rates.setdefault((run["preset"], run["backend"]), []).append(run)
print(f"{'preset':<8}{'backend':<12}{'nonces/s':>10}{'GFLOP/s':>10}{'weights s':>11}{'of numpy':>10}  turns")
for (preset, backend), runs in rates.items():
    rate = mean(run["nonces_per_s"] for run in runs)
    numpy = mean(run["nonces_per_s"] for run in rates[preset, "numpy"])
    turns = " ".join(f"{run['nonces_per_s']:.4g}" for run in runs)
    weights = mean(run["weights_s"] for run in runs)
    flop = rate * runs[0]["gflop_per_nonce"]
    print(f"{preset:<8}{backend:<12}{rate:>10.4g}{flop:>10.4g}{weights:>11.2f}{rate / numpy:>10.2f}  {turns}")
PY
