// One thing at a time: a block, a transaction, an account, a node, a proposal, a model.

import { find, get, path } from "./api.js";
import { card, empty, facts, fill, h, link, mark, row, share, table } from "./dom.js";
import { amount, base64, coins, hex, message, named, number, when } from "./format.js";
import { accountLink, blockLink, doing, nodeLink, outcome, proposalStatus, TRANSACTIONS, txRow } from "./lists.js";

/** Characters of a message that are shown. */
const SHOWN = 20_000;
const TXS_OF_ACCOUNT = 10;

const mono = (text) => h("span", { class: "mono" }, text);

/** Puts a heading and sections into the page; the heading gets the focus, so that readers begin there. */
function page(main, title, ...sections) {
  const heading = h("h1", { tabindex: "-1" }, title);
  const crumb = h("p", { class: "crumb" }, h("a", { href: "#/" }, "← The network now"));
  fill(main, h("div", {}, crumb, heading), ...sections);
  return title;
}

function section(title, ...content) {
  const made = card(title);
  fill(made.body, ...content);
  return made.section;
}

function json(value) {
  const text = JSON.stringify(value, null, 2);
  return h("pre", { tabindex: "0" }, text.length > SHOWN ? `${text.slice(0, SHOWN)}\n… ${number(text.length - SHOWN)} more characters` : text);
}

function messages(list) {
  return list.map((content) => {
    const { "@type": type, ...fields } = content;
    return h("div", { class: "message" }, h("p", {}, h("strong", {}, message(type).name), " ", h("span", { class: "soft small mono" }, type)), json(fields));
  });
}

async function names() {
  return (await find("race/node/v1/nodes", {}, { nodes: [] })).nodes;
}

export async function block(main, which) {
  const [line, nodes] = await Promise.all([get(path("explorer/blocks", which)), names()]);
  const { block: full } = await get(path("cosmos/base/tendermint/v1beta1/blocks", line.height));
  const signed = full.last_commit.signatures.filter((one) => one.block_id_flag === "BLOCK_ID_FLAG_COMMIT").length;
  const rows = line.txs.map((tx) => txRow(tx, line.height));
  const more = line.count > line.txs.length ? h("p", { class: "soft" }, `${number(line.count - line.txs.length)} more are not listed.`) : null;
  return page(main, `Block ${number(line.height)}`,
    section("Header",
      facts([
        ["Time", when(line.time)], ["Hash", mono(line.hash)], ["Proposer", nodeLink(line.proposer, nodes)],
        ["Votes for the block before", `${number(signed)} of ${number(full.last_commit.signatures.length)}`],
        ["State before it (app hash)", mono(hex(full.header.app_hash))], ["Chain", full.header.chain_id],
      ]),
      h("p", { class: "between" }, line.height > 1 ? link(["block", line.height - 1], "← Block before") : null, link(["block", line.height + 1], "Block after →"))),
    section(`Transactions (${number(line.count)})`, rows.length ? table("Transactions of this block", TRANSACTIONS, rows) : empty("This block has none."), more));
}

export async function tx(main, hash) {
  const { tx: content, tx_response: result } = await get(path("cosmos/tx/v1beta1/txs", hash));
  const sender = result.events?.find((event) => event.type === "message")?.attributes.find(({ key }) => key === "sender")?.value;
  const fee = content.auth_info?.fee;
  return page(main, `Transaction: ${doing(content.body.messages.map((one) => one["@type"]), content.body.messages.length)}`,
    section("What became of it",
      facts([
        ["Result", result.code === 0 ? mark("executed", "good") : [mark("failed", "bad"), ` code ${result.code} of ${result.codespace}: ${result.raw_log}`]],
        ["Hash", mono(result.txhash)], ["Block", blockLink(result.height)], ["Time", when(result.timestamp)],
        ["From", sender ? accountLink(sender) : "the block’s proposer"],
        ["Fee", fee ? coins(fee.amount) : "none"], ["Gas", `${number(result.gas_used)} of ${number(result.gas_wanted)}`],
        ["Memo", content.body.memo],
      ])),
    section("Messages", ...messages(content.body.messages)));
}

export async function account(main, address) {
  const of = (query) => get("cosmos/tx/v1beta1/txs", { query, limit: TXS_OF_ACCOUNT, order_by: "ORDER_BY_DESC" });
  const [balances, known, node] = await Promise.all([
    get(path("cosmos/bank/v1beta1/balances", address)), find(path("cosmos/auth/v1beta1/account_info", address)),
    find("race/node/v1/node", { account: address }),
  ]);
  const lists = await Promise.all([of(`message.sender='${address}'`), of(`transfer.recipient='${address}'`)]);
  const all = new Map(lists.flatMap((list) => list.tx_responses).map((one) => [one.txhash, one]));
  const last = [...all.values()].sort((a, b) => Number(b.height) - Number(a.height)).slice(0, TXS_OF_ACCOUNT);
  const rows = last.map((one) => {
    const sender = one.events.find((event) => event.type === "message")?.attributes.find(({ key }) => key === "sender")?.value ?? "";
    const types = one.tx.body.messages.map((content) => content["@type"]);
    return txRow({ hash: one.txhash, messages: types, count: types.length, sender, code: one.code }, one.height);
  });
  return page(main, "Account",
    section("Balance",
      facts([
        ["Address", mono(address)], ["Coins", coins(balances.balances)],
        ["Number", known?.info ? number(known.info.account_number) : null],
        ["Transactions sent", known?.info ? number(known.info.sequence) : "this account does not exist yet"],
        ["Node", node?.node ? nodeLink(hex(node.node.address), [node.node]) : null],
      ])),
    section("Latest transactions", rows.length ? table("The account's latest transactions", TRANSACTIONS, rows) : empty("It sent and received nothing in blocks that this node has.")));
}

export async function node(main, address) {
  const { node: found } = await get("race/node/v1/node", { address: base64(address) });
  const [committee, reputation, current, votes, list] = await Promise.all([
    get("race/epoch/v1/committee"), find("race/reputation/v1/reputation", { address: found.address }), get("race/epoch/v1/current"),
    get("race/pricing/v1/votes"), get("race/model/v1/models"),
  ]);
  const detailed = await Promise.all(list.models.slice(0, 20).map(({ id }) => get(path("race/model/v1/models", id))));
  const hosted = detailed.filter((one) => one.hosts.some((host) => host.address === found.address)).map((one) => one.model.id);
  const member = committee.members.find((one) => one.address === found.address);
  const epochs = [0, 1, 2].map((back) => Number(current.epoch.number) - back).filter((epoch) => epoch > 0);
  const races = await Promise.all(epochs.map(async (epoch) => {
    const { results } = await find(path("race/race/v1/results", epoch), {}, { results: [] });
    return { epoch, result: results.find((one) => one.address === found.address) };
  }));
  const columns = [{ name: "Epoch" }, { name: "Claimed", number: true }, { name: "Accepted", number: true }, { name: "Outcome", number: true }];
  const rows = races.filter(({ result }) => result).map(({ epoch, result }) =>
    row(columns, [number(epoch), number(result.claimed), number(result.accepted), outcome(result.outcome)]));
  const vote = votes.votes.find((one) => one.address === found.address);
  const models = hosted.flatMap((id, index) => [index ? ", " : null, link(["model", id], id)]).filter(Boolean);
  return page(main, found.moniker || "Node without a name",
    section("Standing",
      facts([
        ["Voting power", member ? [`${number(member.power)} of ${number(committee.total_power)}`, share(Number(member.power), Number(committee.total_power))] : "not in the committee"],
        ["Race count behind it", member && Number(member.count) > 0 ? number(member.count) : null],
        ["Reputation", number(reputation?.reputation?.value ?? 0)],
        ["Convictions", number(reputation?.reputation?.convictions ?? 0)],
        ["Price vote", vote ? `${amount(vote.price)} for a unit of compute` : "none"],
        ["Hosts", models.length ? models : "no model"],
      ])),
    section("Races", rows.length ? table("Its last races", columns, rows) : empty("No judged race of this node is kept.")),
    section("Identity",
      facts([
        ["Consensus address", mono(hex(found.address))], ["Operator", accountLink(found.operator)], ["Hot account", accountLink(found.hot_account)],
        ["gRPC", found.endpoints?.grpc], ["API", found.endpoints?.api],
        ["Registered", Number(found.registered_height) > 0 ? [blockLink(found.registered_height), `, epoch ${number(found.registered_epoch)}`] : "at genesis"],
        ["Consensus key (ed25519)", mono(hex(found.keys?.consensus))],
      ])));
}

export async function proposal(main, id) {
  const [{ proposal: found }, nodes] = await Promise.all([get(path("cosmos/gov/v1/proposals", id)), names()]);
  const [{ tally }, { votes }] = await Promise.all([
    get(path("cosmos/gov/v1/proposals", id, "tally")),
    find(path("cosmos/gov/v1/proposals", id, "votes"), {}, { votes: [] }),
  ]);
  const options = [["Yes", tally.yes_count], ["No", tally.no_count], ["No, with veto", tally.no_with_veto_count], ["Abstain", tally.abstain_count]];
  const cast = options.reduce((sum, [, power]) => sum + Number(power), 0);
  const columns = [{ name: "Voter" }, { name: "Vote" }];
  const voter = (address) => {
    const by = nodes.find((one) => one.operator === address);
    return by ? nodeLink(hex(by.address), nodes) : accountLink(address);
  };
  const rows = votes.map((vote) => row(columns, [voter(vote.voter), vote.options.map(({ option }) => named(option, "VOTE_OPTION_")).join(", ")]));
  return page(main, found.title || `Proposal ${found.id}`,
    section("Proposal",
      facts([
        ["Status", proposalStatus(found.status)], ["Why it failed", found.failed_reason], ["Number", found.id],
        ["Summary", found.summary], ["From", accountLink(found.proposer)], ["Deposit", coins(found.total_deposit)],
        ["Submitted", when(found.submit_time)], ["Votes end", found.voting_end_time ? when(found.voting_end_time) : "when the deposit is there"],
      ])),
    section("Power cast", facts(options.map(([name, power]) => [name, [number(power), share(Number(power), cast)]]))),
    section("Votes", rows.length ? table("Votes that are kept", columns, rows) : empty("No votes are kept; they are dropped when the vote is over.")),
    section("What it does", ...messages(found.messages)));
}

export async function model(main, id) {
  const [{ model: found, hosts }, prices, nodes] = await Promise.all([
    get(path("race/model/v1/models", id)), get("race/pricing/v1/model_prices"), names(),
  ]);
  const price = prices.prices.find((one) => one.model_id === id)?.price_per_token;
  const columns = [{ name: "Node" }, { name: "Since block", number: true }];
  const rows = hosts.map((host) => row(columns, [nodeLink(hex(host.address), nodes), number(host.since_height)]));
  return page(main, found.id,
    section("Model",
      facts([
        ["State", found.retired ? mark("retired", "warn") : mark("served", "good")], ["A token costs", price ? amount(price) : null],
        ["Units of compute a token", number(found.units_per_token)], ["Numeric format", found.numeric_format],
        ["Context", `${number(found.context_length)} tokens`], ["Memory", `${number(Math.round(Number(found.min_memory_bytes) / 2 ** 20))} MiB at least`],
        ["Weights (SHA-256)", mono(hex(found.weights_digest).toLowerCase())], ["Tokenizer (SHA-256)", mono(hex(found.tokenizer_digest).toLowerCase())],
        ["Registered", blockLink(found.registered_height)],
      ])),
    section("Hosts", rows.length ? table("Nodes that say that they have loaded it", columns, rows) : empty("No node says that it has loaded this model.")),
    section("Thresholds of checking", json(found.thresholds)));
}
