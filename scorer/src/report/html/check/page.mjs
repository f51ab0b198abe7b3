// Builds the page as the Rust side does: the template cut at its placeholders, the parts between.
import { readFileSync, readdirSync } from "node:fs";
import { gzipSync } from "node:zlib";

const here = new URL("..", import.meta.url);
const text = (name) => readFileSync(new URL(name, here), "utf8");

/** JSON that cannot end the element it stands in. */
const embed = (value) => JSON.stringify(value).replace(/</g, "\\u003c");

export function buildPage(grade, context, { gzip = false } = {}) {
  const parts = readdirSync(new URL("script/", here)).filter((name) => name.endsWith(".js")).sort();
  const data = context === undefined ? { grade } : { grade, context };
  const embedded = gzip ? embed({ gzip: gzipSync(JSON.stringify(data)).toString("base64") }) : embed(data);
  const filled = { "/*STYLE*/": text("style.css"), "/*DATA*/": embedded, "/*SCRIPT*/": parts.map((name) => text(`script/${name}`)).join("") };
  return text("page.html").split(/(\/\*STYLE\*\/|\/\*DATA\*\/|\/\*SCRIPT\*\/)/).map((part) => filled[part] ?? part).join("");
}
