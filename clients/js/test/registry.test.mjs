// chain.json and assetlist.json, as the chain registry of Cosmos wants them: against the types that its package
// makes of its schemas, in which keys are camelCase, and the patterns that types do not have.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const read = (name) =>
  JSON.parse(readFileSync(new URL(`../../../deploy/chain-registry/${name}`, import.meta.url), "utf8"));
const chain = read("chain.json");
const assets = read("assetlist.json");

function camelCase(value) {
  if (Array.isArray(value)) return value.map(camelCase);
  if (value === null || typeof value !== "object") return value;
  const key = (name) => name.replace(/_([a-zA-Z])/g, (_, letter) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [key(name), camelCase(inner)]));
}

/** What the compiler says of a value that is to have a type of the registry's. */
function complaints(type, value) {
  const file = fileURLToPath(new URL("checked.ts", import.meta.url));
  const text = `import { ${type} } from "@chain-registry/types";
    export const checked: ${type} = ${JSON.stringify(camelCase(value))};`;
  const options = {
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
    target: ts.ScriptTarget.ES2022,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => name === file || fileExists(name);
  host.getSourceFile = (name, ...more) =>
    name === file ? ts.createSourceFile(name, text, options.target) : getSourceFile(name, ...more);
  const found = ts.getPreEmitDiagnostics(ts.createProgram([file], options, host));
  return found.map((one) => ts.flattenDiagnosticMessageText(one.messageText, " "));
}

test("chain.json has the shape of the registry's schema", () => {
  assert.deepEqual(complaints("Chain", chain), []);
  assert.match(chain.chain_name, /^[a-z0-9]+$/);
  assert.match(chain.$schema, /^(\.\.\/)+chain\.schema\.json$/);
  assert.match(chain.codebase.consensus.version, /^v?\d+(\.\d+){0,2}$/);
});

test("assetlist.json has the shape of the registry's schema", () => {
  assert.deepEqual(complaints("AssetList", assets), []);
  assert.match(assets.$schema, /^(\.\.\/)+assetlist\.schema\.json$/);
  for (const asset of assets.assets) {
    const units = asset.denom_units.map((unit) => unit.denom);
    assert.ok(units.includes(asset.base) && units.includes(asset.display));
  }
});

test("the two files speak of one chain", () => {
  assert.equal(assets.chain_name, chain.chain_name);
  assert.equal(chain.fees.fee_tokens[0].denom, assets.assets[0].base);
});

test("a key that the schema does not have, or a missing one, is seen", () => {
  assert.match(complaints("Chain", { ...chain, colour: "red" }).join(), /colour/);
  const { chain_name: _, ...nameless } = chain;
  assert.match(complaints("Chain", nameless).join(), /chainName/);
});
