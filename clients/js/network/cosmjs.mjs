// CosmJS as its users have it: each step as wallets and scripts do it. Ends with 0 if all of them worked.
//
//   node cosmjs.mjs NETWORK_JSON

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  Secp256k1HdWallet,
  createMultisigThresholdPubkey,
  encodeSecp256k1Pubkey,
  makeCosmoshubPath,
  pubkeyToAddress,
} from "@cosmjs/amino";
import { toUtf8 } from "@cosmjs/encoding";
import { DirectSecp256k1HdWallet, Registry } from "@cosmjs/proto-signing";
import {
  GasPrice,
  SigningStargateClient,
  StargateClient,
  assertIsDeliverTxSuccess,
  defaultRegistryTypes,
  makeMultisignedTxBytes,
} from "@cosmjs/stargate";
import { Comet38Client, WebsocketClient } from "@cosmjs/tendermint-rpc";
import { TxRaw } from "cosmjs-types/cosmos/tx/v1beta1/tx.js";
import { coins, denom, mnemonic as mnemonicOf, prefix, rest, rpc, step, until } from "./steps.mjs";

const mnemonic = mnemonicOf("alice");
const options = { gasPrice: GasPrice.fromString(`0.01${denom}`), broadcastPollIntervalMs: 300 };
const fee = { amount: coins(5000), gas: "400000" };

/** The address of no account, a new one for each name. */
async function nobody() {
  const wallet = await Secp256k1HdWallet.generate(12, { prefix });
  return (await wallet.getAccounts())[0].address;
}

async function lcd(path, body) {
  const options = body && { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(`${rest}${path}`, options);
  return [response.status, await response.json()];
}

const send = (to, amount, from = alice) => ({
  typeUrl: "/cosmos.bank.v1beta1.MsgSend",
  value: { fromAddress: from, toAddress: to, amount: coins(amount) },
});

/** What the next transaction of an account is signed with. */
async function signing(client, address) {
  const { accountNumber, sequence } = await client.getSequence(address);
  return { accountNumber, sequence, chainId: await client.getChainId() };
}

/** A type for messages that the chain does not know. */
const registryType = () => ({
  encode: () => ({ finish: () => new Uint8Array() }),
  decode: () => ({}),
  fromPartial: (value) => value,
});

const reader = await StargateClient.connect(rpc);
const direct = await DirectSecp256k1HdWallet.fromMnemonic(mnemonic, { prefix });
const amino = await Secp256k1HdWallet.fromMnemonic(mnemonic, { prefix });
const alice = (await direct.getAccounts())[0].address;
let hash;

await step("a transfer signed directly, with gas from a simulation", async () => {
  const client = await SigningStargateClient.connectWithSigner(rpc, direct, options);
  const to = await nobody();
  const result = await client.sendTokens(alice, to, coins(1234), "auto", "a & b < c");
  assertIsDeliverTxSuccess(result);
  hash = result.transactionHash;
  assert.deepEqual(await reader.getBalance(to, denom), coins(1234)[0]);
});

await step("the transaction by its hash and by its events", async () => {
  const found = await reader.getTx(hash);
  assert.equal(found.code, 0);
  const query = `message.action='/cosmos.bank.v1beta1.MsgSend' AND message.sender='${alice}'`;
  // The index follows the block a moment later.
  await until("the transaction", async () => (await reader.searchTx(query)).some((tx) => tx.hash === hash));
  // Conditions are joined within one event.
  const apart = `message.action='/cosmos.bank.v1beta1.MsgSend' AND transfer.sender='${alice}'`;
  assert.deepEqual(await reader.searchTx(apart), []);
});

await step("a transfer signed as amino JSON", async () => {
  const client = await SigningStargateClient.connectWithSigner(rpc, amino, options);
  const to = await nobody();
  const result = await client.sendTokens(alice, to, coins(5), fee, "amino <&>");
  assertIsDeliverTxSuccess(result);
  assert.deepEqual(await reader.getBalance(to, denom), coins(5)[0]);
});

await step("an account of three keys, of which two sign", async () => {
  const owners = [];
  for (let index = 1; index <= 3; index += 1) {
    const hdPaths = [makeCosmoshubPath(index)];
    owners.push(await Secp256k1HdWallet.fromMnemonic(mnemonic, { prefix, hdPaths }));
  }
  const keys = [];
  for (const owner of owners) keys.push(encodeSecp256k1Pubkey((await owner.getAccounts())[0].pubkey));
  const key = createMultisigThresholdPubkey(keys, 2);
  const shared = pubkeyToAddress(key, prefix);
  const client = await SigningStargateClient.connectWithSigner(rpc, direct, options);
  assertIsDeliverTxSuccess(await client.sendTokens(alice, shared, coins(1_000_000), fee));

  const to = await nobody();
  const signerData = await signing(reader, shared);
  const message = send(to, 7, shared);
  const signatures = new Map();
  let bodyBytes;
  for (const owner of [owners[0], owners[2]]) {
    const { address } = (await owner.getAccounts())[0];
    const signer = await SigningStargateClient.offline(owner);
    const signed = await signer.sign(address, [message], fee, "shared", signerData);
    signatures.set(address, signed.signatures[0]);
    bodyBytes = signed.bodyBytes;
  }
  const tx = makeMultisignedTxBytes(key, signerData.sequence, fee, bodyBytes, signatures);
  assertIsDeliverTxSuccess(await reader.broadcastTx(tx, 60_000, 300));
  assert.deepEqual(await reader.getBalance(to, denom), coins(7)[0]);
});

await step("what is not there", async () => {
  const missing = await nobody();
  assert.equal(await reader.getAccount(missing), null);
  assert.deepEqual(await reader.getAllBalances(missing), []);
  assert.equal(await reader.getTx("AB".repeat(32)), null);
  assert.equal(await reader.getDelegation(alice, "racevaloper1xyz").catch(() => null), null);
});

await step("a transfer to several", async () => {
  const client = await SigningStargateClient.connectWithSigner(rpc, direct, options);
  const to = [await nobody(), await nobody()];
  const value = {
    inputs: [{ address: alice, coins: coins(30) }],
    outputs: to.map((address, at) => ({ address, coins: coins(10 + 10 * at) })),
  };
  const message = { typeUrl: "/cosmos.bank.v1beta1.MsgMultiSend", value };
  assertIsDeliverTxSuccess(await client.signAndBroadcast(alice, [message], "auto"));
  assert.deepEqual(await reader.getBalance(to[1], denom), coins(20)[0]);
});

await step("each refusal of CheckTx, with its code", async () => {
  const client = await SigningStargateClient.connectWithSigner(rpc, direct, options);
  const now = await signing(client, alice);
  const stranger = await DirectSecp256k1HdWallet.generate(12, { prefix });
  const [{ address: unknown }] = await stranger.getAccounts();
  const sign = ({ messages = [send(alice, 1)], as = {}, pays = {}, memo = "", timeout }) =>
    client.sign(alice, messages, { ...fee, ...pays }, memo, { ...now, ...as }, timeout);
  const another = async () => {
    const theirs = await SigningStargateClient.connectWithSigner(rpc, stranger, options);
    const message = send(alice, 1, unknown);
    return theirs.sign(unknown, [message], fee, "", { ...now, accountNumber: 0, sequence: 0 });
  };
  /** Alice's message with the stranger's key. */
  const forged = async () => ({ ...(await another()), bodyBytes: (await sign({})).bodyBytes });
  const registry = new Registry([...defaultRegistryTypes, ["/no.such.Message", registryType()]]);
  const odd = await SigningStargateClient.connectWithSigner(rpc, direct, { ...options, registry });
  const cases = [
    [2, () => odd.sign(alice, [{ typeUrl: "/no.such.Message", value: {} }], fee, "", now)],
    [4, () => sign({ as: { chainId: "another" } })],
    [5, () => sign({ pays: { amount: coins(10n ** 20n) } })],
    [8, forged],
    [9, another],
    [11, () => sign({ pays: { gas: "1" } })],
    [12, () => sign({ memo: "x".repeat(257) })],
    [13, () => sign({ pays: { amount: coins(1) } })],
    [15, async () => ({ ...(await sign({})), signatures: [] })],
    [18, () => sign({ messages: [] })],
    [30, () => sign({ timeout: 1n })],
    [32, () => sign({ as: { sequence: now.sequence + 9 } })],
  ];
  for (const [code, make] of cases) {
    const bytes = TxRaw.encode(await make()).finish();
    const refused = await client.broadcastTxSync(bytes).then(
      () => ({ code: 0 }),
      (error) => error,
    );
    assert.equal(refused.code, code, `${code}: ${refused.message ?? refused.log}`);
    assert.equal(refused.codespace, "sdk");
  }
});

await step("each failure in a block, with its code", async () => {
  const client = await SigningStargateClient.connectWithSigner(rpc, direct, options);
  const unequal = {
    inputs: [{ address: alice, coins: coins(3) }],
    outputs: [{ address: alice, coins: coins(2) }],
  };
  const cases = [
    [5, send(alice, 10n ** 20n), fee, /is smaller than 100000000000000000000nicoin: insufficient funds$/],
    [7, send("nobody", 1), fee, /invalid to address: decoding bech32 failed/],
    [10, send(alice, 0), fee, /0nicoin: invalid coins$/],
    [4, { typeUrl: "/cosmos.bank.v1beta1.MsgMultiSend", value: unequal }, fee, /sum inputs != sum outputs$/],
  ];
  for (const [code, message, pays, log] of cases) {
    const result = await client.signAndBroadcast(alice, [message], pays);
    assert.equal(result.code, code, result.rawLog);
    assert.match(result.rawLog, log);
  }
});

await step("bytes that the mempool has already", async () => {
  const client = await SigningStargateClient.connectWithSigner(rpc, direct, options);
  const signed = await client.sign(alice, [send(alice, 1)], fee, "", await signing(client, alice));
  const bytes = TxRaw.encode(signed).finish();
  const body = { tx_bytes: Buffer.from(bytes).toString("base64"), mode: "BROADCAST_MODE_SYNC" };
  const [, first] = await lcd("/cosmos/tx/v1beta1/txs", body);
  const [status, second] = await lcd("/cosmos/tx/v1beta1/txs", body);
  assert.deepEqual([first.tx_response.code, status, second.tx_response.code], [0, 200, 19]);
  assert.equal(second.tx_response.codespace, "sdk");
  assert.equal(second.tx_response.raw_log, "");
  await assert.rejects(client.broadcastTxSync(bytes), /tx already exists in cache/);
  await until("the first", () => reader.getTx(second.tx_response.txhash));
});

await step("events over the websocket", async () => {
  const address = rpc.replace("http", "ws");
  const comet = await Comet38Client.connect(address);
  const blocks = [];
  const listener = { next: (block) => blocks.push(block), error: assert.fail, complete: () => {} };
  const listening = comet.subscribeNewBlock().subscribe(listener);

  const raw = new WebsocketClient(address);
  const seen = [];
  const query = `tm.event='Tx' AND message.sender='${alice}'`;
  const request = { jsonrpc: "2.0", id: 7, method: "subscribe", params: { query } };
  raw.listen(request).subscribe({ ...listener, next: (event) => seen.push(event) });

  const client = await SigningStargateClient.connectWithSigner(rpc, direct, options);
  // The subscription may come after the first.
  await until("a transaction over the websocket", async () => {
    assertIsDeliverTxSuccess(await client.sendTokens(alice, alice, coins(1), fee));
    return seen.length > 0;
  });
  const { query: asked, data, events } = seen[0];
  assert.equal(asked, query);
  assert.equal(data.type, "tendermint/event/Tx");
  const { height, tx, result } = data.value.TxResult;
  assert.deepEqual(events["tm.event"], ["Tx"]);
  assert.deepEqual(events["tx.height"], [height]);
  assert.match(events["tx.hash"][0], /^[0-9A-F]{64}$/);
  assert.deepEqual(events["message.action"], ["/cosmos.bank.v1beta1.MsgSend"]);
  assert.ok(tx.length > 0 && result.data.length > 0 && Number(result.gas_used) > 0);
  // What is zero is left out.
  assert.ok(!("code" in result) && !("log" in result));
  await until("two blocks", () => blocks.length > 1);
  assert.equal(blocks[1].header.height, blocks[0].header.height + 1);
  listening.unsubscribe();
  comet.disconnect();
  raw.disconnect();
});

await step("state by ABCI, with the SDK's codes", async () => {
  const comet = await Comet38Client.connect(rpc);
  const ask = (path, more) => comet.abciQuery({ path, data: new Uint8Array(), ...more });
  assert.equal((await ask("/no.such.Query/Method")).code, 6);
  assert.equal((await ask("/cosmos.auth.v1beta1.Query/Params", { height: 1_000_000 })).code, 26);
  assert.equal((await ask("/cosmos.auth.v1beta1.Query/Account", { data: toUtf8("?") })).code, 18);
  assert.equal((await ask("/store/bank/key", { height: 1, prove: true })).code, 18);
  assert.equal((await ask("/store/nothing/key")).code, 4);
  assert.equal((await ask("/app/version")).codespace, "sdk");
});

await step("the coin is the one that wallets are told of", async () => {
  const file = new URL("../../../deploy/chain-registry/assetlist.json", import.meta.url);
  const [told] = JSON.parse(readFileSync(file, "utf8")).assets;
  const [, { metadata }] = await lcd(`/cosmos/bank/v1beta1/denoms_metadata/${denom}`);
  const units = metadata.denom_units.map(({ denom: unit, exponent }) => ({ denom: unit, exponent }));
  assert.deepEqual(units, told.denom_units);
  for (const key of ["base", "display", "name", "symbol", "description"]) assert.equal(metadata[key], told[key]);
});

await step("REST", async () => {
  const [status, account] = await lcd(`/cosmos/auth/v1beta1/accounts/${alice}`);
  assert.equal(status, 200);
  assert.equal(account.account["@type"], "/cosmos.auth.v1beta1.BaseAccount");
  const [, tx] = await lcd(`/cosmos/tx/v1beta1/txs/${hash.toLowerCase()}`);
  assert.equal(tx.tx_response.txhash, hash);
  assert.equal(tx.tx.body.memo, "a & b < c");
  assert.equal(tx.tx_response.tx["@type"], "/cosmos.tx.v1beta1.Tx");
  const [, block] = await lcd("/cosmos/base/tendermint/v1beta1/blocks/latest");
  assert.match(block.sdk_block.header.proposer_address, /^racevalcons1/);
  const [, set] = await lcd("/cosmos/staking/v1beta1/validators?status=BOND_STATUS_BONDED");
  assert.ok(set.validators.length > 0);
  const [missing] = await lcd("/no/such/path");
  assert.equal(missing, 501);
});

process.exit(0);
