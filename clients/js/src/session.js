// Sessions (Node.js): coins are put aside once, then each request is signed by the session's own key, and
// its answer streams from the executor that the chain drew.

import { generateKeyPairSync, sign } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Query as EpochQuery } from "../gen/race/epoch/v1/query_pb.js";
import { Inference, RequestBodySchema } from "../gen/race/inference/v1/inference_pb.js";
import { Query as SessionQuery } from "../gen/race/session/v1/query_pb.js";
import { MsgOpenSessionResponseSchema, MsgOpenSessionSchema } from "../gen/race/session/v1/tx_pb.js";
import { SessionStatus } from "../gen/race/session/v1/types_pb.js";
import { connect } from "./grpc.js";
import { acknowledgement, outputHash, recordDigest, requestHash, requestSignBytes } from "./hash.js";

export { connect };

/** Executors of a request: the second and third are asked when those before are not there. */
const ATTEMPTS = 3;
/** Blocks for which a request stays valid. */
const VALID_BLOCKS = 100n;

/**
 * Opens a session with a `SigningStargateClient` that knows `raceTypes`, and gives what `Session` takes.
 * The key is made here and is nowhere else: keep what this returns as long as the session lives.
 */
export async function openSession(client, creator, options) {
  const { model, escrow, ceiling, expiryBlocks = 500, denom = "nicoin", fee = "auto" } = options;
  const keys = generateKeyPairSync("ed25519");
  // The last 32 bytes of the key's DER are the key.
  const sessionKey = keys.publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  const value = {
    creator,
    modelId: model,
    escrow: { denom, amount: String(escrow) },
    ceiling: { denom, amount: String(ceiling) },
    sessionKey,
    integrityLevel: 0,
    expiryHeight: BigInt((await client.getHeight()) + expiryBlocks),
  };
  const message = { typeUrl: `/${MsgOpenSessionSchema.typeName}`, value };
  const result = await client.signAndBroadcast(creator, [message], fee);
  if (result.code !== 0) throw new Error(`the session was refused: ${result.rawLog}`);
  const { id } = fromBinary(MsgOpenSessionResponseSchema, result.msgResponses[0].value);
  const privateKey = keys.privateKey.export({ type: "pkcs8", format: "pem" });
  return { chainId: await client.getChainId(), id, privateKey, nextIndex: 0 };
}

/** A session that is open. */
export class Session {
  #node;
  #key;
  #queries;
  #epochs;

  /** `node` is any node's gRPC address, `opened` what `openSession` gave. */
  constructor(node, opened) {
    this.#node = node;
    this.chainId = opened.chainId;
    this.id = BigInt(opened.id);
    /** The index of the next request: each is used once, so keep it with the key. */
    this.nextIndex = opened.nextIndex;
    this.#key = opened.privateKey;
    this.#queries = connect(SessionQuery, node);
    this.#epochs = connect(EpochQuery, node);
  }

  close() {
    this.#queries.close();
    this.#epochs.close();
  }

  /** Waits until hosts are drawn for it in this epoch. */
  async ready({ seconds = 60 } = {}) {
    const end = Date.now() + 1000 * seconds;
    for (;;) {
      const { session, pin } = await this.#queries.session({ id: this.id });
      const { epoch, height } = await this.#epochs.current({});
      if (session.status === SessionStatus.CLOSED || height > session.expiryHeight) {
        throw new Error(`session ${this.id} expired at height ${session.expiryHeight}; open another`);
      }
      if (pin && pin.epoch === epoch?.number) return { session, height };
      if (Date.now() >= end) {
        throw new Error(
          `no hosts are drawn for session ${this.id}: it waits for a beacon round, or no node hosts ${session.modelId}`,
        );
      }
      await sleep(500);
    }
  }

  /**
   * Asks, and gives the answer: iterate it for its text, then read `finished`.
   *
   * `request` has `messages` (`{role, content}`) or `prompt`, `maxTokens`, and may have `temperatureMillis`
   * (0 takes the likeliest token), `maxFee` (nicoin; else the session's ceiling) and `index`.
   */
  ask(request) {
    const index = request.index ?? this.nextIndex;
    this.nextIndex = Math.max(this.nextIndex, index + 1);
    return new Answer((answer) => this.#run(request, index, answer));
  }

  async *#run(request, index, answer) {
    const { session, height } = await this.ready();
    if (BigInt(index) >= session.maxIndex) {
      throw new Error(`session ${this.id} pays for ${session.maxIndex} requests; open another`);
    }
    const ceiling = BigInt(session.ceiling);
    const asked = request.maxFee === undefined ? ceiling : BigInt(request.maxFee);
    const maxFee = asked < ceiling ? asked : ceiling;
    const expiryHeight = height + VALID_BLOCKS;
    const body = toBinary(
      RequestBodySchema,
      create(RequestBodySchema, {
        modelId: session.modelId,
        messages: request.messages ?? [],
        prompt: request.prompt ?? "",
        maxTokens: request.maxTokens,
        temperatureMillis: request.temperatureMillis ?? 0,
      }),
    );
    const terms = {
      session: this.id,
      index,
      requestHash: requestHash(this.chainId, body),
      maxTokens: request.maxTokens,
      maxFee,
      expiryHeight,
    };
    const signed = {
      sessionId: this.id,
      index: BigInt(index),
      maxFee: String(maxFee),
      expiryHeight,
      body,
      signature: sign(null, requestSignBytes(this.chainId, terms), this.#key),
    };
    for (let attempt = 0; ; attempt += 1) {
      const drawn = await this.#queries.executor({ sessionId: this.id, index: BigInt(index), attempt });
      const inference = connect(Inference, drawn.grpc || this.#node);
      try {
        yield* this.#stream(inference, { ...signed, attempt }, terms, answer);
        return;
      } catch (error) {
        const absent = error.code === status.UNAVAILABLE && answer.executor === undefined;
        if (!absent || attempt + 1 === ATTEMPTS) throw error;
      } finally {
        inference.close();
      }
    }
  }

  async *#stream(inference, signed, terms, answer) {
    const tokens = [];
    let finished;
    for await (const { event } of inference.generate(signed)) {
      if (event.case === "accepted") answer.executor = event.value.executor;
      if (event.case === "finished") finished = event.value;
      if (event.case === "token") {
        tokens.push(event.value.id);
        yield event.value.text;
      }
    }
    if (!finished || answer.executor === undefined) throw unfit("the stream ended before the answer did");
    if (BigInt(finished.fee) > terms.maxFee) {
      throw unfit(`the executor asks ${finished.fee} nicoin, more than the ${terms.maxFee} that were offered`);
    }
    // What is acknowledged is what was received: the digest is made again from it.
    const work = {
      ...terms,
      promptTokens: finished.promptTokens,
      outputTokens: tokens.length,
      outputHash: outputHash(this.chainId, tokens),
      artifactRoot: finished.artifactRoot,
    };
    const digest = recordDigest(this.chainId, work);
    if (!digest.equals(finished.digest)) throw unfit("the executor signed another answer than it sent");
    await inference.acknowledge({
      sessionId: signed.sessionId,
      index: signed.index,
      attempt: signed.attempt,
      acknowledgement: sign(null, acknowledgement(this.chainId, work, digest, answer.executor), this.#key),
    });
    answer.finished = finished;
  }
}

const unfit = (why) => new Error(`${why}; the answer is not acknowledged, and costs nothing`);

/** An answer while it comes: iterate it once. */
class Answer {
  #text;
  /** The executor's consensus address, once it has accepted. */
  executor;
  /** How it ended and what it cost, once it has ended and was acknowledged. */
  finished;

  constructor(run) {
    this.#text = run(this);
  }

  [Symbol.asyncIterator]() {
    return this.#text;
  }
}
