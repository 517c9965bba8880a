"""The Race in numpy, float32 products by OpenBLAS: an independent implementation to compare with.

Every sum of the function stays below 2^24, so float32 holds it exactly and these floats are the
definition's integers. `check` proves it against vector files; `bench` measures nonces per second and
prints the JSON that `raced race bench --output json` prints.

    python race_numpy.py check ../tests/vectors/race-tiny-a.json
    python race_numpy.py bench --preset small --seconds 10

Written from the definition, not from the Rust code. Threads are split by nonces and share a layer's
weights, which are held as int8 and cast to float32 once per layer and batch.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

# Threads are ours: one product per thread. Must be set before numpy loads OpenBLAS.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402

EXP = np.array([31, 24, 19, 15, 11, 9, 7, 5, 4, 3, 3, 2, 2, 1, 1, 1] + [0] * 16, np.float32)


@dataclass(frozen=True)
class Preset:
    layers: int
    d_model: int
    heads: int
    d_head: int
    d_ffn: int
    vocab: int
    seq: int
    s_qkv: int
    s_score: int
    s_attn_out: int
    s_ffn_in: int
    s_ffn_out: int
    threshold: int

    @property
    def d_attn(self):
        return self.heads * self.d_head

    def shapes(self):
        """Of a layer's matrices, in the order of their streams."""
        up = (self.d_model, self.d_attn)
        wide = (self.d_model, self.d_ffn)
        return {"wq": up, "wk": up, "wv": up, "wo": up[::-1], "wgate": wide, "wup": wide, "wdown": wide[::-1]}

    def flop_per_nonce(self):
        return 2 * self.seq * self.layers * sum(a * b for a, b in self.shapes().values())


PRESETS = {
    "paper": Preset(64, 512, 128, 88, 8192, 8192, 4, 8, 7, 10, 8, 8, 224_000),
    "small": Preset(16, 512, 32, 88, 2048, 8192, 4, 8, 7, 9, 8, 7, 232_250),
    "tiny": Preset(4, 64, 8, 16, 256, 256, 4, 7, 4, 7, 7, 6, 25_650),
}

# A small function needs more rows to outweigh numpy's calls.
BATCH = {"tiny": 1024}


# Streams ------------------------------------------------------------------------------------------

BLOCKS = 4096  # ChaCha20 blocks computed together: their state stays in the cache


def chacha20(keys, stream, counters):
    """One keystream block per column: `keys` is [8] or [8, n] words, `counters` [n]."""
    state = np.empty((16, len(counters)), np.uint32)
    state[0:4] = np.array([0x61707865, 0x3320646E, 0x79622D32, 0x6B206574], np.uint32)[:, None]
    state[4:12] = keys if keys.ndim == 2 else keys[:, None]
    state[12], state[13] = counters & 0xFFFFFFFF, counters >> 32
    state[14], state[15] = stream & 0xFFFFFFFF, stream >> 32
    x = state.copy()
    spare = np.empty(len(counters), np.uint32)

    def mix(a, b, c, bits):
        """a += b; c = (c ^ a) <<< bits."""
        np.add(x[a], x[b], out=x[a])
        np.bitwise_xor(x[c], x[a], out=x[c])
        np.right_shift(x[c], 32 - bits, out=spare)
        np.left_shift(x[c], bits, out=x[c])
        np.bitwise_or(x[c], spare, out=x[c])

    def quarter(a, b, c, d):
        mix(a, b, d, 16), mix(c, d, b, 12), mix(a, b, d, 8), mix(c, d, b, 7)

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return x + state


def stream_bytes(key, stream, count):
    total = -(-count // 64)
    out = np.empty((total, 16), "<u4")
    for first in range(0, total, BLOCKS):
        counters = np.arange(first, min(first + BLOCKS, total), dtype=np.uint64)
        out[first : first + BLOCKS] = chacha20(np.frombuffer(key, "<u4"), stream, counters).T
    return out.view(np.uint8).reshape(-1)[:count]


def streams_bytes(keys, stream, count):
    """The first bytes of the same stream under many keys: [keys, count]."""
    blocks = -(-count // 64)
    words = np.repeat(np.array([np.frombuffer(key, "<u4") for key in keys]).T, blocks, axis=1)
    counters = np.tile(np.arange(blocks, dtype=np.uint64), len(keys))
    out = np.ascontiguousarray(chacha20(words, stream, counters).T)
    return out.view(np.uint8).reshape(len(keys), -1)[:, :count]


def tensor(seed, stream, shape):
    nibbles = stream_bytes(seed, stream, shape[0] * shape[1] // 2)
    weights = np.empty((len(nibbles), 2), np.int8)
    weights[:, 0], weights[:, 1] = nibbles & 15, nibbles >> 4
    weights *= 2
    weights -= 15
    return weights.reshape(shape)


def shuffles(keys, stream, n):
    """The shuffle of n items under each key: [keys, n]."""
    draws = np.ascontiguousarray(streams_bytes(keys, stream, 4 * (n - 1))).view("<u4").astype(np.uint64)
    items, each = np.tile(np.arange(n), (len(keys), 1)), np.arange(len(keys))
    for draw, i in zip(draws.T, range(n - 1, 0, -1)):
        j = (draw * np.uint64(i + 1)) >> np.uint64(32)
        items[each, j], items[:, i] = items[:, i].copy(), items[each, j]
    return items


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


# The function -------------------------------------------------------------------------------------


def shift(x, bits, half, limit):
    """clip((x + half) >> bits, limit), in place."""
    x += np.float32(half)
    x *= np.float32(2.0**-bits)
    np.floor(x, out=x)
    return np.clip(x, -limit, limit, out=x)


def rq(x, bits):
    return shift(x, bits, 1 << (bits - 1), 127)


def norm(y):
    total = np.maximum(np.abs(y).sum(-1, keepdims=True), np.float32(1))
    y *= np.floor(np.float32(51 * 128 * y.shape[-1]) / total)
    return shift(y, 8, 128, 127)


class Race:
    def __init__(self, preset, seed, table, threads):
        self.preset, self.seed, self.threads = preset, seed, threads
        self.target = np.array(table)[shuffles([seed], 2, preset.d_model)[0]]
        self.pool = ThreadPoolExecutor(threads)
        shapes = preset.shapes()
        names = {"embedding": (0, (preset.vocab, preset.d_model)), "position": (1, (preset.seq, preset.d_model))}
        for layer in range(preset.layers):
            for j, (name, shape) in enumerate(shapes.items()):
                names[f"layer{layer}.{name}"] = (16 + 8 * layer + j, shape)
        made = self.pool.map(lambda item: tensor(seed, *item), names.values())
        self.tensors = dict(zip(names, made))
        self.f32 = {name: np.empty(shape, np.float32) for name, shape in shapes.items()}

    def outputs(self, nonces):
        """y of each nonce, before its permutation."""
        count = len(nonces.keys)
        share = -(-count // self.threads)
        parts = [slice(i, i + share) for i in range(0, count, share)]
        rows = list(self.pool.map(lambda part: self.embed(nonces, part), parts))
        for layer in range(self.preset.layers):
            # Cast by all threads, then used by all.
            list(self.pool.map(lambda name: np.copyto(self.f32[name], self.tensors[f"layer{layer}.{name}"]), self.f32))
            rows = list(self.pool.map(self.layer, rows))
        last = np.concatenate([n.reshape(-1, self.preset.seq, self.preset.d_model)[:, -1] for n in rows])
        return shift(last, 1, 1, 63)

    def embed(self, nonces, part):
        x = self.tensors["embedding"][nonces.tokens[part]] + self.tensors["position"].astype(np.float32)
        return norm((x * nonces.signs[part]).reshape(-1, self.preset.d_model))

    def layer(self, n):
        p, w = self.preset, self.f32
        q, k, v = (rq(n @ w[name], p.s_qkv) for name in ("wq", "wk", "wv"))
        n = norm(n + rq(self.attend(q, k, v) @ w["wo"], p.s_attn_out))
        g, u = rq(n @ w["wgate"], p.s_ffn_in), rq(n @ w["wup"], p.s_ffn_in)
        h = np.clip(g + np.float32(16), 0, 32)
        h *= g
        h *= np.float32(2.0**-5)
        np.floor(h, out=h)
        h *= u
        return norm(n + rq(rq(h, 5) @ w["wdown"], p.s_ffn_out))

    def attend(self, q, k, v):
        p = self.preset
        # [nonces, heads, seq, d_head]
        q, k, v = (x.reshape(-1, p.seq, p.heads, p.d_head).transpose(0, 2, 1, 3) for x in (q, k, v))
        scores = q @ k.transpose(0, 1, 3, 2)
        scores *= np.float32(2.0**-p.s_score)
        np.floor(scores, out=scores)
        below = np.minimum(scores.max(-1, keepdims=True) - scores, 31)
        weights = EXP[below.astype(np.int32)]
        a = weights @ v
        a *= np.floor(np.float32(65536) / weights.sum(-1, keepdims=True))
        a = a.transpose(0, 2, 1, 3).reshape(-1, p.d_attn)
        return shift(a, 16, 32768, 63)

    def judge(self, nonces, y):
        """z of each nonce and its squared distance to the target."""
        z = np.take_along_axis(y, nonces.permutations, axis=1).astype(np.int64)
        return z, ((z - self.target) ** 2).sum(-1)


class Nonces:
    """What nonces feed into the function, one row each."""

    def __init__(self, race, node_seed, numbers):
        p = race.preset
        self.keys = [sha256(b"race/nonce/v1", race.seed, node_seed, n.to_bytes(8, "little")) for n in numbers]
        self.tokens = np.ascontiguousarray(streams_bytes(self.keys, 0, 2 * p.seq)).view("<u2") % p.vocab
        self.permutations = shuffles(self.keys, 1, p.d_model)
        self.sign_bytes = streams_bytes(self.keys, 2, p.seq * p.d_model // 8)
        bits = np.unpackbits(self.sign_bytes, axis=1, bitorder="little")
        self.signs = (1 - 2 * bits.astype(np.float32)).reshape(-1, p.seq, p.d_model)


# Commands -----------------------------------------------------------------------------------------


def check(path, threads):
    file = json.load(open(path))
    preset, seed, key = PRESETS[file["preset"]], bytes.fromhex(file["race_seed"]), bytes.fromhex(file["public_key"])
    race, count = Race(preset, seed, file["target_table"], threads), 0

    def same(name, expected, computed):
        nonlocal count
        count += 1
        if expected != computed:
            sys.exit(f"{path}: {name} differs: the file says {expected}, computed {computed}")

    node_seed = sha256(b"race/node/v1", key)
    same("node_seed", file["node_seed"], node_seed.hex())
    same("threshold", file["threshold"], preset.threshold)
    same("target", file["target"], race.target.tolist())
    for name, digest in file["tensors"].items():
        same(f"tensors.{name}", digest, sha256(race.tensors[name].tobytes()).hex())
    nonces = Nonces(race, node_seed, [int(vector["nonce"]) for vector in file["nonces"]])
    zs, distances = race.judge(nonces, race.outputs(nonces))
    for index, (vector, z, distance) in enumerate(zip(file["nonces"], zs, distances.tolist())):
        at = f"nonces[{index}]"
        z = z.astype(np.int8).tobytes()
        same(f"{at}.nonce_key", vector["nonce_key"], nonces.keys[index].hex())
        same(f"{at}.tokens", vector["tokens"], nonces.tokens[index].tolist())
        same(f"{at}.signs_sha256", vector["signs_sha256"], sha256(nonces.sign_bytes[index].tobytes()).hex())
        same(f"{at}.z_sha256", vector["z_sha256"], sha256(z).hex())
        same(f"{at}.distance", vector["distance"], distance)
        same(f"{at}.appropriate", vector["appropriate"], distance <= preset.threshold)
        leaf = sha256(b"\0", int(vector["nonce"]).to_bytes(8, "little"), distance.to_bytes(4, "little"), z)
        same(f"{at}.leaf", vector["leaf"], leaf.hex())
    print(f"{path}: {count} quantities agree")


def bench(name, seconds, threads, batch):
    preset = PRESETS[name]
    begin = time.perf_counter()
    # The speed depends on neither the seed nor the table.
    race = Race(preset, bytes([7] * 32), [0] * preset.d_model, threads)
    weights_s = time.perf_counter() - begin

    def step(first):
        nonces = Nonces(race, bytes(32), range(first, first + batch))
        race.judge(nonces, race.outputs(nonces))

    step(0)  # warms up
    begin, done = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        done += batch
        step(done)
    result = {
        "preset": name,
        "backend": "numpy",
        "device": "cpu",
        "nonces_per_s": done / (time.perf_counter() - begin),
        "gflop_per_nonce": preset.flop_per_nonce() / 1e9,
        "weights_s": weights_s,
        "batch": batch,
    }
    print(json.dumps(result))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    checked = commands.add_parser("check", help="compare with vector files")
    checked.add_argument("files", nargs="+")
    measured = commands.add_parser("bench", help="measure nonces per second")
    measured.add_argument("--preset", choices=PRESETS, default="small")
    measured.add_argument("--seconds", type=float, default=10)
    measured.add_argument("--batch", type=int, help="nonces computed together [default: 1024 for tiny, else 256]")
    for command in (checked, measured):
        command.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    if arguments.command == "check":
        for path in arguments.files:
            check(path, arguments.threads)
    else:
        bench(arguments.preset, arguments.seconds, arguments.threads, arguments.batch or BATCH.get(arguments.preset, 256))


if __name__ == "__main__":
    main()
