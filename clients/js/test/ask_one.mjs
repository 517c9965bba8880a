// Asks once in session 1 of chain `c`, for clients/sessions.py: node test/ask_one.mjs GRPC KEY INDEX

import { createPrivateKey } from "node:crypto";
import { Session } from "../src/session.js";

const [grpc, seed, index] = process.argv.slice(2);
// What comes before an ed25519 key in its PKCS #8.
const der = Buffer.from("302e020100300506032b657004220420" + seed, "hex");
const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
const privateKey = key.export({ type: "pkcs8", format: "pem" });
const session = new Session(grpc, { chainId: "c", id: 1, privateKey, nextIndex: Number(index) });
const answer = session.ask({ prompt: "why?", maxTokens: 4 });
const said = {};
try {
  said.text = "";
  for await (const text of answer) said.text += text;
  said.fee = answer.finished.fee;
  said.unacknowledged = answer.unacknowledged ?? null;
} catch (error) {
  said.refused = error.message;
}
session.close();
console.log(JSON.stringify(said));
