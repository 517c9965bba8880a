// The first view: the network now. Blocks come by themselves; the rest is asked for again when a phase
// begins, when a transaction touched it, and now and then.

import { find, get, path } from "./api.js";
import { card, empty, facts, failed, fill, h, table } from "./dom.js";
import { blockTime, epochCard, lengths } from "./epoch.js";
import { amount, hex, number, short } from "./format.js";
import { BLOCKS, blockRow, models, ofProtocol, proposals, TRANSACTIONS, txRow, validators } from "./lists.js";

const ASK_AGAIN_MS = 30_000;
/** Between two rounds of asking, whatever happens. */
const AT_LEAST_MS = 3_000;
const BLOCKS_SHOWN = 10;
const TXS_SHOWN = 12;
const MODELS_ASKED = 20;

/** Draws the overview into `main`; returns what to call with each news, and at the end. */
export function overview(main) {
  const epoch = epochCard();
  const figures = h("dl", { class: "figures", "aria-label": "Figures" });
  const cards = {
    validators: card("Validators"),
    models: card("Models and prices", "half"),
    proposals: card("Proposals", "half"),
    beacon: card("Beacon"),
    blocks: card("Latest blocks", "half"),
    txs: card("Latest transactions", "half"),
  };
  const usersOnly = h("input", { type: "checkbox", id: "users-only" });
  cards.txs.note.replaceWith(h("label", { class: "check", for: "users-only" }, usersOnly, "of users only"));
  main.replaceChildren(epoch.section, figures, ...Object.values(cards).map(({ section }) => section));

  let blocks = [];
  let current = null;
  let phases = new Map();
  let nodes = [];
  let price = null;
  let committee = null;
  let asked = 0;
  let timer = 0;
  let over = false;
  usersOnly.onchange = () => drawTxs();

  function drawFigures() {
    const seconds = blockTime(blocks);
    const txs = blocks.reduce((sum, block) => sum + block.count, 0);
    const figure = (name, value, note) => h("div", {}, h("dt", {}, name), h("dd", {}, value, note ? h("small", {}, note) : null));
    fill(figures,
      figure("Block", current ? number(current.height) : "–", Number.isFinite(seconds) ? `one every ${seconds.toFixed(1)} s` : "measuring"),
      figure("Committee", committee ? number(committee.members.length) : "–", committee ? `total power ${number(committee.total_power)}` : null),
      figure("Transactions", number(txs), `in the last ${blocks.length} blocks`),
      figure("Unit of compute", price ? amount(price.current.price) : "–", price ? (price.pending === price.current.price ? "unchanged at the next switch" : `next: ${amount(price.pending)}`) : null));
  }

  /** Draws rows whose first keeps its place: what is read or focused is not replaced. */
  function drawRows(body, caption, columns, wanted) {
    let list = body.querySelector("tbody");
    if (!list) {
      fill(body, table(caption, columns, [], "dense"));
      list = body.querySelector("tbody");
    }
    const known = new Map([...list.children].map((line) => [line.dataset.key, line]));
    const first = known.size === 0;
    const lines = wanted.map(({ key, make }) => {
      const old = known.get(key);
      if (old) return old;
      const line = make();
      line.dataset.key = key;
      if (!first) line.classList.add("new");
      return line;
    });
    for (const [key, line] of known) if (!wanted.some((one) => one.key === key)) line.remove();
    lines.forEach((line, index) => {
      if (list.children[index] !== line) list.insertBefore(line, list.children[index] ?? null);
    });
  }

  function drawBlocks() {
    const last = blocks.slice(-BLOCKS_SHOWN).reverse();
    if (!last.length) return fill(cards.blocks.body, empty("No block yet."));
    const wanted = last.map((block) => ({ key: `${block.height}/${nodes.length}`, make: () => blockRow(block, nodes) }));
    drawRows(cards.blocks.body, "The latest blocks, the newest first", BLOCKS, wanted);
  }

  function drawTxs() {
    const all = blocks.slice().reverse().flatMap((block) => block.txs.map((tx) => ({ tx, height: block.height })));
    const last = all.filter(({ tx }) => !usersOnly.checked || !ofProtocol(tx)).slice(0, TXS_SHOWN);
    if (!last.length) return fill(cards.txs.body, empty(usersOnly.checked ? "No user sent a transaction in the last blocks." : "No transaction in the last blocks."));
    const wanted = last.map(({ tx, height }) => ({ key: tx.hash, make: () => txRow(tx, height) }));
    drawRows(cards.txs.body, "The latest transactions, the newest first", TRANSACTIONS, wanted);
  }

  /** Draws a card out of what is asked for; a failure is told in that card alone. */
  async function draw({ body }, ask) {
    try {
      const content = await ask();
      if (!over) fill(body, content);
    } catch (error) {
      if (!over) fill(body, failed(error));
    }
  }

  async function drawValidators() {
    const at = current.epoch.number;
    const [registered, members, results, submissions, reputations] = await Promise.all([
      get("race/node/v1/nodes"), get("race/epoch/v1/committee"), find(path("race/race/v1/results", at), {}, { results: [] }),
      find(path("race/race/v1/submissions", at), {}, { submissions: [] }), get("race/reputation/v1/reputations"),
    ]);
    nodes = registered.nodes;
    committee = members;
    cards.validators.note.textContent = `power came from the race of the epoch before; “this race” is epoch ${number(at)}’s`;
    drawFigures();
    return validators({ nodes, committee, results: results.results, submissions: submissions.submissions, reputations: reputations.reputations });
  }

  async function drawBeacon() {
    const [seed, key, rounds] = await Promise.all([
      find("race/beacon/v1/seed"), find("race/beacon/v1/key"), get("race/beacon/v1/rounds"),
    ]);
    const signed = seed?.seed?.degraded ? "made of revealed secrets, without a signature" : "signed by the committee";
    return facts([
      ["Race seed", seed?.seed ? h("span", { class: "mono" }, hex(seed.seed.seed).toLowerCase()) : "none yet"],
      ["Made", seed?.seed ? `${signed}, epoch ${number(seed.seed.epoch)}, block ${number(seed.seed.height)}` : null],
      ["Key in force", key?.key ? h("span", { class: "mono", title: hex(key.key.group) }, short(hex(key.key.group).toLowerCase(), 12, 8)) : "none yet"],
      ["Signing", key?.key ? `${number(key.key.threshold)} of ${number(key.key.shares)} shares` : null],
      ["Open rounds", number(rounds.rounds.length)],
    ]);
  }

  async function drawModels() {
    const [list, prices, now] = await Promise.all([get("race/model/v1/models"), get("race/pricing/v1/model_prices"), get("race/pricing/v1/price")]);
    const detailed = await Promise.all(list.models.slice(0, MODELS_ASKED).map(({ id }) => get(path("race/model/v1/models", id))));
    const hosts = new Map(detailed.map((one) => [one.model.id, one.hosts.length]));
    price = now;
    drawFigures();
    return models(list.models, prices.prices, hosts);
  }

  async function drawProposals() {
    const list = await get("cosmos/gov/v1/proposals", { "pagination.limit": 10, "pagination.reverse": "true" });
    return proposals(list.proposals);
  }

  async function ask() {
    clearTimeout(timer);
    if (over) return;
    timer = setTimeout(ask, ASK_AGAIN_MS);
    if (document.hidden || !current) return;
    asked = Date.now();
    if (!phases.size) {
      const { params } = await find("race/params/v1/params", {}, { params: [] });
      phases = lengths(params);
      epoch.show(current, phases, blockTime(blocks));
    }
    await Promise.all([
      draw(cards.validators, drawValidators), draw(cards.beacon, drawBeacon),
      draw(cards.models, drawModels), draw(cards.proposals, drawProposals),
    ]);
    if (!over) drawBlocks();
  }

  function onNews(news, known) {
    const before = current;
    blocks = known;
    current = news.epoch;
    const seconds = blockTime(blocks);
    epoch.show(current, phases, seconds);
    drawFigures();
    drawBlocks();
    drawTxs();
    const phaseBegan = before?.epoch.phase !== current.epoch.phase || before?.epoch.number !== current.epoch.number;
    const touched = news.blocks.some((block) => block.txs.some((tx) => tx.messages.some((type) => /\.(gov|model|pricing|node|race)\.v1\./.test(type))));
    if (!before) ask();
    else if (phaseBegan || touched) {
      clearTimeout(timer);
      timer = setTimeout(ask, Math.max(0, asked + AT_LEAST_MS - Date.now()));
    }
  }

  function end() {
    over = true;
    clearTimeout(timer);
  }
  return { onNews, end };
}
