// What a user in TypeScript writes: checked by the compiler, never run.

import { AminoTypes, SigningStargateClient } from "@cosmjs/stargate";
import { Registry } from "@cosmjs/proto-signing";
import { pack, raceAminoConverters, raceTypes } from "@race-network/client";
import { MsgUpdateParamsSchema } from "@race-network/client/race/params/v1/tx_pb.js";
import { Query } from "@race-network/client/race/session/v1/query_pb.js";
import { Session, connect, openSession } from "@race-network/client/session";

export const registry = new Registry(raceTypes);
export const aminoTypes = new AminoTypes(raceAminoConverters);
export const packed: Uint8Array = pack(MsgUpdateParamsSchema, { authority: "race1", params: [{ name: "a/b", value: 1n }] }).value;

export async function ask(client: SigningStargateClient, alice: string): Promise<string> {
  const opened = await openSession(client, alice, { model: "m", escrow: 10n, ceiling: 1 });
  const session = new Session("localhost:9090", opened);
  const answer = session.ask({ prompt: "a", maxTokens: 1 });
  let text = "";
  for await (const part of answer) text += part;
  const { session: found } = await connect(Query, "localhost:9090").session({ id: session.id });
  return `${text} ${answer.finished?.fee} ${found?.escrow}`;
}
