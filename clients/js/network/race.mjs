// Messages of this chain as a Ledger or Keplr signs them: a wallet that can sign nothing but amino JSON
// proposes a model, a provider votes for it, a user opens a session. Ends when the model is there.
//
//   node race.mjs NETWORK_JSON PROPOSAL_JSON        (the proposal as `raced model info --proposal` writes it)

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { generateKeyPairSync } from "node:crypto";
import { Secp256k1HdWallet } from "@cosmjs/amino";
import { Registry } from "@cosmjs/proto-signing";
import {
  AminoTypes,
  GasPrice,
  SigningStargateClient,
  assertIsDeliverTxSuccess,
  createDefaultAminoConverters,
  defaultRegistryTypes,
} from "@cosmjs/stargate";
import { fromBinary, fromJson } from "@bufbuild/protobuf";
import { pack, raceAminoConverters, raceTypes, types } from "@race-network/client";
import { MsgSubmitProposalResponseSchema } from "@race-network/client/cosmos/gov/v1/tx_pb.js";
import { MsgRegisterModelSchema } from "@race-network/client/race/model/v1/tx_pb.js";
import { Query as ModelQuery } from "@race-network/client/race/model/v1/query_pb.js";
import { connect } from "@race-network/client/session";
import { coins, denom, grpc, mnemonic, prefix, rpc, step, until } from "./steps.mjs";

const proposed = JSON.parse(readFileSync(process.argv[3], "utf8"));
const { "@type": type, ...register } = proposed.messages[0];
assert.equal(type, `/${MsgRegisterModelSchema.typeName}`);
const model = fromJson(MsgRegisterModelSchema, register, { registry: types });

const registry = new Registry([...defaultRegistryTypes, ...raceTypes]);
const aminoTypes = new AminoTypes({ ...createDefaultAminoConverters(), ...raceAminoConverters });
const gasPrice = GasPrice.fromString(`0.02${denom}`);

/** Signs amino JSON alone. */
async function signer(name) {
  const wallet = await Secp256k1HdWallet.fromMnemonic(mnemonic(name), { prefix });
  const options = { registry, aminoTypes, gasPrice, broadcastPollIntervalMs: 300 };
  const client = await SigningStargateClient.connectWithSigner(rpc, wallet, options);
  const [{ address }] = await wallet.getAccounts();
  const send = async (typeUrl, value) => {
    const result = await client.signAndBroadcast(address, [{ typeUrl, value }], "auto");
    assertIsDeliverTxSuccess(result);
    return result.msgResponses[0].value;
  };
  return { address, client, send };
}

const alice = await signer("alice");
const operator = await signer("node0");
let proposalId;

await step("a proposal", async () => {
  const response = await alice.send("/cosmos.gov.v1.MsgSubmitProposal", {
    messages: [pack(MsgRegisterModelSchema, model)],
    initialDeposit: coins(10_000_000_000),
    proposer: alice.address,
    title: proposed.title,
    summary: `${proposed.summary} <&>`,
  });
  proposalId = fromBinary(MsgSubmitProposalResponseSchema, response).proposalId;
});

await step("a vote, and a price", async () => {
  await operator.send("/cosmos.gov.v1.MsgVote", { proposalId, voter: operator.address, option: 1 });
  await operator.send("/race.pricing.v1.MsgVotePrice", { sender: operator.address, price: "1000" });
});

await step("the model is hosted", async () => {
  const models = connect(ModelQuery, grpc);
  await until("a host of the model", async () => {
    const { hosts } = await models.model({ id: model.model.id }).catch(() => ({ hosts: [] }));
    return hosts.length > 0;
  });
  models.close();
});

await step("a session", async () => {
  const { publicKey } = generateKeyPairSync("ed25519");
  const value = {
    creator: alice.address,
    modelId: model.model.id,
    escrow: coins(1_000_000)[0],
    ceiling: coins(100_000)[0],
    sessionKey: publicKey.export({ type: "spki", format: "der" }).subarray(-32),
    expiryHeight: BigInt((await alice.client.getHeight()) + 100),
  };
  await alice.send("/race.session.v1.MsgOpenSession", value);
});

process.exit(0);
