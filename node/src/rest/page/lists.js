// Lists that the overview and the details share.

import { empty, h, link, mark, row, share, table } from "./dom.js";
import { amount, hex, message, named, number, short, when } from "./format.js";

const OUTCOMES = { OUTCOME_ACCEPTED: "good", OUTCOME_NOT_JUDGED: "warn", OUTCOME_NOT_READY: "warn" };
const PROPOSALS = {
  PROPOSAL_STATUS_PASSED: "good", PROPOSAL_STATUS_VOTING_PERIOD: "warn", PROPOSAL_STATUS_DEPOSIT_PERIOD: "warn",
  PROPOSAL_STATUS_REJECTED: "bad", PROPOSAL_STATUS_FAILED: "bad",
};

export function outcome(value) {
  return mark(named(value, "OUTCOME_"), OUTCOMES[value] ?? "bad");
}

export function proposalStatus(value) {
  return mark(named(value, "PROPOSAL_STATUS_").replace(" period", ""), PROPOSALS[value] ?? "");
}

/** A link to a node by its address in hex, named by its moniker if `nodes` has it. */
export function nodeLink(address, nodes) {
  const moniker = nodes?.find((node) => hex(node.address) === address)?.moniker;
  return link(["node", address], moniker || short(address, 6, 4), { title: address });
}

export function blockLink(height) {
  return link(["block", height], number(height));
}

export function accountLink(address) {
  return link(["account", address], short(address, 10, 6), { class: "mono", title: address });
}

export function txLink(hash) {
  return link(["tx", hash], short(hash, 6, 6), { class: "mono", title: hash });
}

/** What a transaction does, in words. */
export function doing(messages, count) {
  const first = messages.map((type) => message(type).name);
  const more = count > first.length ? ` and ${count - first.length} more` : "";
  return first.length ? `${[...new Set(first)].join(", ")}${more}` : "unreadable";
}

/** Whether a transaction is one that nodes owe the chain; users' modules are few. */
export function ofProtocol({ messages }) {
  return messages.every((type) => /^\/race\.(beacon|race|duty|settlement)\./.test(type) || type === "/race.model.v1.MsgAnnounceModel");
}

const VALIDATORS = [
  { name: "Validator" }, { name: "Voting power", number: true }, { name: "Race count", number: true },
  { name: "This race", number: true }, { name: "Reputation", number: true },
];

/**
 * Validators with the race counts that their power came from.
 * @param {{ nodes: object[], committee: object, results: object[], submissions: object[], reputations: object[] }} all
 */
export function validators({ nodes, committee, results, submissions, reputations }) {
  const total = Number(committee.total_power);
  const of = (list, address) => list.find((item) => item.address === address);
  const members = [...committee.members].sort((a, b) => Number(b.power) - Number(a.power));
  const outside = nodes.filter((node) => !of(members, node.address));
  const shown = [...members, ...outside.map(({ address }) => ({ address, power: "0", count: "0" }))];
  const rows = shown.map((member) => {
    const address = hex(member.address);
    const power = Number(member.power);
    const result = of(results, member.address);
    const submitted = of(submissions, member.address);
    const reputation = of(reputations, member.address);
    const part = total > 0 ? `${((100 * power) / total).toFixed(1)}%` : "";
    const race = result ? [number(result.accepted), " ", result.outcome === "OUTCOME_ACCEPTED" ? null : outcome(result.outcome)]
      : submitted ? [number(submitted.count), h("small", {}, "submitted")] : "–";
    return row(VALIDATORS, [
      [nodeLink(address, nodes), member.newcomer ? mark("new") : null, h("small", { class: "mono" }, short(address, 8, 4))],
      power > 0 ? [number(power), h("small", {}, part), share(power, total)] : mark("not in the committee"),
      Number(member.count) > 0 ? [number(member.count), Number(member.count) > power ? h("small", {}, "capped") : null] : power > 0 ? h("span", { class: "soft" }, "genesis") : "–",
      race,
      [reputation ? number(reputation.value) : h("span", { class: "soft" }, "none yet"),
        Number(reputation?.convictions ?? 0) > 0 ? mark(`${reputation.convictions} convicted`, "bad") : null],
    ]);
  });
  return rows.length ? table("Validators with voting power and race counts", VALIDATORS, rows) : empty("No node is registered yet.");
}

const MODELS = [{ name: "Model" }, { name: "Format" }, { name: "A token costs", number: true }, { name: "Hosts", number: true }];

export function models(list, prices, hosts) {
  if (!list.length) return empty("No model is registered. A model team proposes one; the providers vote on it.");
  const price = (id) => prices.find((item) => item.model_id === id)?.price_per_token;
  const rows = list.map((model) => row(MODELS, [
    [link(["model", model.id], model.id), " ", model.retired ? mark("retired", "warn") : null],
    model.numeric_format,
    price(model.id) === undefined ? "–" : amount(price(model.id)),
    hosts.has(model.id) ? number(hosts.get(model.id)) : "–",
  ]));
  return table("Models and what a token of them costs", MODELS, rows);
}

const PROPOSAL_COLUMNS = [{ name: "Proposal" }, { name: "Status" }, { name: "Votes end", number: true }];

export function proposals(list) {
  if (!list.length) return empty("Nothing was proposed yet.");
  const rows = list.map((proposal) => row(PROPOSAL_COLUMNS, [
    [link(["proposal", proposal.id], proposal.title || `Proposal ${proposal.id}`), h("small", {}, `No. ${proposal.id}`)],
    proposalStatus(proposal.status),
    proposal.voting_end_time ? when(proposal.voting_end_time) : "–",
  ]));
  return table("Proposals, the newest first", PROPOSAL_COLUMNS, rows);
}

export const BLOCKS = [{ name: "Height" }, { name: "Time" }, { name: "Proposer" }, { name: "Transactions", number: true }];

export function blockRow(block, nodes) {
  return row(BLOCKS, [blockLink(block.height), when(block.time), nodeLink(block.proposer, nodes), number(block.count)]);
}

export const TRANSACTIONS = [{ name: "Hash" }, { name: "What" }, { name: "From", minor: true }, { name: "Block", number: true }];

/** `tx` as the node's feed has it. */
export function txRow(tx, height) {
  return row(TRANSACTIONS, [
    txLink(tx.hash),
    [doing(tx.messages, tx.count), " ", tx.code === 0 ? null : mark("failed", "bad")],
    tx.sender ? accountLink(tx.sender) : h("span", { class: "soft" }, "the proposer"),
    blockLink(height),
  ]);
}
