// Takes pictures of a page: node look.mjs PAGE DIRECTORY [FRAGMENT]
import { chromium } from "playwright-core";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [page_path, directory, fragment = ""] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.OBIT_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const [width, height] of [[360, 740], [1280, 800], [3840, 2160]]) {
    for (const colorScheme of ["light", "dark"]) {
        const page = await browser.newPage({ viewport: { width, height }, colorScheme });
        page.on("console", (message) => console.log(message.type(), message.text()));
        page.on("pageerror", (error) => console.log("error", error.message));
        await page.goto(`${pathToFileURL(path.resolve(page_path))}${fragment}`);
        await page.waitForSelector("html[data-ready]");
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
        await page.screenshot({ path: path.join(directory, `${width}-${colorScheme}.png`) });
        await page.close();
    }
}
await browser.close();
