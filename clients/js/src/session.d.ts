import type { DescMethodUnary, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { StdFee } from "@cosmjs/amino";
import type { SigningStargateClient } from "@cosmjs/stargate";
import type { ChannelCredentials } from "@grpc/grpc-js";
import type { Finished } from "../gen/race/inference/v1/inference_pb.js";
import type { Session as OnChain } from "../gen/race/session/v1/types_pb.js";

/** A client of a generated service. */
export declare function connect<Service extends DescService>(
  service: Service,
  address: string,
  credentials?: ChannelCredentials,
): {
  [Name in keyof Service["method"]]: (
    request: MessageInitShape<Service["method"][Name]["input"]>,
  ) => Service["method"][Name] extends DescMethodUnary
    ? Promise<MessageShape<Service["method"][Name]["output"]>>
    : AsyncIterable<MessageShape<Service["method"][Name]["output"]>>;
} & { close(): void };

/** What a session needs: keep it as long as the session lives. */
export interface Opened {
  chainId: string;
  id: bigint | number | string;
  /** ed25519, PKCS #8 in PEM. */
  privateKey: string;
  nextIndex: number;
}

/** Opens a session with a client that knows `raceTypes`. Amounts are in `denom`, nicoin by default. */
export declare function openSession(
  client: SigningStargateClient,
  creator: string,
  options: {
    model: string;
    escrow: bigint | number | string;
    ceiling: bigint | number | string;
    expiryBlocks?: number;
    denom?: string;
    fee?: StdFee | "auto" | number;
  },
): Promise<Opened>;

export interface Request {
  messages?: { role: string; content: string }[];
  prompt?: string;
  maxTokens: number;
  /** 0, the default, takes the likeliest token. */
  temperatureMillis?: number;
  /** nicoin; by default the session's ceiling. */
  maxFee?: bigint | number | string;
  /** By default the next one; each is used once. */
  index?: number;
}

/** An answer while it comes: iterate it once. */
export interface Answer extends AsyncIterable<string> {
  /** The executor's consensus address, once it has accepted. */
  executor?: Uint8Array;
  /** How it ended and what it cost, once it has ended and was found to fit. */
  finished?: Finished;
  /** Why the acknowledgement did not arrive, if it did not: ask for the same index again. */
  unacknowledged?: string;
}

/** A session that is open. */
export declare class Session {
  constructor(node: string, opened: Opened);
  readonly chainId: string;
  readonly id: bigint;
  nextIndex: number;
  /** Waits until hosts are drawn for it in this epoch. */
  ready(options?: { seconds?: number }): Promise<{ session: OnChain; height: bigint }>;
  /** Asks, streams and acknowledges. */
  ask(request: Request): Answer;
  close(): void;
}
