// CosmJS as its users have it: each step as wallets and scripts do it. Ends with 0 if all of them worked.
//
//   node check.mjs RPC REST ALICE_MNEMONIC

import assert from "node:assert/strict";
import {
  Secp256k1HdWallet,
  createMultisigThresholdPubkey,
  encodeSecp256k1Pubkey,
  makeCosmoshubPath,
  pubkeyToAddress,
} from "@cosmjs/amino";
import { DirectSecp256k1HdWallet } from "@cosmjs/proto-signing";
import {
  GasPrice,
  SigningStargateClient,
  StargateClient,
  assertIsDeliverTxSuccess,
  makeMultisignedTxBytes,
} from "@cosmjs/stargate";

const [rpc, rest, mnemonic] = process.argv.slice(2);
const prefix = "race";
const denom = "nicoin";
const gasPrice = GasPrice.fromString(`0.01${denom}`);
const coins = (amount) => [{ denom, amount: String(amount) }];
const fee = { amount: coins(5000), gas: "400000" };

async function step(name, run) {
  await run();
  console.log(`ok ${name}`);
}

/** The address of no account, a new one for each name. */
async function nobody() {
  const wallet = await Secp256k1HdWallet.generate(12, { prefix });
  return (await wallet.getAccounts())[0].address;
}

async function lcd(path) {
  const response = await fetch(`${rest}${path}`);
  return [response.status, await response.json()];
}

const reader = await StargateClient.connect(rpc);
const direct = await DirectSecp256k1HdWallet.fromMnemonic(mnemonic, { prefix });
const amino = await Secp256k1HdWallet.fromMnemonic(mnemonic, { prefix });
const alice = (await direct.getAccounts())[0].address;
let hash;

await step("a transfer signed directly, with gas from a simulation", async () => {
  const client = await SigningStargateClient.connectWithSigner(rpc, direct, { gasPrice });
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
  let listed = [];
  for (let tries = 0; tries < 50 && listed.length === 0; tries += 1) {
    listed = await reader.searchTx(query);
    if (listed.length === 0) await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.ok(listed.some((tx) => tx.hash === hash));
});

await step("a transfer signed as amino JSON", async () => {
  const client = await SigningStargateClient.connectWithSigner(rpc, amino, { gasPrice });
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
  const client = await SigningStargateClient.connectWithSigner(rpc, direct, { gasPrice });
  assertIsDeliverTxSuccess(await client.sendTokens(alice, shared, coins(1_000_000), fee));

  const to = await nobody();
  const account = await reader.getAccount(shared);
  const signerData = {
    accountNumber: account.accountNumber,
    sequence: account.sequence,
    chainId: await reader.getChainId(),
  };
  const message = {
    typeUrl: "/cosmos.bank.v1beta1.MsgSend",
    value: { fromAddress: shared, toAddress: to, amount: coins(7) },
  };
  const signatures = new Map();
  let bodyBytes;
  for (const owner of [owners[0], owners[2]]) {
    const { address } = (await owner.getAccounts())[0];
    const signer = await SigningStargateClient.offline(owner);
    const signed = await signer.sign(address, [message], fee, "shared", signerData);
    signatures.set(address, signed.signatures[0]);
    bodyBytes = signed.bodyBytes;
  }
  const tx = makeMultisignedTxBytes(key, account.sequence, fee, bodyBytes, signatures);
  assertIsDeliverTxSuccess(await reader.broadcastTx(tx));
  assert.deepEqual(await reader.getBalance(to, denom), coins(7)[0]);
});

await step("what is not there", async () => {
  const missing = await nobody();
  assert.equal(await reader.getAccount(missing), null);
  assert.deepEqual(await reader.getAllBalances(missing), []);
  assert.equal(await reader.getTx("AB".repeat(32)), null);
  assert.equal(await reader.getDelegation(alice, "racevaloper1xyz").catch(() => null), null);
});

await step("a refusal in the words of the SDK", async () => {
  const client = await SigningStargateClient.connectWithSigner(rpc, direct, { gasPrice });
  const result = await client.sendTokens(alice, alice, coins("100000000000000000000"), fee);
  assert.equal(result.code, 5);
  assert.match(result.rawLog, /is smaller than 100000000000000000000nicoin: insufficient funds$/);
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
