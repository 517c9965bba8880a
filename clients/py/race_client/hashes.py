"""The chain's hash and what a session's key signs. Each follows verification/src/record.rs."""

import hashlib


def _u64(value: int) -> bytes:
    return value.to_bytes(8, "big")


def h(dst: str, *parts: bytes) -> bytes:
    """SHA-256(len32(dst) || dst || len32(x1) || x1 || ...) with 32-bit big-endian lengths."""
    digest = hashlib.sha256()
    for part in (dst.encode(), *parts):
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    return digest.digest()


def request_hash(chain_id: str, body: bytes) -> bytes:
    """The hash of an encoded RequestBody."""
    return h("race/verification/request/v1", chain_id.encode(), body)


def request_sign_bytes(
    chain_id: str,
    session: int,
    index: int,
    attempt: int,
    request: bytes,
    max_tokens: int,
    max_fee: int,
    expiry_height: int,
) -> bytes:
    """What is signed of a request."""
    return h(
        "race/verification/request-terms/v2",
        chain_id.encode(),
        _u64(session),
        _u64(index),
        _u64(attempt),
        request,
        _u64(max_tokens),
        max_fee.to_bytes(16, "big"),
        _u64(expiry_height),
    )


def output_hash(chain_id: str, tokens: list[int], text: str) -> bytes:
    """The hash of an answer: its tokens, and its text as it was streamed."""
    encoded = b"".join(token.to_bytes(4, "big") for token in tokens)
    return h("race/verification/output/v1", chain_id.encode(), encoded, text.encode())


def output_sign_bytes(
    chain_id: str, session: int, index: int, output: bytes, artifact_root: bytes
) -> bytes:
    """What the executor signs at the end of an answer."""
    return h(
        "race/verification/signed-output/v1",
        chain_id.encode(),
        _u64(session),
        _u64(index),
        output,
        artifact_root,
    )


def record_digest(
    chain_id: str,
    session: int,
    index: int,
    prompt_tokens: int,
    output_tokens: int,
    request: bytes,
    output: bytes,
    artifact_root: bytes,
) -> bytes:
    """What a settled request commits to."""
    return h(
        "race/verification/record/v1",
        chain_id.encode(),
        _u64(session),
        _u64(index),
        _u64(prompt_tokens),
        _u64(output_tokens),
        request,
        output,
        artifact_root,
    )


def acknowledgement(
    chain_id: str,
    session: int,
    index: int,
    prompt_tokens: int,
    output_tokens: int,
    digest: bytes,
    executor: bytes,
) -> bytes:
    """What is signed of an answer that was received; the executor is in it, so that it pays nobody else."""
    return h(
        "race/verification/acknowledgement/v1",
        chain_id.encode(),
        _u64(session),
        _u64(index),
        _u64(prompt_tokens),
        _u64(output_tokens),
        digest,
        executor,
    )
