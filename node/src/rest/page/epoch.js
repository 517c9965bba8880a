// The calendar of an epoch: its phases, where the chain is in them, and how long they take.

import { fill, h } from "./dom.js";
import { number, span } from "./format.js";

/** Phases in order: the chain's name, the parameter with its length, what it belongs to, how it is shown, what happens. */
const PHASES = [
  ["SERVE", "serve_blocks", "serve", "Serve", "Nodes answer requests and settle them; the epoch before is checked and closed."],
  ["COMMIT", "commit_blocks", "seed", "Commit", "The committee commits to secrets for the race seed."],
  ["REVEAL", "reveal_blocks", "seed", "Reveal", "The committee reveals its secrets."],
  ["SEED", "sign_blocks", "seed", "Seed", "The committee signs the race seed with its threshold key."],
  ["RACE", "race_blocks", "race", "Race", "Every node computes, and submits how many nonces it found."],
  ["CHALLENGE", "challenge_blocks", "seed", "Challenge", "The committee signs over all submissions; the signature picks what must be opened."],
  ["OPEN", "open_blocks", "judge", "Open", "Every participant opens the leaves that were picked."],
  ["CHECK_COMMIT", "check_commit_blocks", "judge", "Check, commit", "Drawn checkers recompute the leaves and commit to what they found."],
  ["CHECK_REVEAL", "check_reveal_blocks", "judge", "Check, reveal", "The checkers say what they found."],
  ["DISPUTE", "dispute_blocks", "judge", "Dispute", "The chain itself recomputes what checkers disagree on. Skipped when they agree."],
  ["DEAL", "deal_blocks", "ready", "Deal", "The next committee generates its threshold key: its members deal."],
  ["CONFIRM", "confirm_blocks", "ready", "Confirm", "The next committee confirms its key. Who does not is not in it."],
].map(([id, length, hue, name, about]) => ({ id: `PHASE_${id}`, length, hue, name, about }));

/** A phase as it is shown. */
export function phaseName(id) {
  return PHASES.find((phase) => phase.id === id)?.name ?? "Unknown";
}

/** How many blocks each phase has, by its id. Those of epoch 1's serving differ; it is short. */
export function lengths(parameters) {
  const value = (name) => Number(parameters.find((p) => p.name === `epoch/${name}`)?.value ?? 0);
  return new Map(PHASES.map(({ id, length }) => [id, value(length)]));
}

/** Seconds between blocks, over the blocks that are known; NaN with fewer than two. */
export function blockTime(blocks) {
  const [first, last] = [blocks[0], blocks.at(-1)];
  if (!first || !last || last.height <= first.height) return NaN;
  return (Date.parse(last.time) - Date.parse(first.time)) / 1000 / (last.height - first.height);
}

/** Blocks to the end of the epoch. Phases that may be skipped or end early make it a guess. */
function blocksToSwitch(current, blocks) {
  const at = PHASES.findIndex((phase) => phase.id === current.epoch.phase);
  const later = PHASES.slice(at + 1).filter((phase) => phase.id !== "PHASE_DISPUTE");
  return later.reduce((sum, phase) => sum + (blocks.get(phase.id) ?? 0), Number(current.blocks_left));
}

/** The epoch's card; `show` draws the newest state into it. */
export function epochCard() {
  const eyebrow = h("p", { class: "eyebrow" });
  const name = h("p", { class: "phase-name" });
  const phaseLeft = h("strong");
  const epochLeft = h("span");
  const about = h("p", { class: "about" });
  const segments = PHASES.map((phase) => {
    const bar = h("i");
    const said = h("span", { class: "hidden" });
    const item = h("li", { class: `hue-${phase.hue}` }, h("span", { class: "bar", "aria-hidden": "true" }, bar), h("span", { class: "name", "aria-hidden": "true" }, phase.name), said);
    return { phase, item, bar, said };
  });
  const section = h("section", { class: "card epoch", "aria-labelledby": "epoch-title" },
    h("h1", { id: "epoch-title", class: "hidden", tabindex: "-1" }, "The network now"),
    h("div", { class: "epoch-head" }, h("div", {}, eyebrow, name), h("p", { class: "left" }, phaseLeft, epochLeft)),
    h("ol", { class: "phases", "aria-label": "Phases of this epoch" }, ...segments.map(({ item }) => item)),
    about);

  function show(current, blocks, seconds) {
    const { epoch } = current;
    const at = PHASES.findIndex((phase) => phase.id === epoch.phase);
    const left = Number(current.blocks_left);
    const rerun = epoch.race_attempt > 1 ? ` · race run ${epoch.race_attempt}` : "";
    const retry = epoch.key_attempt > 1 ? ` · key attempt ${epoch.key_attempt}` : "";
    eyebrow.textContent = `Epoch ${number(epoch.number)} · block ${number(current.height)}${rerun}${retry}`;
    name.textContent = phaseName(epoch.phase);
    const time = (count, before) => Number.isFinite(seconds) ? `${before}${span(count * seconds)}` : "";
    phaseLeft.textContent = `${number(left)} ${left === 1 ? "block" : "blocks"} left${time(left, " · about ")}`;
    const all = blocksToSwitch(current, blocks);
    epochLeft.textContent = blocks.size ? `the next epoch in about ${number(all)} blocks${time(all, ", ")}` : "";
    about.textContent = PHASES[at]?.about ?? "";
    segments.forEach(({ phase, item, bar, said }, index) => {
      const total = Math.max(1, Number(epoch.phase_end) - Number(epoch.phase_start) + 1);
      const done = index < at ? 1 : index > at ? 0 : Math.min(1, 1 - left / total);
      // The square root keeps short phases visible beside long ones.
      item.style.flexGrow = String(Math.sqrt(blocks.get(phase.id) || 1));
      bar.style.width = `${100 * done}%`;
      if (index === at) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
      fill(said, document.createTextNode(`${phase.name}: ${index < at ? "over" : index === at ? "now" : "to come"}`));
    });
  }
  return { section, show };
}
