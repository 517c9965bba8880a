// Building elements. Text from a chain is only ever a text node.

/**
 * An element with attributes and children; strings and numbers become text.
 * @param {string} tag
 * @param {Record<string, string | number | boolean | undefined>} [attributes] `class`, `href`, ...; undefined and false are left out
 * @param {...(Node | string | number | null | undefined)} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined).map((child) => child instanceof Node ? child : String(child)));
  return element;
}

/** Replaces what is in `parent`; a link there that has the focus keeps it. */
export function fill(parent, ...children) {
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const held = focused?.getAttribute("href") ?? null;
  parent.replaceChildren(...children.filter(Boolean));
  if (held === null) return;
  const again = [...parent.querySelectorAll("a")].find((link) => link.getAttribute("href") === held);
  again?.focus({ preventScroll: true });
}

/** A link within this page. */
export function link(to, text, attributes = {}) {
  return h("a", { href: `#/${to.map(encodeURIComponent).join("/")}`, ...attributes }, text);
}

/** A short label with a meaning: "good", "warn", "bad" or none. */
export function mark(text, meaning = "") {
  return h("span", { class: `mark ${meaning}`.trim() }, text);
}

/**
 * A section with a heading.
 * @param {string} title
 * @param {string} [width] a class: `half`
 */
export function card(title, width = "") {
  const id = `card-${title.toLowerCase().replace(/[^a-z]+/g, "-")}`;
  const note = h("p");
  const body = h("div", {}, h("p", { class: "waiting" }, "Loading"));
  const section = h("section", { class: `card ${width}`.trim(), "aria-labelledby": id }, h("header", {}, h("h2", { id }, title), note), body);
  return { section, note, body };
}

function classes({ number, minor }) {
  return [number && "number", minor && "minor"].filter(Boolean).join(" ") || undefined;
}

/**
 * A table. Roles are said again because the narrow layout takes `display: table` away.
 * @param {string} caption
 * @param {{ name: string, number?: boolean, minor?: boolean }[]} columns the first one names the row
 * @param {HTMLElement[]} rows made by `row`
 * @param {string} [narrow] how it is shown on a phone: `stack`, a row as a list; `dense`, fewer columns
 */
export function table(caption, columns, rows, narrow = "stack") {
  const head = columns.map((column) => h("th", { scope: "col", role: "columnheader", class: classes(column) }, column.name));
  return h("table", { role: "table", class: narrow },
    h("caption", { class: "hidden" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...head)),
    h("tbody", { role: "rowgroup" }, ...rows));
}

/** A row of `table`; a cell is a node, text, or a list of them. */
export function row(columns, cells) {
  const content = (cell) => h("div", {}, ...[cell].flat());
  const cell = (value, index) => index === 0
    ? h("th", { scope: "row", role: "rowheader" }, content(value))
    : h("td", { role: "cell", "data-label": columns[index].name, class: classes(columns[index]) }, content(value));
  return h("tr", { role: "row" }, ...cells.map(cell));
}

/** Names and values; those without a value are left out. */
export function facts(list) {
  const shown = list.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("dl", { class: "facts" }, ...shown.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, ...[value].flat())]));
}

export function empty(text) {
  return h("p", { class: "empty" }, text);
}

/** Says why something cannot be shown. */
export function failed(error) {
  return h("p", { class: "failed", role: "alert" }, error instanceof Error ? error.message : String(error));
}

/** A bar that shows a part of a whole; decoration beside the number. */
export function share(part, whole) {
  const fillIn = h("i");
  fillIn.style.width = `${whole > 0 ? Math.min(100, (100 * part) / whole) : 0}%`;
  return h("span", { class: "share", "aria-hidden": "true" }, fillIn);
}
