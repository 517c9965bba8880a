// Opens a session and streams an answer.
//
//   node ask.mjs RPC GRPC MODEL "a question"        with the mnemonic in RACE_MNEMONIC

import { DirectSecp256k1HdWallet, Registry } from "@cosmjs/proto-signing";
import { GasPrice, SigningStargateClient, defaultRegistryTypes } from "@cosmjs/stargate";
import { raceTypes } from "@race-network/client";
import { Session, openSession } from "@race-network/client/session";

const [rpc, grpc, model, question] = process.argv.slice(2);
const wallet = await DirectSecp256k1HdWallet.fromMnemonic(process.env.RACE_MNEMONIC, { prefix: "race" });
const [{ address }] = await wallet.getAccounts();
const registry = new Registry([...defaultRegistryTypes, ...raceTypes]);
const gasPrice = GasPrice.fromString("0.02nicoin");
const client = await SigningStargateClient.connectWithSigner(rpc, wallet, { registry, gasPrice });

const opened = await openSession(client, address, { model, escrow: 1_000_000_000, ceiling: 100_000_000 });
const session = new Session(grpc, opened);
console.error(`session ${session.id}`);
const answer = session.ask({ messages: [{ role: "user", content: question }], maxTokens: 64 });
for await (const text of answer) process.stdout.write(text);
const { promptTokens, outputTokens, fee } = answer.finished;
console.error(`\n${promptTokens} prompt and ${outputTokens} answer tokens, ${fee} nicoin`);
session.close();
client.disconnect();
