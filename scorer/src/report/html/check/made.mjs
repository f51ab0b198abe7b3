// Opens pages that crywolf wrote in headless Chromium and says what does not hold: node made.mjs PAGE.html...
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import Ajv from "ajv/dist/2020.js";
import puppeteer from "puppeteer-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const MOST_BYTES = 5 * 1024 * 1024;
const file = (name) => readFileSync(new URL(name, import.meta.url), "utf8");
const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
ajv.addSchema(JSON.parse(file("../../../../../docs/src/reference/grade.schema.json")), "grade.schema.json");
const fits = ajv.compile(JSON.parse(file("../context.schema.json")));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let failed = 0;
const check = (holds, what) => {
  if (!holds) failed++;
  console.log(`${holds ? "ok    " : "FAILED"} ${what}`);
};
const why = (errors) => (errors ?? []).slice(0, 5).map((error) => `\n       ${error.instancePath} ${error.message}`).join("");

const browser = await puppeteer.launch({ executablePath: CHROMIUM, headless: true, args: ["--no-sandbox", "--disable-gpu"] });
for (const path of process.argv.slice(2)) {
  const errors = [];
  const page = await browser.newPage();
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => ["error", "warn"].includes(message.type()) && errors.push(message.text()));
  page.on("request", (request) => /^(https?|wss?|ftp):/.test(request.url()) && errors.push(`asks the network for ${request.url()}`));
  await page.setViewport({ width: 1280, height: 800 });
  await page.goto(pathToFileURL(path).href);
  await page.waitForSelector("html[data-ready]");
  let data = JSON.parse(await page.$eval("#data", (element) => element.textContent));
  if (data.gzip) data = JSON.parse(gunzipSync(Buffer.from(data.gzip, "base64")).toString());
  const { grade, context } = data;
  console.log(path);
  check(statSync(path).size <= MOST_BYTES, `weighs ${(statSync(path).size / 1048576).toFixed(2)} MiB`);
  check(ajv.validate("grade.schema.json", grade), `its grade fits the schema${why(ajv.errors)}`);
  check(fits(context), `its context fits the schema${why(fits.errors)}`);
  const wrong = (capture) => [...capture.events.filter((event) => ["missed", "wolf-cry"].includes(event.outcome)), ...capture.false_alarms];
  const mistakes = grade.captures.flatMap(wrong).length;
  const rows = await page.$$eval(".events .row", (list) => list.length);
  check(mistakes === 0 ? rows === 0 : rows > 0, `lists its ${mistakes} mistakes (${rows} on the first page)`);
  const excerpts = Object.values(context.captures ?? {}).flatMap((capture) => [...Object.values(capture.events ?? {}), ...(capture.false_alarms ?? [])]).filter(Boolean);
  check(mistakes === 0 || excerpts.length > 0, `shows frames of ${excerpts.length} of them`);
  check(excerpts.every(({ frames = [] }) => frames.length <= 40 && frames.every(({ n }, at) => at === 0 || n > frames[at - 1].n)), "each has 40 frames at most, by rising number");
  if (rows > 0) {
    await page.click(".events .row");
    await page.$eval(".body .draw", (element) => element.scrollIntoView()).catch(() => {});
    check(await page.waitForSelector(".body svg[aria-label^=Ladder]", { timeout: 3000 }).catch(() => false), "draws a ladder");
  }
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  check(!violations.some(({ impact }) => ["serious", "critical"].includes(impact)), `axe finds nothing serious${violations.map(({ impact, id }) => `\n       ${impact} ${id}`).join("")}`);
  if (process.env.OUT) await page.screenshot({ path: `${process.env.OUT}/${path.split("/").at(-1)}.png` });
  check(errors.length === 0, `no console errors${errors.slice(0, 5).map((error) => `\n       ${error}`).join("")}`);
  await page.close();
}
await browser.close();
process.exit(failed ? 1 : 0);
