// What a page of obit-replay does in a browser. tests/offline/page/browser.rs makes the pages and
// runs this; OBIT_PAGES is their directory.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const pages = process.env.OBIT_PAGES;
const CONTAINER = "6b01a849852c";

let browser;
before(async () => {
    const executablePath = process.env.OBIT_CHROMIUM ?? "/usr/bin/chromium";
    // Root has no sandbox of Chromium's; the page is a file that this test made.
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});
after(() => browser?.close());

/** Opens a page, and has what it says and asks for noted. */
async function open(name, options = {}, fragment = "") {
    const page = await browser.newPage(options);
    const noted = { messages: [], requests: [] };
    page.on("console", (message) => noted.messages.push(message.text()));
    page.on("pageerror", (error) => noted.messages.push(error.message));
    page.on("request", (request) => noted.requests.push(request.url()));
    const address = pathToFileURL(path.join(pages, name)).href;
    await page.goto(address + fragment);
    await page.waitForSelector("html[data-ready]");
    return { page, noted, address };
}

function expectQuiet({ noted, address }) {
    assert.deepEqual(noted.messages, []);
    assert.deepEqual(noted.requests.map((url) => url.split("#")[0]), [address]);
}

async function expectAccessible(page) {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
    assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map((node) => [node.html, node.failureSummary])]), []);
}

test("the types of the page's source hold", () => {
    const tsc = require.resolve("typescript/lib/tsc.js");
    execFileSync(process.execPath, [tsc, "--project", "tsconfig.json"], { stdio: "pipe" });
});

for (const name of ["docker.html", "hosts.html", "hostile.html"]) {
    for (const colorScheme of ["light", "dark"]) {
        test(`${name} is quiet, asks for nothing and is accessible, ${colorScheme}`, async () => {
            const opened = await open(name, { colorScheme, viewport: { width: 1280, height: 800 } });
            await expectAccessible(opened.page);
            await opened.page.locator("#list-rows button").first().click();
            await expectAccessible(opened.page);
            expectQuiet(opened);
            await opened.page.close();
        });
    }
}

test("a phone has no sideways scrolling", async () => {
    const { page } = await open("docker.html", { viewport: { width: 360, height: 740 } });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 360));
    await page.close();
});

test("names of a case stay text", async () => {
    const opened = await open("hostile.html");
    const { page } = opened;
    const rows = page.locator("#list-rows tr");
    assert.equal(await rows.count(), 6);
    for (let place = 0; place < 6; place += 1) {
        await rows.nth(place).locator("button").click();
        assert.equal(await page.locator("#life img, #life script, #life a, #list-rows img").count(), 0);
    }
    assert.equal(await page.evaluate(() => globalThis.ranOfCase), undefined);
    assert.ok(!/[\u202a-\u202e]/u.test(await page.locator("body").innerText()), "no mark turns the text around");
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "a long name stays in its place");
    expectQuiet(opened);
    await page.close();
});

test("a reader with a keyboard alone searches, opens a life and comes back", async () => {
    const { page } = await open("docker.html");
    await page.keyboard.press("/");
    await page.keyboard.type("restarted");
    await page.waitForFunction(() => document.querySelectorAll("#list-rows tr").length === 2);
    for (let tabs = 0; tabs < 60; tabs += 1) {
        await page.keyboard.press("Tab");
        if (await page.evaluate(() => document.activeElement?.closest("#list-rows") !== null)) break;
    }
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement?.id), "life-heading");
    assert.match(await page.locator("#life").innerText(), /killed by its OCI runtime \(SIGKILL\)/);
    await page.keyboard.press("Escape");
    assert.ok(await page.locator("#life").isHidden());
    assert.ok(await page.evaluate(() => document.activeElement?.closest("#list-rows") !== null), "the focus comes back");
    await page.locator("#scroller").focus();
    await page.keyboard.press("+");
    assert.match(await page.evaluate(() => location.hash), /from=/);
    await page.keyboard.press("0");
    assert.doesNotMatch(await page.evaluate(() => location.hash), /from=/);
    await page.close();
});

test("a cause can be hidden, and the address keeps the view", async () => {
    const { page } = await open("docker.html");
    await page.locator("#causes button", { hasText: "killed by runtime" }).click();
    const others = await page.locator("#list-rows tr").count();
    assert.equal(others, 3);
    await page.locator("#list-rows button").first().click();
    const fragment = await page.evaluate(() => location.hash);
    const life = await page.locator("#life").innerText();
    await page.close();
    const again = (await open("docker.html", {}, fragment)).page;
    assert.equal(await again.locator("#list-rows tr").count(), others);
    assert.equal(await again.locator("#life").innerText(), life);
    await again.close();
});

test("a click on the time line opens the life that is there", async () => {
    const { page } = await open("docker.html");
    const place = await page.evaluate(() => {
        const { timeline, report } = globalThis.obit;
        const lane = timeline.lanes.findIndex((one) => one.label === "restarted");
        const box = timeline.canvas.getBoundingClientRect();
        return { x: box.x + timeline.x(report.lives[timeline.lanes[lane].lives[0].number].end), y: box.y + timeline.size.axis + (lane + 0.5) * timeline.size.lane };
    });
    await page.mouse.click(place.x, place.y);
    assert.match(await page.locator("#life").innerText(), /life of restarted/);
    await page.close();
});

test("a printed life has the facts", async () => {
    const { page } = await open("docker.html", {}, "");
    await page.locator("#search").fill(CONTAINER);
    await page.locator("#list-rows button").first().click();
    const file = path.join(pages, "life.pdf");
    await page.pdf({ path: file, format: "A4" });
    const text = execFileSync("pdftotext", ["-layout", file, "-"], { encoding: "utf8" });
    for (const fact of [CONTAINER, "killed by its OCI runtime (SIGKILL)", "runc[6699]", "2026-11-30T16:21:57.176", "exit code 137", "wall clock", "obit-replay report", "same: the recorded rows are those that follow from the raw log", "only hashed"]) {
        assert.ok(text.replace(/\s+/g, " ").includes(fact), `${fact} is not in ${text}`);
    }
    await page.close();
});
