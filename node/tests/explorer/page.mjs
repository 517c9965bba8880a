// The node's own page in headless Chromium: what it shows, that it lives, that it can be read by keyboard,
// on a phone and in both colour schemes, and that text of the chain stays text. Ends with 0 if all is so.
//
//   node page.mjs REST CHROMIUM TX_HASH MEMO TITLE [FOLDER]
//
// With FOLDER it leaves pictures there.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [rest, executablePath, hash, memo, title, folder] = process.argv.slice(2);
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const LIMIT = 60_000;
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

const browser = await chromium.launch({ executablePath, args: FLAGS });
const complaints = [];

async function step(name, run) {
  await run();
  console.log(`ok ${name}`);
}

/** A page whose complaints are kept. What REST has not is answered 4xx, which Chromium logs as an error. */
async function open(options = {}) {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  await context.addInitScript({ path: axe });
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
  const page = await context.newPage();
  page.setDefaultTimeout(LIMIT);
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (said) => {
    const missing = said.text().startsWith("Failed to load resource") && /status of 4(00|04)/.test(said.text());
    if (["error", "warning"].includes(said.type()) && !missing) complaints.push(said.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(rest)) complaints.push(`asked another host: ${request.url()}`);
  });
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  return page;
}

const card = (page, name) => page.getByRole("region", { name, exact: true });
const live = (page) => page.locator("#status[data-state=live]").waitFor();
const newest = async (page) => Number((await card(page, "Latest blocks").locator("tbody th").first().innerText()).replaceAll(",", ""));

/** Waits until a condition on the page's numbers holds. */
async function until(what, condition) {
  const end = Date.now() + LIMIT;
  while (!(await condition())) {
    assert.ok(Date.now() < end, `waited for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const page = await open({ viewport: { width: 1280, height: 900 } });

await step("the files are served with a policy and are not sent twice", async () => {
  const response = await page.goto(rest);
  const headers = response.headers();
  assert.match(headers["content-security-policy"], /default-src 'none'; script-src 'self'/);
  assert.equal(headers["x-content-type-options"], "nosniff");
  const again = await fetch(rest, { headers: { "if-none-match": headers.etag } });
  assert.equal(again.status, 304);
});

await step("the epoch, its phases and the time left", async () => {
  await live(page);
  await page.getByText(/^Epoch \d+ · block [\d,]+/).waitFor();
  assert.equal(await page.locator(".phases li").count(), 12);
  assert.equal(await page.locator(".phases li[aria-current=step]").count(), 1);
  await page.getByText(/^\d+ blocks? left · about \d+/).waitFor();
});

let height;
let proposer;
await step("a block arrives without a reload", async () => {
  await page.evaluate(() => { window.stays = true; });
  height = await newest(page);
  await until("a block", async () => (await newest(page)) > height);
  assert.equal(await page.evaluate(() => window.stays), true);
  ({ proposer } = await (await fetch(`${rest}/explorer/blocks/${height}`)).json());
});

await step("validators with power and race counts", async () => {
  const validator = card(page, "Validators").getByRole("row").filter({ hasText: "node0" });
  assert.match(await validator.locator("td").first().innerText(), /^[\d,]+\s+\d+\.\d%/);
  // Of the race before, or of this one once it is submitted.
  const counts = async () => [await validator.locator("td").nth(1).innerText(), await validator.locator("td").nth(2).innerText()];
  await until("a race count", async () => (await counts()).some((count) => /^[\d,]+/.test(count)));
});

await step("text of the chain stays text", async () => {
  await card(page, "Proposals").getByRole("link", { name: title }).click();
  await page.getByRole("heading", { level: 1, name: title }).waitFor();
  await page.goto(`${rest}/#/tx/${hash}`);
  await page.getByText(memo, { exact: true }).waitFor();
  assert.equal(await page.locator("img").count(), 1);
  assert.equal(await page.locator("main script, main iframe").count(), 0);
});

const focused = () => page.evaluate(() => document.activeElement.textContent);

await step("by keyboard alone: skip, search a height, follow links, search a hash", async () => {
  const { keyboard } = page;
  await page.goto("about:blank");
  await page.goto(rest);
  await live(page);
  await keyboard.press("Tab");
  assert.equal(await focused(), "Skip to content");
  await keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  await keyboard.press("/");
  await keyboard.type(String(height));
  await keyboard.press("Enter");
  const heading = `Block ${height.toLocaleString("en")}`;
  await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
  await until("the heading's focus", async () => (await focused()) === heading);
  await keyboard.press("Tab");
  await keyboard.press("Enter");
  await until("the proposer", async () => /^node\d$/.test(await focused()));
  await keyboard.press("/");
  await keyboard.type(hash.toLowerCase());
  await keyboard.press("Enter");
  await until("the transaction", async () => (await focused()) === "Transaction: send");
  await keyboard.press("/");
  await keyboard.type("nothing of this name");
  await keyboard.press("Enter");
  await page.getByText("Nothing here is called that").waitFor();
});

await step("what is not there is said", async () => {
  await page.goto(`${rest}/#/block/999999999`);
  await page.getByRole("heading", { level: 1, name: "This block cannot be shown" }).waitFor();
  await page.getByText(/999999999/).last().waitFor();
});
complaints.splice(0, complaints.length, ...complaints.filter((text) => !/status of 500/.test(text)));

const views = [
  ["overview", "", "The network now"], ["block", `block/${height}`, `Block ${height.toLocaleString("en")}`],
  ["tx", `tx/${hash}`, "Transaction: send"], ["node", `node/${proposer}`, /^node\d$/],
];
for (const colorScheme of ["light", "dark"]) {
  for (const width of [360, 1280]) {
    await step(`${colorScheme}, ${width} px: no sideways scrolling, no serious barrier`, async () => {
      const view = await open({ colorScheme, viewport: { width, height: 900 } });
      for (const [name, address, heading] of views) {
        await view.goto(`${rest}/#/${address}`);
        await live(view);
        await view.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor({ state: "attached" });
        await view.locator("main .waiting").first().waitFor({ state: "detached" });
        const [wide, shown] = await view.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
        assert.ok(wide <= shown, `${name} is ${wide} px wide`);
        const { violations } = await view.evaluate(() => window.axe.run());
        const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
        assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [], name);
        if (folder) await view.screenshot({ path: join(folder, `${name}-${colorScheme}-${width}.png`), fullPage: true });
      }
      await view.context().close();
    });
  }
}

await step("without websockets it asks", async () => {
  const view = await open();
  await view.routeWebSocket(/explorer\/live/, (socket) => socket.close());
  await view.goto(rest);
  await view.getByText("Asking every 3 s").waitFor();
  const first = await newest(view);
  await until("a block", async () => (await newest(view)) > first);
  await view.context().close();
});

assert.deepEqual(complaints, []);
await browser.close();
