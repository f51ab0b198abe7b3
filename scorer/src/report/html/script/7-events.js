// The list of events and false alarms, its filters, and the captures that hold them.

const PER_PAGE = 50;
const CAPTURES_PER_PAGE = 10;
const PLAIN = ["verdict", "family", "class", "said", "kind", "capture", "event", "alarm", "text"];

/** A link to this page with a filter. */
function link(filter) {
  const part = (value) => encodeURIComponent(value).replace(/%3A/g, ":").replace(/%2C/g, ",");
  return "#" + Object.entries(filter).filter(([, value]) => value).map(([key, value]) => `${key}=${part(value)}`).join("&");
}
const rowLink = (row) => link({ [row.kind]: row.id });

/** The filter that an address asks for; null where it names a section. */
function readLink(hash, initial) {
  const text = hash.replace(/^#/, "");
  if (!text.includes("=")) return null;
  const filter = emptyFilter(initial);
  let narrowed = false;
  for (const pair of text.split("&")) {
    const [key, ...rest] = pair.split("=");
    let value = rest.join("=");
    try {
      value = decodeURIComponent(value);
    } catch {
      // A broken escape is taken as it stands.
    }
    if (key === "outcome") filter.outcome = new Set(value === "all" ? [] : value.split(",").filter((name) => own(OUTCOMES, name)));
    else if (PLAIN.includes(key)) filter[key] = value;
    narrowed = true;
  }
  filter.words = words(filter.text);
  return narrowed ? filter : null;
}

const emptyFilter = (outcomes) => ({ outcome: new Set(outcomes), words: [], ...Object.fromEntries(PLAIN.map((key) => [key, ""])) });

function filterLink(filter, initial) {
  const same = filter.outcome.size === initial.length && initial.every((name) => filter.outcome.has(name));
  const outcome = same ? "" : filter.outcome.size === 0 ? "all" : [...filter.outcome].join(",");
  const text = link({ outcome, ...Object.fromEntries(PLAIN.map((key) => [key, filter[key]])) });
  return text === "#" ? "" : text;
}

/** Builds the section; returns it and the function that shows what an address asks for. */
function eventSection(page) {
  const { rows, captures } = page;
  const totals = new Map();
  for (const row of rows) totals.set(row.outcome, (totals.get(row.outcome) ?? 0) + 1);
  const mistakes = ["missed", "wolf-cry", "false-alarm"].filter((name) => totals.has(name));
  let filter = emptyFilter(mistakes);
  let found = [];
  let at = 0;
  let captureAt = 0;

  const boxes = Object.keys(OUTCOMES).filter((name) => totals.has(name)).map((name) => {
    const box = h("input", { type: "checkbox", value: name, onchange: () => {
      const on = boxes.map(({ box }) => box).filter((box) => box.checked).map((box) => box.value);
      change({ outcome: new Set(on.length === boxes.length ? [] : on) });
    } });
    return { name, box, label: h("label", { class: "choice", title: OUTCOMES[name].hint }, box, sign(name), OUTCOMES[name].label, h("span", { class: "count" }, count(totals.get(name)))) };
  });
  const select = (key, label, order) => {
    const names = [...new Set(rows.map((row) => row[key]).filter(Boolean))].sort((a, b) => (order ? order.indexOf(a) - order.indexOf(b) : a < b ? -1 : 1));
    const field = h("select", { onchange: () => change({ [key]: field.value, said: "", kind: "" }) }, h("option", { value: "" }, "all"), names.map((name) => h("option", { value: name }, name)));
    return { key, field, label: names.length > 1 && h("label", {}, label, field) };
  };
  const selects = [select("verdict", "Verdict", VERDICTS), select("family", "Family"), select("class", "Class")];
  let typing;
  const text = h("input", { type: "search", placeholder: "address, rule, scenario, seed 3", spellcheck: "false", autocomplete: "off", oninput: () => {
    clearTimeout(typing);
    typing = setTimeout(() => change({ text: text.value }), 120);
  } });
  const only = h("p", { class: "only", hidden: true });
  const shown = h("p", { role: "status" });
  const onPaper = h("p", { class: "onpaper" });
  const openAll = h("button", { type: "button", class: "quiet", onclick: () => toggleAll() }, "Open all on this page");
  const events = h("ol", { class: "events" });
  const pager = makePager("Events", (to) => { at = to; showEvents(); events.closest("section").scrollIntoView(); events.querySelector("button")?.focus({ preventScroll: true }); });
  const captureList = h("ol", { class: "captures" });
  const captureStatus = h("p", { class: "about" });
  const capturePager = makePager("Captures", (to) => { captureAt = to; showCaptures(); captureList.closest("section").scrollIntoView(); });

  function change(part) {
    filter = { ...filter, event: "", alarm: "", ...part };
    filter.words = words(filter.text);
    history.replaceState(null, "", filterLink(filter, mistakes) || location.href.split("#")[0]);
    show();
  }

  function show() {
    found = rows.filter((row) => matches(row, filter)).sort((a, b) => RANK[a.outcome] - RANK[b.outcome]);
    at = captureAt = 0;
    const single = filter.event || filter.alarm;
    for (const { name, box } of boxes) box.checked = !single && (filter.outcome.size === 0 || filter.outcome.has(name));
    for (const { key, field } of selects) field.value = filter[key];
    if (text.value !== filter.text) text.value = filter.text;
    const narrowing = [single && `only ${filter.event ? "event" : "false alarm"} ${single}`, filter.said && `called ${filter.said === "none" ? "nothing" : filter.said}`,
      filter.kind && (filter.kind === "event" ? "events" : "false alarms"), filter.capture && `of ${filter.capture}`].filter(Boolean);
    onPaper.textContent = [[...filter.outcome].map((name) => OUTCOMES[name].label.toLowerCase()).join(", ") || "every outcome",
      ...["verdict", "family", "class", "text"].filter((key) => filter[key]).map((key) => `${key} ${filter[key]}`), ...narrowing].join("; ");
    only.hidden = narrowing.length === 0;
    only.replaceChildren(h("span", {}, "Showing ", narrowing.join(", "), "."), h("button", { type: "button", class: "quiet", onclick: () => { filter = emptyFilter(mistakes); change({}); } }, "Show all mistakes"));
    showEvents();
    showCaptures();
  }

  function showEvents() {
    const some = found.slice(at * PER_PAGE, (at + 1) * PER_PAGE);
    forget(events);
    events.replaceChildren(...some.map((row) => item(row, page)));
    if (found.length === 0) events.append(h("li", { class: "empty" }, rows.length === 0 ? "The grade holds no events." : filter.event || filter.alarm ? "This grade has no such event." : "Nothing passes these filters."));
    shown.textContent = `${count(found.length)} of ${count(rows.length)} events and false alarms`;
    openAll.hidden = some.length < 2;
    openAll.textContent = "Open all on this page";
    pager.set(at, Math.ceil(found.length / PER_PAGE));
  }

  function showCaptures() {
    const holding = [...new Set(found.map((row) => row.capture))];
    const quiet = found.length === rows.length;
    const list = quiet ? captures : holding;
    forget(captureList);
    captureList.replaceChildren(...list.slice(captureAt * CAPTURES_PER_PAGE, (captureAt + 1) * CAPTURES_PER_PAGE).map((capture) => captureBlock(capture)));
    captureStatus.textContent = quiet ? `${plural(captures.length, "capture")}.` : `${count(list.length)} of ${plural(captures.length, "capture")}: those that hold what the filters above let through.`;
    capturePager.set(captureAt, Math.ceil(list.length / CAPTURES_PER_PAGE));
  }

  function toggleAll() {
    const buttons = [...events.querySelectorAll(".row")];
    const open = buttons.some((button) => button.getAttribute("aria-expanded") === "false");
    for (const button of buttons) if ((button.getAttribute("aria-expanded") === "false") === open) button.click();
    openAll.textContent = open ? "Close all" : "Open all on this page";
  }

  /** Shows what the address asks for. `false` where it asks for no filter. */
  function follow(hash) {
    const asked = readLink(hash, mistakes);
    filter = asked ?? emptyFilter(mistakes);
    show();
    if (!asked) return false;
    const single = (filter.event || filter.alarm) && found.length === 1 ? events.querySelector(".row") : null;
    single?.click();
    (single ?? document.getElementById("events-title")).focus({ preventScroll: true });
    document.getElementById("events").scrollIntoView();
    return true;
  }

  const section = h("section", { id: "events", "aria-labelledby": "events-title" },
    h("h2", { id: "events-title", tabindex: "-1" }, "Events and false alarms"),
    h("p", { class: "about" }, mistakes.length ? "Mistakes first: what was missed, what was cried at, what fits nothing. Open one for its evidence and frames." : "No mistakes: nothing was missed, nothing cried at, nothing made up."),
    h("form", { class: "filters", role: "search", "aria-label": "Filter the events", onsubmit: (event) => event.preventDefault() },
      h("fieldset", {}, h("legend", {}, "Outcome"), boxes.map(({ label }) => label)),
      h("div", { class: "fields" }, selects.map(({ label }) => label), h("label", {}, "Text", text)), only),
    h("div", { class: "status" }, shown, onPaper, openAll), events, pager.element);
  const timelines = h("section", { id: "captures", "aria-labelledby": "captures-title" },
    h("h2", { id: "captures-title" }, "Captures"), captureStatus, timelineKey(totals), captureList, capturePager.element);
  return { section, timelines, follow };
}

function timelineKey(totals) {
  return h("ul", { class: "key", style: { "margin-bottom": "1.75rem" } }, Object.keys(OUTCOMES).filter((name) => totals.has(name)).map((name) => h("li", {}, sign(name), OUTCOMES[name].label.toLowerCase())),
    h("li", {}, s("svg", { width: 12, height: 14, "aria-hidden": "true" }, s("path", { class: "hit", d: MARKS.up(6, 3) })), "an alert, when it was raised"));
}

function makePager(what, go) {
  const back = h("button", { type: "button", class: "quiet" }, "Previous");
  const next = h("button", { type: "button", class: "quiet" }, "Next");
  const place = h("span", { class: "num" });
  const element = h("nav", { class: "pager", "aria-label": `Pages of ${what.toLowerCase()}` }, back, place, next);
  let now = 0;
  back.addEventListener("click", () => go(now - 1));
  next.addEventListener("click", () => go(now + 1));
  return { element, set(at, of) {
    now = at;
    element.hidden = of < 2;
    place.textContent = `page ${count(at + 1)} of ${count(of)}`;
    back.disabled = at === 0;
    next.disabled = at + 1 >= of;
  } };
}

let bodies = 0;
function item(row, page) {
  const id = `body-${++bodies}`;
  const what = row.event ?? row.alarm;
  const place = h("div", { class: "body", id, hidden: true });
  const called = row.outcome !== "missed" && row.event?.first_alert?.class && row.event.first_alert.class !== row.class ? `, called ${row.event.first_alert.class}` : "";
  const button = h("button", { type: "button", class: "row", "aria-expanded": "false", "aria-controls": id, onclick: () => {
    const open = button.getAttribute("aria-expanded") === "false";
    if (open) add(place, [body(row, page)]);
    else { forget(place); place.replaceChildren(); }
    place.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
  } },
  h("span", { class: "kindcell" }, tag(row.outcome)), " ", h("span", { class: "name" }, row.class), " ",
  h("span", { class: "who" }, who(what.sources, what.targets, 2), h("span", { class: "muted" }, called)), " ",
  h("span", { class: "where" }, row.capture.place));
  return h("li", { id: `row-${bodies}` }, h("h3", {}, button), place);
}
