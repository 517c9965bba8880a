#!/usr/bin/env bash
# Checks the packages of clients/ as far as it goes without a network: the amino JSON of every message against
# the chain's own, and that against the SDK's encoder; the types that users of TypeScript see, the chain registry's files, and that what is packed
# is whole. The rest is node/tests/wallets_that_exist_work_unchanged.rs.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
made=$(cd "$here/.." && pwd)/target/clients
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

passed() { echo "clients: $1"; }

"$here/setup.sh"
(cd "$here/js" && npm test --silent) > "$work/npm.log" 2>&1 || { cat "$work/npm.log" >&2; exit 1; }
passed "amino JSON is the chain's, types are right, the chain registry takes its files"

mapfile -t protos < <(cd "$here/../proto" && find race -name '*.proto'; cd third_party && find cosmos -name '*.proto')
(
    cd "$here/../proto"
    PYTHONPATH=$made/python python3 -m grpc_tools.protoc -Ithird_party -I. --include_imports \
        --descriptor_set_out="$work/descriptors" "${protos[@]}"
)
"$made/amino" "$work/descriptors" "$here"/../app/src/tx/amino/snapshots/*.snap > /dev/null
passed "what the chain checks is what the SDK's encoder writes"

# Every module loads beside cosmpy, whose types it shares.
PYTHONPATH=$made/python:$here/py python3 - "$here/py" << 'EOF'
import importlib, pathlib, sys
import race_client

root = pathlib.Path(sys.argv[1])
modules = sorted((root / "race_client").rglob("*.py"))
for path in modules:
    importlib.import_module(".".join(path.relative_to(root).with_suffix("").parts))
assert len(modules) > 40, modules
EOF
passed "the Python package loads"

PYTHONPATH=$made/python:$here/py python3 "$here/sessions.py"
passed "sessions acknowledge what fits, and nothing of a node that lies"

"$here/pack.sh" "$work"
tar tzf "$work"/race-network-client-*.tgz | grep 'gen/race/session/v1/tx_pb.js' > /dev/null ||
    { echo "the npm package has no generated code" >&2; exit 1; }
python3 -m zipfile -l "$work"/race_client-*.whl | grep 'race_client/race/session/v1/tx_pb2.py' > /dev/null ||
    { echo "the wheel has no generated code" >&2; exit 1; }
passed "both packages are whole"

cargo fmt --manifest-path "$here/cosmrs/Cargo.toml" --check
(cd "$here/go" && test -z "$(gofmt -l .)" && go vet ./...)
passed "the checks in Rust and Go are formatted and vetted"
