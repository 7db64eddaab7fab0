// Measures pages in headless Chromium: node measure.mjs PAGE LIVES…
// Repeats the lives of a page with other ids, times and numbers until there are as many as asked
// for, and says how big the file is, when its first picture stands, and how fast it pans.
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { chromium } from "playwright-core";

const FRAMES = 60;
const [source, ...wanted] = process.argv.slice(2);
const html = readFileSync(source, "utf8");
const [before, rest] = html.split(/(?<=id="data">)/);
const after = rest.slice(rest.indexOf("</script>"));
const data = JSON.parse(gunzipSync(Buffer.from(rest.slice(0, rest.indexOf("</script>")), "base64")));

/** Numbers that look random and are the same each time. */
function numbers() {
    let state = 1;
    return (below) => {
        state = (state * 48271) % 2147483647;
        return state % below;
    };
}

/** Returns contents with this many lives. */
function repeated(lives) {
    const random = numbers();
    const copies = Math.ceil(lives / data.lives);
    const columns = { ...data, texts: [...data.texts], lives: 0, life_cases: [], triage: {}, tables: {} };
    for (const name of Object.keys(data.tables)) columns.tables[name] = { life: [], columns: {} };
    const sums = {};
    for (let copy = 0; copy < copies; copy += 1) {
        const id = (place) => {
            const text = data.texts[place];
            if (!/^[0-9a-f]{64}$/.test(text)) return place;
            const other = createHash("sha256").update(`${text} ${copy}`).digest("hex");
            const known = ids.get(other);
            if (known !== undefined) return known;
            columns.texts.push(other);
            ids.set(other, columns.texts.length - 1);
            return columns.texts.length - 1;
        };
        const ids = new Map();
        for (const [name, table] of Object.entries(data.tables)) {
            const target = columns.tables[name];
            table.life.forEach((life) => target.life.push(life + copy * data.lives));
            for (const [column, packed] of Object.entries(table.columns)) {
                const [kind] = Object.keys(packed);
                const key = `${name} ${column}`;
                if (kind === "text") (target.columns[column] ??= { text: [] }).text.push(...packed.text.map((place) => (place === null ? null : id(place))));
                else if (kind === "json") (target.columns[column] ??= { json: [] }).json.push(...packed.json);
                else {
                    const list = kind === "time" ? packed.time.ms : packed.number;
                    const into = (target.columns[column] ??= kind === "time" ? { time: { ms: [], ns: [] } } : { number: [] });
                    let value = 0;
                    list.forEach((difference, row) => {
                        if (typeof difference === "number") value += difference;
                        // Each copy is 20 s after the one before it; other numbers vary a little.
                        const varied = kind === "time" ? value + copy * 20_000 + random(1000) : value === 0 ? 0 : value + random(Math.max(Math.floor(value / 8), 2));
                        const now = typeof difference === "number" ? varied - (sums[key] ?? 0) : difference;
                        if (typeof difference === "number") sums[key] = varied;
                        if (kind === "time") {
                            into.time.ms.push(now);
                            into.time.ns.push(random(1_000_000));
                        } else into.number.push(now);
                    });
                }
            }
        }
        columns.life_cases.push(...data.life_cases);
        for (const [life, reasons] of Object.entries(data.triage)) columns.triage[Number(life) + copy * data.lives] = reasons;
        columns.lives += data.lives;
    }
    columns.cases[0].end = new Date(Date.parse(data.cases[0].end) + copies * 20_000).toISOString();
    return columns;
}

const directory = mkdtempSync(path.join(os.tmpdir(), "obit-page-"));
const browser = await chromium.launch({ executablePath: process.env.OBIT_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
console.log("lives\tfile MB\tfirst picture s\tframe ms, median\tframe ms, most\tsearch ms");
for (const lives of wanted.map(Number)) {
    const file = path.join(directory, `${lives}.html`);
    const contents = repeated(lives);
    writeFileSync(file, before + gzipSync(JSON.stringify(contents), { level: 9 }).toString("base64") + after);
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.on("pageerror", (error) => console.log("error", error.message));
    const start = performance.now();
    await page.goto(pathToFileURL(file).href);
    await page.waitForSelector("html[data-ready]");
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const first = (performance.now() - start) / 1000;
    const frames = await page.evaluate(async (count) => {
        const { timeline } = globalThis.obit;
        const times = [];
        for (let frame = 0; frame < count; frame += 1) {
            const from = performance.now();
            timeline.pan(frame % 2 === 0 ? 0.013 : -0.01);
            await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
            times.push(performance.now() - from);
        }
        return times.sort((a, b) => a - b);
    }, FRAMES);
    const search = await page.evaluate(() => {
        const { obit } = globalThis;
        const from = performance.now();
        obit.view.search = "hungry";
        obit.update();
        return performance.now() - from;
    });
    const megabytes = statSync(file).size / 1e6;
    console.log([contents.lives, megabytes.toFixed(2), first.toFixed(2), frames[FRAMES / 2].toFixed(1), frames[FRAMES - 1].toFixed(1), search.toFixed(0)].join("\t"));
    await page.close();
}
await browser.close();
rmSync(directory, { recursive: true });
