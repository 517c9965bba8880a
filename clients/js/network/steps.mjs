// What the programs of this folder share: they talk to a running network, and end with 0 if each step worked.

import { readFileSync } from "node:fs";

/** `network.json`, as `raced localnet` writes it. */
export const network = JSON.parse(readFileSync(process.argv[2], "utf8"));
export const { rpc, rest, grpc } = network.nodes[0];
export const { denom, bech32_prefix: prefix } = network;
export const coins = (amount) => [{ denom, amount: String(amount) }];
export const mnemonic = (name) => network.accounts.find((account) => account.name === name).mnemonic;

export async function step(name, run) {
  await run();
  console.log(`ok ${name}`);
}

/** What `look` finds; it is asked again until it finds something. */
export async function until(what, look) {
  for (let tries = 0; tries < 300; tries += 1) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`${what} was not seen within a minute`);
}
