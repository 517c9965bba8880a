// The amino JSON of every message, against what the chain itself signs: the snapshot of its own tests.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { AminoTypes, createDefaultAminoConverters, defaultRegistryTypes } from "@cosmjs/stargate";
import { serializeSignDoc } from "@cosmjs/amino";
import { Registry } from "@cosmjs/proto-signing";
import { raceAminoConverters, raceTypes } from "../src/index.js";

const snapshot = new URL(
  "../../../app/src/tx/amino/snapshots/race_app__tx__amino__tests__every_message_looks_as_the_sdk_writes_it.snap",
  import.meta.url,
);
const registry = new Registry([...defaultRegistryTypes, ...raceTypes]);
const aminoTypes = new AminoTypes({ ...createDefaultAminoConverters(), ...raceAminoConverters });

/** The bytes and the JSON of each message, full and empty. */
function examples() {
  const lines = readFileSync(snapshot, "utf8").split("\n---\n")[1].trimEnd().split("\n");
  const found = [];
  for (let at = 0; at < lines.length; at += 2) {
    const [typeUrl, hex] = lines[at].split(" ");
    found.push({ typeUrl, bytes: new Uint8Array(Buffer.from(hex, "hex")), json: lines[at + 1] });
  }
  return found;
}

/** As it is signed: keys sorted, no spaces, `&`, `<` and `>` escaped. */
const written = (value) => new TextDecoder().decode(serializeSignDoc(value));

test("every message of the chain has a type and a converter", () => {
  const ours = new Set(raceTypes.map(([typeUrl]) => typeUrl));
  for (const { typeUrl } of examples()) assert.ok(ours.has(typeUrl), typeUrl);
});

for (const { typeUrl, bytes, json } of examples()) {
  test(`${typeUrl}, ${bytes.length ? "full" : "empty"}, is signed as the chain checks it`, () => {
    const value = registry.decode({ typeUrl, value: bytes });
    const amino = aminoTypes.toAmino({ typeUrl, value });
    assert.equal(written(amino), json);
    const back = aminoTypes.fromAmino(JSON.parse(json));
    assert.equal(back.typeUrl, typeUrl);
    assert.deepEqual(registry.encode(back), bytes);
  });
}

test("an allowance in an allowance is signed as the chain checks it, its period in nanoseconds", () => {
  const periodic = {
    basic: { spend_limit: [] },
    period: "3600500000000",
    period_can_spend: [],
    period_reset: "2027-01-15T08:00:00Z",
    period_spend_limit: [{ amount: "5", denom: "nicoin" }],
  };
  const allowed = {
    allowance: { type: "cosmos-sdk/PeriodicAllowance", value: periodic },
    allowed_messages: ["/cosmos.bank.v1beta1.MsgSend"],
  };
  const grant = {
    type: "cosmos-sdk/MsgGrantAllowance",
    value: { allowance: { type: "cosmos-sdk/AllowedMsgAllowance", value: allowed }, grantee: "race1b", granter: "race1a" },
  };
  const { typeUrl, value } = aminoTypes.fromAmino(grant);
  const read = registry.decode({ typeUrl, value: registry.encode({ typeUrl, value }) });
  assert.equal(written(aminoTypes.toAmino({ typeUrl, value: read })), written(grant));
});
