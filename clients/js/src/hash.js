// The chain's hash and what a session's key signs. Each follows `verification/src/record.rs`.

import { createHash } from "node:crypto";

const u64 = (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};

const u128 = (value) => Buffer.concat([u64(BigInt(value) >> 64n), u64(BigInt.asUintN(64, BigInt(value)))]);

/** `SHA-256(len32(dst) || dst || len32(x1) || x1 || ...)` with 32-bit big-endian lengths. */
function h(dst, parts) {
  const hash = createHash("sha256");
  for (const part of [dst, ...parts]) {
    const bytes = Buffer.from(part);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  }
  return hash.digest();
}

/** The hash of an encoded `RequestBody`. */
export const requestHash = (chainId, body) => h("race/verification/request/v1", [chainId, body]);

/** What is signed of a request. */
export const requestSignBytes = (chainId, terms) =>
  h("race/verification/request-terms/v2", [
    chainId,
    u64(terms.session),
    u64(terms.index),
    u64(terms.attempt),
    terms.requestHash,
    u64(terms.maxTokens),
    u128(terms.maxFee),
    u64(terms.expiryHeight),
  ]);

/** The hash of an answer: its tokens, and its text as it was streamed. */
export function outputHash(chainId, tokens, text) {
  const bytes = Buffer.alloc(4 * tokens.length);
  tokens.forEach((token, at) => bytes.writeUInt32BE(token, 4 * at));
  return h("race/verification/output/v1", [chainId, bytes, text]);
}

/** What the executor signs at the end of an answer. */
export const outputSignBytes = (chainId, work) =>
  h("race/verification/signed-output/v1", [
    chainId,
    u64(work.session),
    u64(work.index),
    work.outputHash,
    work.artifactRoot,
  ]);

/** What a settled request commits to. */
export const recordDigest = (chainId, work) =>
  h("race/verification/record/v1", [
    chainId,
    u64(work.session),
    u64(work.index),
    u64(work.promptTokens),
    u64(work.outputTokens),
    work.requestHash,
    work.outputHash,
    work.artifactRoot,
  ]);

/** What is signed of an answer that was received; the executor is in it, so that it pays nobody else. */
export const acknowledgement = (chainId, work, digest, executor) =>
  h("race/verification/acknowledgement/v1", [
    chainId,
    u64(work.session),
    u64(work.index),
    u64(work.promptTokens),
    u64(work.outputTokens),
    digest,
    executor,
  ]);
