// The page: views by the address after "#", the search, the state of the connection.

import { find, path } from "./api.js";
import { block, account, model, node, proposal, tx } from "./details.js";
import { failed, fill, h } from "./dom.js";
import { blockTime } from "./epoch.js";
import { hex, span } from "./format.js";
import { follow } from "./live.js";
import { overview } from "./overview.js";

const TITLE = "Race explorer";
const KEPT = 20;
/** The network is said to stand still after so many times the usual time between blocks, and so long at least. */
const LATE_TIMES = 8;
const LATE_S = 15;
const VIEWS = { block, tx, account, node, proposal, model };
const STATES = { live: "Live", connecting: "Reconnecting", asking: "Asking every 3 s", off: "No answer" };

const main = document.getElementById("main");
const status = document.getElementById("status");
const warning = document.getElementById("warning");
const unfound = document.getElementById("unfound");
const wanted = document.getElementById("wanted");

let blocks = [];
let news = null;
let arrived = Date.now();
let view = null;

// Views.

function parts() {
  return location.hash.replace(/^#\/?/, "").split("/").map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
}

async function show(first) {
  // The skip link's address is a place on the page, not a view.
  if (location.hash === "#main") return;
  const address = location.hash;
  const [name, value] = parts();
  view?.end();
  view = null;
  if (!name) {
    view = overview(main);
    document.title = TITLE;
    if (news) view.onNews({ ...news, blocks }, blocks);
  } else if (Object.hasOwn(VIEWS, name) && value) {
    fill(main, h("p", { class: "waiting" }, "Loading"));
    try {
      const title = await drawn(VIEWS[name], value, address);
      if (title === null) return;
      document.title = `${title} · ${TITLE}`;
    } catch (error) {
      if (location.hash !== address) return;
      document.title = `Not found · ${TITLE}`;
      fill(main, h("h1", { tabindex: "-1" }, `This ${name} cannot be shown`), failed(error), h("p", {}, h("a", { href: "#/" }, "← The network now")));
    }
  } else {
    document.title = `Not found · ${TITLE}`;
    fill(main, h("h1", { tabindex: "-1" }, "There is no such page"), h("p", {}, h("a", { href: "#/" }, "← The network now")));
  }
  if (!first) main.querySelector("h1")?.focus();
}

/** Draws a view aside and shows it if it is still wanted then. */
async function drawn(draw, value, address) {
  const aside = h("main");
  const title = await draw(aside, value);
  if (location.hash !== address) return null;
  fill(main, ...aside.childNodes);
  return title;
}

// Search.

async function place(text) {
  if (/^[\d,]+$/.test(text)) return ["block", text.replaceAll(",", "")];
  if (/^race1[a-z0-9]{38,58}$/.test(text)) return ["account", text];
  const bare = text.replace(/^0x/i, "").toUpperCase();
  if (/^[0-9A-F]{40}$/.test(bare)) return ["node", bare];
  if (/^[0-9A-F]{64}$/.test(bare)) {
    if (await find(path("cosmos/tx/v1beta1/txs", bare))) return ["tx", bare];
    const found = await find(path("explorer/blocks", bare));
    return found && ["block", found.height];
  }
  const [{ nodes }, { models }] = await Promise.all([find("race/node/v1/nodes"), find("race/model/v1/models")]);
  const named = nodes.find((one) => one.moniker.toLowerCase() === text.toLowerCase());
  if (named) return ["node", hex(named.address)];
  const exact = models.find((one) => one.id === text.toLowerCase());
  return exact && ["model", exact.id];
}

document.getElementById("search").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = wanted.value.trim();
  unfound.textContent = "";
  if (!text) return wanted.focus();
  try {
    const found = await place(text);
    if (!found) throw new Error("Nothing here is called that. Give a height, a hash, an address, a validator’s or a model’s name.");
    location.hash = `#/${found.map(encodeURIComponent).join("/")}`;
    wanted.value = "";
  } catch (error) {
    unfound.textContent = error.message;
    wanted.focus();
  }
});
wanted.addEventListener("input", () => { unfound.textContent = ""; });
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    wanted.focus();
  }
  if (event.key === "Escape") unfound.textContent = "";
});

// Blocks.

function onNews(told) {
  const last = blocks.at(-1)?.height ?? 0;
  const fresh = told.blocks.filter((one) => one.height > last);
  // After a gap only the newest row of blocks is kept, so that times between them stay true.
  const apart = fresh.length > 0 && last > 0 && fresh[0].height > last + 1;
  blocks = (apart ? told.blocks : [...blocks, ...fresh]).slice(-KEPT);
  if (fresh.length || !news) arrived = Date.now();
  news = { ...told, blocks: fresh };
  document.getElementById("chain").textContent = told.chain_id ?? "";
  view?.onNews(news, blocks);
  late();
}

function late() {
  const quiet = (Date.now() - arrived) / 1000;
  const usual = blockTime(blocks);
  const limit = Math.max(LATE_S, Number.isFinite(usual) ? LATE_TIMES * usual : 0);
  warning.hidden = quiet < limit;
  const text = `No new block for ${span(quiet)}: the network makes none, or this node does not get them.`;
  // Told once, not every few seconds.
  if (!warning.hidden && !warning.textContent) warning.textContent = text;
  if (warning.hidden) warning.textContent = "";
}
setInterval(late, 5_000);

function onState(state) {
  status.dataset.state = state;
  if (status.textContent !== STATES[state]) status.textContent = STATES[state];
}

addEventListener("hashchange", () => show(false));
show(true);
follow(onNews, onState);
