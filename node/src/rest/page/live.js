// Blocks as they come: over a websocket, and by asking again and again while there is none.

import { address, get } from "./api.js";

const FEED = "explorer/live";
const ASK_EVERY_MS = 3_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;
/** A socket that says nothing for so long may be dead without knowing it. */
const QUIET_MS = 90_000;

/**
 * Follows the node for ever.
 * @param {(news: object) => void} onNews the last blocks first, then each new one
 * @param {(state: "live" | "connecting" | "asking" | "off") => void} onState
 */
export function follow(onNews, onState) {
  let retry = FIRST_RETRY_MS;
  let asking = 0;

  async function ask() {
    try {
      onNews(await get(FEED));
      if (asking) onState("asking");
    } catch {
      if (asking) onState("off");
    }
  }

  function connect() {
    const url = address(FEED);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    let quiet = setTimeout(() => socket.close(), QUIET_MS);
    socket.onmessage = ({ data }) => {
      clearTimeout(quiet);
      quiet = setTimeout(() => socket.close(), QUIET_MS);
      clearInterval(asking);
      asking = 0;
      retry = FIRST_RETRY_MS;
      onState("live");
      onNews(JSON.parse(data));
    };
    socket.onclose = () => {
      clearTimeout(quiet);
      onState("connecting");
      if (!asking) {
        asking = setInterval(ask, ASK_EVERY_MS);
        ask();
      }
      setTimeout(connect, retry);
      retry = Math.min(2 * retry, LONGEST_RETRY_MS);
    };
  }
  connect();
}
