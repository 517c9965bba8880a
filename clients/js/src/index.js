// What CosmJS needs to know of this chain: every message that it takes besides CosmJS's own.
//
//   const registry = new Registry([...defaultRegistryTypes, ...raceTypes]);
//   const aminoTypes = new AminoTypes({ ...createDefaultAminoConverters(), ...raceAminoConverters });
//   SigningStargateClient.connectWithSigner(rpc, signer, { registry, aminoTypes });

import { create, createRegistry, fromBinary, getOption, hasOption, toBinary } from "@bufbuild/protobuf";
import { name as aminoName } from "../gen/amino/amino_pb.js";
import { signer } from "../gen/cosmos/msg/v1/msg_pb.js";
import * as files from "../gen/files.js";
import { fromAmino, toAmino } from "./amino.js";

/** Every type of the chain's, by its full name. */
export const types = createRegistry(...Object.values(files));

/** The messages that a transaction may carry: those with a name in amino, or at least a signer. */
const messages = [...types].filter(
  (type) =>
    type.kind === "message" &&
    type.name.startsWith("Msg") &&
    (hasOption(type, aminoName) || hasOption(type, signer)),
);

const typeUrl = (schema) => `/${schema.typeName}`;

/** A type as CosmJS's `Registry` wants it. */
const generatedType = (schema) => ({
  encode: (message) => ({ finish: () => toBinary(schema, create(schema, message)) }),
  decode: (bytes) => fromBinary(schema, bytes),
  fromPartial: (value) => create(schema, value),
});

/** For CosmJS's `Registry`. */
export const raceTypes = messages.map((schema) => [typeUrl(schema), generatedType(schema)]);

/** For CosmJS's `AminoTypes`, which Ledger and Keplr sign through. */
export const raceAminoConverters = Object.fromEntries(
  messages.map((schema) => [
    typeUrl(schema),
    {
      aminoType: hasOption(schema, aminoName) ? getOption(schema, aminoName) : typeUrl(schema),
      toAmino: (value) => toAmino(types, create(schema, value)),
      fromAmino: (value) => fromAmino(types, schema, value),
    },
  ]),
);

/** A message inside of another one, such as a proposal's: `pack(MsgUpdateParamsSchema, {...})`. */
export function pack(schema, value) {
  return { typeUrl: typeUrl(schema), value: toBinary(schema, create(schema, value)) };
}
