import type { DescMessage, MessageInitShape, Registry } from "@bufbuild/protobuf";
import type { GeneratedType } from "@cosmjs/proto-signing";
import type { AminoConverters } from "@cosmjs/stargate";

/** Every type of the chain's, by its full name. */
export declare const types: Registry;
/** For CosmJS's `Registry`. */
export declare const raceTypes: ReadonlyArray<[string, GeneratedType]>;
/** For CosmJS's `AminoTypes`, which Ledger and Keplr sign through. */
export declare const raceAminoConverters: AminoConverters;
/** A message inside of another one, such as a proposal's. */
export declare function pack<Desc extends DescMessage>(
  schema: Desc,
  value: MessageInitShape<Desc>,
): { typeUrl: string; value: Uint8Array };
