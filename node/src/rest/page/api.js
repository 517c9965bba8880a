// Asking REST of this node. Addresses are relative, so that the page works behind a proxy's path too.

const LIMIT_MS = 15_000;
const root = new URL(".", document.baseURI);

/** What REST refused or failed to answer; `status` is HTTP's, 0 for no answer. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function address(path) {
  return new URL(path, root);
}

/**
 * Reads JSON.
 * @param {string} path without a slash before it
 * @param {Record<string, string | number>} [query]
 */
export async function get(path, query = {}) {
  const url = address(path);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
  let response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS), headers: { accept: "application/json" } });
  } catch {
    throw new ApiError(0, "This node does not answer. Is it running, and can this machine reach it?");
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body) return body;
  throw new ApiError(response.status, body?.message ?? `The node answered with status ${response.status}.`);
}

/** The same; what is not there is `missing`. */
export async function find(path, query, missing = null) {
  try {
    return await get(path, query);
  } catch (error) {
    if (error.status >= 400 && error.status < 500 && error.status !== 429) return missing;
    throw error;
  }
}

/** A path whose last parts are values, escaped. */
export function path(start, ...values) {
  return [start, ...values.map(encodeURIComponent)].join("/");
}
