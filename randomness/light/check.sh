#!/usr/bin/env bash
# Checks the example of a seed with a public BLS library, and that a wrong one is refused.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
library=$root/target/light
if ! PYTHONPATH="$library" python3 -c 'import py_ecc' 2>/dev/null; then
    python3 -m pip install --quiet --disable-pip-version-check --target "$library" --requirement "$here/requirements.txt"
fi
export PYTHONPATH=$library

field() { # NAME: a field of the example's seed, in hex
    python3 -c 'import base64, json, sys; print(base64.b64decode(json.load(open(sys.argv[1]))["seed"][sys.argv[2]]).hex())' "$here/seed.json" "$1"
}
group=$(field group)
python3 "$here/verify_seed.py" "$here/seed.json" "$group"

other=$(mktemp)
trap 'rm -f "$other"' EXIT
sed 's/"epoch": "1"/"epoch": "2"/' "$here/seed.json" > "$other"
if python3 "$here/verify_seed.py" "$other" "$group" 2> /dev/null; then
    echo "a seed of another epoch was accepted" >&2
    exit 1
fi
