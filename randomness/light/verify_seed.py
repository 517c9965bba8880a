"""Checks a race seed with a public BLS library: no node of the network and no code of it is trusted.

    raced query beacon seed --epoch 7 --output json > seed.json
    pip install -r requirements.txt
    python3 verify_seed.py seed.json GROUP_KEY_HEX

GROUP_KEY_HEX is the committee's key of that epoch, from whomever you trust: it is in the chain's state
under `beacon/key/EPOCH`, provable by ICS-23 under the app hash of a header.
"""
import base64, hashlib, json, sys
from py_ecc.bls import G2Basic

def H(dst, *parts):
    """The network's hash: SHA-256 of each part after its length, 32 bits, big-endian."""
    parts = [dst.encode(), *parts]
    return hashlib.sha256(b"".join(len(p).to_bytes(4, "big") + p for p in parts)).digest()

answer = json.load(open(sys.argv[1]))
seed = answer["seed"]
transcript, signature, claimed = (base64.b64decode(seed[k]) for k in ("transcript", "signature", "seed"))
numbers = (int(seed["epoch"]), int(seed["race_attempt"]), 0, int(seed["signing_attempt"]))
epoch, attempt, round_, signing_attempt = (n.to_bytes(8, "big") for n in numbers)
message = H("race/randomness/sign-seed/v1", answer["chain_id"].encode(), b"race-seed",
            epoch, attempt, round_, transcript, signing_attempt)
if not G2Basic.Verify(bytes.fromhex(sys.argv[2]), message, signature):
    sys.exit("the signature is not this group's")
if H("race/randomness/signed-seed/v1", signature, transcript) != claimed:
    sys.exit("the seed is not the hash of the signature and the transcript")
print("epoch", seed["epoch"], "seed", claimed.hex(), "is right")
