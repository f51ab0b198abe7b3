// Elements and words. Nothing on this page is made of markup: all text goes through text nodes.

// Letters that would reorder or hide what stands beside them, and control characters.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const clean = (text) => String(text).replace(UNSEEN, "\ufffd");

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value == null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, to] of Object.entries(value)) element.style.setProperty(key, to);
    else element.setAttribute(name, value === true ? "" : clean(value));
  }
  add(element, children);
  return element;
}

function add(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child == null || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(clean(child)));
  }
}

/** An element of HTML. */
const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
/** An element of SVG. */
const s = (tag, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const count = (n) => whole.format(n);
const plural = (n, noun, many = noun + "s") => `${count(n)} ${n === 1 ? noun : many}`;

/** A share as per cent: whole where it is, else with one decimal, and never rounded to none or all. */
function percent(value, digits = 1) {
  if (value == null) return "–";
  let text = (value * 100).toFixed(digits);
  if (Number(text) === 100 && value < 1) text = (99.9).toFixed(1);
  if (Number(text) === 0 && value > 0) text = "<0.1";
  return `${text.replace(/\.0+$/, "")}\u00a0%`;
}

/** An interval of shares, both ends with a decimal or both without. */
function between(low, high) {
  if (low == null) return "–";
  const ends = [low, high].map((value) => percent(value).replace("\u00a0%", ""));
  const decimals = ends.some((text) => text.includes("."));
  return `${ends.map((text) => (decimals && /^\d+$/.test(text) && text !== "0" && text !== "100" ? `${text}.0` : text)).join(" to ")}\u00a0%`;
}

/** A number with as many decimals as its size deserves. */
function short(value) {
  if (value == null) return "–";
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return count(value);
  return String(Number(value.toFixed(size >= 10 ? 1 : size >= 0.1 ? 2 : 4)));
}

/** A span of seconds in the unit that reads best. */
function span(seconds) {
  if (seconds == null) return "–";
  const size = Math.abs(seconds);
  if (size === 0) return "0\u00a0s";
  if (size < 1e-3) return `${short(seconds * 1e6)}\u00a0µs`;
  if (size < 1) return `${short(seconds * 1e3)}\u00a0ms`;
  if (size < 120) return `${short(seconds)}\u00a0s`;
  if (size < 7200) return `${short(seconds / 60)}\u00a0min`;
  return `${short(seconds / 3600)}\u00a0h`;
}

/** Seconds since 1970 of an RFC 3339 time; keeps the microseconds that Date drops. */
function seconds(time) {
  if (!time) return null;
  const parts = /^([^.Z]*)(\.\d+)?(.*)$/.exec(time);
  const base = Date.parse(parts[1] + (parts[3] || "Z"));
  return Number.isNaN(base) ? null : base / 1000 + Number(parts[2] ?? 0);
}

const clock = (time) => (time ? time.replace("T", " ").replace(/(\.\d{3})\d*/, "$1").replace(/Z$/, " UTC") : "–");

/** Some of a list, and the number of the rest. */
function some(list, most = 3) {
  if (list.length === 0) return "anybody";
  const rest = list.length - most;
  return rest > 0 ? `${list.slice(0, most).join(", ")} and ${count(rest)} more` : list.join(", ");
}

const who = (sources, targets, most = 3) => `${some(sources, most)} → ${some(targets, most)}`;
const ports = (ranges) => some(ranges.map(([a, b]) => (a === b ? String(a) : `${a}–${b}`)), 12);

/** Copies text, also where a page from a file may not use the clipboard. */
async function copy(text, button) {
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea", { readonly: true, style: { position: "fixed", opacity: "0" } });
    area.value = text;
    document.body.append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
    button.focus();
  }
  const label = button.textContent;
  button.textContent = done ? "Copied" : "Select and copy by hand";
  say(button.textContent);
  setTimeout(() => (button.textContent = label), 1800);
}

/** Tells a screen reader. */
function say(text) {
  let region = document.getElementById("say");
  if (!region) document.body.append((region = h("div", { id: "say", class: "unseen", role: "status" })));
  region.textContent = text;
}

const copyButton = (label, text) => {
  const button = h("button", { type: "button", class: "quiet copy" }, label);
  button.addEventListener("click", () => copy(typeof text === "function" ? text() : text, button));
  return button;
};

// Drawings are made when they come near the window, and again when its width changes.
const drawings = new Map();
// A4 less its margins, in pixels of CSS.
const PAPER = 680;
const watcher = new IntersectionObserver(
  (entries) => entries.forEach((entry) => entry.isIntersecting && draw(entry.target)),
  { rootMargin: "400px" },
);
function draw(place) {
  const drawing = drawings.get(place);
  if (!drawing) return;
  const width = Math.floor(place.clientWidth || place.parentElement?.clientWidth || 700);
  if (drawing.width === width) return;
  drawing.width = width;
  place.replaceChildren(drawing.make(width));
}
/** A place for a drawing, which `make(width)` draws when it is looked at. */
function lazily(make) {
  const place = h("div", { class: "draw" });
  drawings.set(place, { make, width: 0 });
  watcher.observe(place);
  return place;
}
/** Forgets the drawings within an element that is about to go. */
function forget(element) {
  for (const place of element.querySelectorAll(".draw")) {
    watcher.unobserve(place);
    drawings.delete(place);
  }
}
/** On paper everything is drawn, in the width of a page: two or three charts stand side by side there. */
function drawForPaper() {
  for (const [place, drawing] of drawings) {
    const beside = place.closest(".charts.wide") ? 2 : place.closest(".charts") ? 3 : 1;
    drawing.width = 0;
    place.replaceChildren(drawing.make(Math.floor((PAPER - 16 * (beside - 1)) / beside)));
  }
}
let redraw;
addEventListener("resize", () => {
  clearTimeout(redraw);
  redraw = setTimeout(() => drawings.forEach((drawing, place) => drawing.width && draw(place)), 150);
});
addEventListener("beforeprint", drawForPaper);
addEventListener("afterprint", () => drawings.forEach((_, place) => draw(place)));
