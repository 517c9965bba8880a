#!/usr/bin/env bash
# grpcurl against a running network: reflection, calls, heights, and refusals with their status. Ends with 0 if
# all of it is as on an SDK chain.
#
#   check.sh GRPCURL HOST:PORT
set -euo pipefail

grpcurl=$1
node=$2
told=$(mktemp)
trap 'rm -f "$told"' EXIT

call() { # METHOD JSON [ARGUMENTS]
    local method=$1 request=$2
    shift 2
    "$grpcurl" -plaintext -format-error -d "$request" "$@" "$node" "$method" 2>&1
}
passed() { echo "ok $1"; }
fail() {
    echo "$1" >&2
    exit 1
}

refused() { # CODE MESSAGE METHOD JSON [ARGUMENTS]
    local code=$1 message=$2 said
    shift 2
    if said=$(call "$@"); then fail "$1 $2 was answered: $said"; fi
    CODE=$code MESSAGE=$message SAID=$said python3 -c '
import json, os, re
said = json.loads(os.environ["SAID"])
assert said["code"] == int(os.environ["CODE"]), said
assert re.search(os.environ["MESSAGE"], said["message"]), said
assert not said.get("details"), said
' || fail "$1 $2: expected code $code and $message"
    passed "$1 $2: code $code"
}

services=$("$grpcurl" -plaintext "$node" list)
for service in cosmos.auth.v1beta1.Query cosmos.bank.v1beta1.Query cosmos.tx.v1beta1.Service \
    cosmos.base.tendermint.v1beta1.Service race.session.v1.Query race.inference.v1.Inference; do
    grep -qx "$service" <<< "$services" || fail "$service is not listed"
    "$grpcurl" -plaintext "$node" describe "$service" > /dev/null
done
"$grpcurl" -plaintext "$node" describe race.session.v1.MsgOpenSession | grep 'Coin escrow = 3' > /dev/null ||
    fail "MsgOpenSession is not described"
passed "services and messages are described"

latest=cosmos.base.tendermint.v1beta1.Service/GetLatestBlock
height=$(call $latest '{}' | python3 -c 'import json, sys; print(json.load(sys.stdin)["block"]["header"]["height"])')
past=$((height - 1))
call cosmos.bank.v1beta1.Query/TotalSupply '{}' -v -H "x-cosmos-block-height: $past" > "$told" ||
    fail "height $past is not read: $(cat "$told")"
# What was sent is shown, too.
[ "$(grep -cx "x-cosmos-block-height: $past" "$told")" = 2 ] || fail "a past height is not told back"
call cosmos.bank.v1beta1.Query/TotalSupply '{}' -v > "$told"
grep -qE '^x-cosmos-block-height: [0-9]+$' "$told" || fail "the height is not told"
passed "heights are read and told"

params=cosmos.bank.v1beta1.Query/Params
refused 2 '^codespace sdk code 26: invalid height: cannot query with height in the future' \
    $params '{}' -H 'x-cosmos-block-height: 99999999'
refused 2 '^codespace sdk code 18: ' $params '{}' -H 'x-cosmos-block-height: -1'
refused 2 '^codespace sdk code 18: ' $params '{}' -H 'x-cosmos-block-height: soon'

account=cosmos.auth.v1beta1.Query/Account
nobody=$(python3 -c 'import bech32; print(bech32.bech32_encode("race", bech32.convertbits(bytes(20), 8, 5)))')
refused 5 "^account $nobody not found" $account "{\"address\": \"$nobody\"}"
refused 2 '^decoding bech32 failed: invalid bech32 string length 7$' $account '{"address": "garbage"}'
refused 3 '^Address cannot be empty$' $account '{}'
refused 3 '^invalid address: decoding bech32 failed' cosmos.bank.v1beta1.Query/AllBalances '{"address": "garbage"}'
refused 3 '^invalid denom: ' cosmos.bank.v1beta1.Query/Balance "{\"address\": \"$nobody\"}"
refused 5 '^client metadata for denom none' cosmos.bank.v1beta1.Query/DenomMetadata '{"denom": "none"}'
call cosmos.bank.v1beta1.Query/Balance "{\"address\": \"$nobody\", \"denom\": \"none\"}" |
    grep '"amount": "0"' > /dev/null || fail "an unknown coin has no balance of 0"

tx=cosmos.tx.v1beta1.Service
hash=$(printf 'AB%.0s' {1..32})
refused 5 "^tx not found: $hash" $tx/GetTx "{\"hash\": \"$hash\"}"
refused 3 '^tx hash cannot be empty$' $tx/GetTx '{}'
refused 2 . $tx/GetTx '{"hash": "soon"}'
refused 3 '^invalid empty tx$' $tx/BroadcastTx '{}'
refused 2 '^unsupported return type .*; supported types: sync, async$' $tx/BroadcastTx '{"tx_bytes": "AA=="}'
refused 2 '^unsupported return type .*; supported types: sync, async$' \
    $tx/BroadcastTx '{"tx_bytes": "AA==", "mode": "BROADCAST_MODE_BLOCK"}'
refused 3 '^empty txBytes is not allowed' $tx/Simulate '{}'
refused 3 '^requested block height is bigger then the chain length' \
    cosmos.base.tendermint.v1beta1.Service/GetBlockByHeight '{"height": "99999999"}'
refused 12 . cosmos.gov.v1.Msg/Vote '{}'
call $tx/BroadcastTx '{"tx_bytes": "AA==", "mode": "BROADCAST_MODE_SYNC"}' | grep '"code": 2' > /dev/null ||
    fail "what CheckTx refuses is not answered with its code"
passed "what CheckTx refuses is answered with its code"
