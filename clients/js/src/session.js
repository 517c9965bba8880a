// Sessions (Node.js): coins are put aside once, then each request is signed by the session's own key, and
// its answer streams from the executor that the chain drew.
//
// An acknowledgement pays, so nothing of an executor is believed that can be held against the chain (who was
// drawn, with which key it signs, the session's pinned price) or against the request (the fee, the tokens of
// the answer, and those of the prompt: at most its bytes and what a chat template adds).

import { createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Query as EpochQuery } from "../gen/race/epoch/v1/query_pb.js";
import { Inference, RequestBodySchema } from "../gen/race/inference/v1/inference_pb.js";
import { Query as NodeQuery } from "../gen/race/node/v1/query_pb.js";
import { Query as SessionQuery } from "../gen/race/session/v1/query_pb.js";
import { MsgOpenSessionResponseSchema, MsgOpenSessionSchema } from "../gen/race/session/v1/tx_pb.js";
import { SessionStatus } from "../gen/race/session/v1/types_pb.js";
import { connect } from "./grpc.js";
import {
  acknowledgement,
  outputHash,
  outputSignBytes,
  recordDigest,
  requestHash,
  requestSignBytes,
} from "./hash.js";

export { connect };

/** Executors of a request: the second and third are asked when those before are not there. */
const ATTEMPTS = 3;
/** Blocks for which a request stays valid. */
const VALID_BLOCKS = 100n;
/** Tokens that a chat template may add to a conversation, and to each message of it. */
const TEMPLATE_TOKENS = 256;
const MESSAGE_TOKENS = 16;
/** What comes before an ed25519 key in its DER. */
const ED25519_DER = Buffer.from("302a300506032b6570032100", "hex");

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
  #nodes;

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
    this.#nodes = connect(NodeQuery, node);
  }

  close() {
    this.#queries.close();
    this.#epochs.close();
    this.#nodes.close();
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
    };
    // More tokens than any tokenizer makes of the prompt.
    const messages = request.messages?.length ?? 0;
    const promptLimit = body.length + TEMPLATE_TOKENS + MESSAGE_TOKENS * messages;
    for (let attempt = 0; ; attempt += 1) {
      const drawn = await this.#drawn(index, attempt);
      const inference = connect(Inference, drawn.grpc);
      const asked = { ...terms, attempt, promptLimit };
      const signature = sign(null, requestSignBytes(this.chainId, asked), this.#key);
      try {
        yield* this.#stream(inference, { ...signed, attempt, signature }, asked, drawn, answer);
        return;
      } catch (error) {
        const absent = error.code === status.UNAVAILABLE && answer.executor === undefined;
        if (!absent || attempt + 1 === ATTEMPTS) throw error;
      } finally {
        inference.close();
      }
    }
  }

  /** What the chain says of a request: who answers it, and at which price. */
  async #drawn(index, attempt) {
    const { session, pin } = await this.#queries.session({ id: this.id });
    const drawn = await this.#queries.executor({ sessionId: this.id, index: BigInt(index), attempt });
    const { node } = await this.#nodes.node({ address: drawn.address });
    return {
      executor: Buffer.from(drawn.address),
      grpc: drawn.grpc || this.#node,
      transport: createPublicKey({
        key: Buffer.concat([ED25519_DER, node.keys.transport]),
        format: "der",
        type: "spki",
      }),
      perToken: BigInt(pin.pricePerUnit) * pin.unitsPerToken,
      ceiling: BigInt(session.ceiling),
    };
  }

  async *#stream(inference, signed, terms, drawn, answer) {
    const tokens = [];
    let text = "";
    let finished;
    const events = inference.generate(signed);
    // Ending the call early is reported as an error, also after nobody iterates any more.
    events.on("error", () => {});
    try {
      for await (const { event } of events) {
        if (event.case === "accepted") {
          const { executor, promptTokens } = event.value;
          if (!drawn.executor.equals(executor)) {
            throw unfit(`node ${Buffer.from(executor).toString("hex")} answers, and the chain drew another`);
          }
          answer.executor = executor;
          checkPrompt(promptTokens, terms);
        } else if (answer.executor === undefined) {
          throw unfit("the executor did not say who it is");
        } else if (event.case === "token") {
          if (tokens.length >= terms.maxTokens) {
            throw unfit(`the executor sends more than the ${terms.maxTokens} tokens asked for`);
          }
          tokens.push(event.value.id);
          text += event.value.text;
          yield event.value.text;
        } else if (event.case === "finished") {
          finished = event.value;
          break;
        }
      }
    } finally {
      events.cancel();
    }
    if (!finished) throw unfit("the stream ended before the answer did");
    const { work, digest } = this.#check(finished, tokens, text, terms, drawn);
    answer.finished = finished;
    try {
      await inference.acknowledge({
        sessionId: signed.sessionId,
        index: signed.index,
        attempt: signed.attempt,
        acknowledgement: sign(null, acknowledgement(this.chainId, work, digest, drawn.executor), this.#key),
        promptTokens: work.promptTokens,
        outputTokens: work.outputTokens,
        digest,
      });
    } catch (error) {
      answer.unacknowledged = error.message;
    }
  }

  /** What was received, and its digest, if the answer's end says the same. */
  #check(finished, tokens, text, terms, drawn) {
    checkPrompt(finished.promptTokens, terms);
    const cost = BigInt(finished.promptTokens + tokens.length) * drawn.perToken;
    const fee = cost < drawn.ceiling ? cost : drawn.ceiling;
    if (BigInt(finished.fee) !== fee) {
      throw unfit(
        `the executor asks ${finished.fee} nicoin; ${finished.promptTokens} prompt and ${tokens.length} answer tokens cost ${fee} at the session's price`,
      );
    }
    if (fee > terms.maxFee) {
      throw unfit(`the answer costs ${fee} nicoin, more than the ${terms.maxFee} that were offered`);
    }
    // What is acknowledged is what was received: the digest is made again from it.
    const work = {
      ...terms,
      promptTokens: finished.promptTokens,
      outputTokens: tokens.length,
      outputHash: outputHash(this.chainId, tokens, text),
      artifactRoot: finished.artifactRoot,
    };
    const digest = recordDigest(this.chainId, work);
    if (!digest.equals(finished.digest)) throw unfit("the executor committed to another answer than it sent");
    if (!verify(null, outputSignBytes(this.chainId, work), drawn.transport, finished.signature)) {
      throw unfit("the answer is not signed by the key that the executor registered");
    }
    return { work, digest };
  }
}

function checkPrompt(tokens, terms) {
  if (tokens > terms.promptLimit) {
    throw unfit(
      `the executor counts ${tokens} prompt tokens, and no tokenizer makes more than ${terms.promptLimit} of this prompt`,
    );
  }
}

const unfit = (why) => new Error(`${why}; the answer is not acknowledged, and costs nothing`);

/** An answer while it comes: iterate it once. */
class Answer {
  #text;
  /** The executor's consensus address, once it has accepted. */
  executor;
  /** How it ended and what it cost, once it has ended and was found to fit. */
  finished;
  /** Why the acknowledgement did not arrive, if it did not: ask for the same index again. */
  unacknowledged;

  constructor(run) {
    this.#text = run(this);
  }

  [Symbol.asyncIterator]() {
    return this.#text;
  }
}
