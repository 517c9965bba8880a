// How values of the chain are written.

const whole = new Intl.NumberFormat("en");
const NICOIN_PER_ICOIN = 1_000_000_000n;

/** `1234567` as `1,234,567`; takes what the JSON has, whole numbers as text. */
export function number(value) {
  return whole.format(typeof value === "string" && /^-?\d+$/.test(value) ? BigInt(value) : Number(value));
}

/** nicoin, in the unit that reads best; exact. */
export function amount(nicoin) {
  if (!/^\d+$/.test(String(nicoin))) return `${nicoin} nicoin`;
  const value = BigInt(nicoin);
  if (value < 1_000_000n) return `${whole.format(value)} nicoin`;
  const rest = (value % NICOIN_PER_ICOIN).toString().padStart(9, "0").replace(/0+$/, "");
  return `${whole.format(value / NICOIN_PER_ICOIN)}${rest ? `.${rest}` : ""} icoin`;
}

/** A list of coins. */
export function coins(list) {
  const one = ({ denom, amount: value }) => denom === "nicoin" ? amount(value) : `${number(value)} ${denom}`;
  return list?.length ? list.map(one).join(", ") : "nothing";
}

/** Base64 as upper-case hex. */
export function hex(base64) {
  try {
    return [...atob(base64 ?? "")].map((c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join("").toUpperCase();
  } catch {
    return "";
  }
}

/** Hex as base64. */
export function base64(text) {
  return btoa((text.match(/../g) ?? []).map((pair) => String.fromCharCode(parseInt(pair, 16))).join(""));
}

/** The start and the end of what is too long to read. */
export function short(text, start = 8, end = 6) {
  return text.length <= start + end + 1 ? text : `${text.slice(0, start)}…${text.slice(-end)}`;
}

/** A time span, rounded to what matters. */
export function span(seconds) {
  if (!Number.isFinite(seconds)) return "unknown";
  const s = Math.max(0, Math.round(seconds));
  if (s < 90) return `${s} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 129_600) return `${(s / 3600).toFixed(1)} h`;
  return `${(s / 86_400).toFixed(1)} days`;
}

/** `<time>` with the clock, and the date when it is not today's. */
export function when(iso) {
  const date = new Date(iso);
  const element = document.createElement("time");
  if (Number.isNaN(date.getTime())) {
    element.textContent = "unknown";
    return element;
  }
  const today = date.toDateString() === new Date().toDateString();
  element.dateTime = date.toISOString();
  element.title = date.toString();
  element.textContent = today ? date.toLocaleTimeString("en-GB") : date.toLocaleString("en-GB");
  return element;
}

/** `/race.beacon.v1.MsgPutSignatures` as `put signatures`, and its module. */
export function message(type) {
  const parts = String(type).replace(/^\//, "").split(".");
  const name = (parts.pop() ?? "").replace(/^Msg/, "").replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
  const module = parts.filter((part) => !/^v\d/.test(part) && part !== "cosmos").pop() ?? "";
  return { name: name || type, module };
}

/** `OUTCOME_NOT_OPENED` as `not opened`. */
export function named(value, prefix) {
  return String(value ?? "").replace(prefix, "").replaceAll("_", " ").toLowerCase();
}
