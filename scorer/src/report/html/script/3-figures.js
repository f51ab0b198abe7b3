// The headline, the classes, the confusion.

/** A share as a bar from 0 to 100 %, with its interval and, where given, what it was before. */
function bar(share, bad = false, before = null) {
  if (share.value == null) return h("span", { class: "bar", "aria-hidden": "true" });
  const at = (value) => `${value * 100}%`;
  const marks = [
    share.low != null && h("span", { class: "range", style: { left: at(share.low), width: at(share.high - share.low) } }),
    before?.value != null && h("span", { class: "before", style: { left: at(before.value) } }),
    h("span", { class: "point", style: { left: at(share.value) } }),
  ];
  return h("span", { class: !bad ? "bar" : share.hits ? "bar bad" : "bar none", "aria-hidden": "true" }, marks);
}

const ratio = (share, word = "of") => (share.of === 0 ? "none to judge" : `${count(share.hits)} ${word} ${count(share.of)}`);

function headline({ grade, context }) {
  const { all } = grade;
  const before = context.baseline?.all;
  const share = (title, key, about, bad) => {
    const now = all[key];
    const [number, unit] = percent(now.value).split("\u00a0");
    return h("div", {}, h("dt", {}, title), h("dd", {},
      h("span", { class: "big" }, number, unit && h("small", {}, "\u2009" + unit)),
      bar(now, bad, before?.[key]),
      h("span", { class: "detail" }, `${ratio(now)} ${about}`, h("br"),
        now.low != null && [h("span", { class: "nowrap" }, `95 % interval ${between(now.low, now.high)}`), h("br")],
        now.by_seed && [h("span", { class: "nowrap" }, `over seeds ${between(now.by_seed.low, now.by_seed.high)}`), h("br")],
        before && h("span", { class: "nowrap" }, `before ${percent(before[key].value)}, ${ratio(before[key])}`))));
  };
  const alarms = all.false_alarms;
  const rate = all.false_alarms_per_hour;
  return h("dl", { class: "headline" },
    share("Recall", "recall", "attacks and scans"),
    share("Cry-wolf rate", "cry_wolf", "harmless events", true),
    share("Precision", "precision", `right, ${count(all.precision.of - all.precision.hits)} mistaken`),
    h("div", {}, h("dt", {}, "False alarms"), h("dd", {},
      h("span", { class: "big" }, count(alarms.incidents)),
      h("span", { class: "detail" }, `${plural(alarms.incidents, "incident")}, ${plural(alarms.alerts, "alert")}`,
        rate != null && [h("br"), `${short(rate)} an hour of capture`],
        all.false_alarms_per_million != null && [h("br"), `${short(all.false_alarms_per_million)} per million frames`],
        before && [h("br"), `before ${plural(before.false_alarms.incidents, "incident")}`]))),
    all.time_to_detect.seconds.median != null && h("div", {}, h("dt", {}, "Time to detect"), h("dd", {},
      h("span", { class: "big" }, median(all.time_to_detect.seconds.median)),
      h("span", { class: "detail" }, "median", h("br"), `95th percentile ${span(all.time_to_detect.seconds.p95)}`,
        h("br"), `${count(all.time_to_detect.missed)} missed, not counted`,
        before?.time_to_detect.seconds.median != null && [h("br"), `before ${span(before.time_to_detect.seconds.median)}`]))));
}

function median(value) {
  const [number, unit] = span(value).split("\u00a0");
  return [number, h("small", {}, "\u2009" + unit)];
}

function lead({ grade }) {
  const { recall, cry_wolf: wolf, false_alarms: alarms, false_alarms_per_hour: rate } = grade.all;
  const parts = [
    recall.of ? `Found ${count(recall.hits)} of ${count(recall.of)} attacks and scans` : "Had nothing to find",
    wolf.of ? `cried wolf at ${count(wolf.hits)} of ${count(wolf.of)} harmless events` : "had nothing harmless to be quiet about",
  ];
  const hours = rate ? ` in ${span((alarms.incidents / rate) * 3600)} of capture` : "";
  return `${parts.join(", ")}, and raised ${plural(alarms.incidents, "false alarm")}${hours}.`;
}

function volume({ grade, captures, rows }) {
  const sum = (of) => captures.reduce((total, capture) => total + of(capture), 0);
  const seeds = new Set(captures.map((capture) => capture.seed)).size;
  const events = sum((capture) => capture.events.length);
  return [plural(captures.length, "capture"), plural(seeds, "seed"), plural(sum((capture) => capture.packets), "frame"),
    plural(events, "event"), plural(sum((capture) => capture.alerts), "alert")].join(" · ");
}

function certain({ recall, cry_wolf: wolf }) {
  const lines = [];
  if (recall.of && recall.hits === recall.of && recall.exact != null)
    lines.push(`No miss in ${count(recall.of)} events: recall is at least ${percent(recall.exact)}, with 95 % certainty.`);
  if (wolf.of && wolf.hits === 0 && wolf.exact != null)
    lines.push(`No wolf cry at ${count(wolf.of)} events: the rate is at most ${percent(wolf.exact)}, with 95 % certainty.`);
  return lines.length ? h("p", { class: "certain about" }, lines.join(" ")) : null;
}

/** All other figures, in a table that opens on demand. */
function moreFigures({ grade, context }) {
  const { all, settings } = grade;
  const before = context.baseline?.all;
  const shares = [
    ["Detected, of all that expect an alert (recall)", "recall"], ["… whose first alert has the right verdict", "verdict_named"],
    ["… the right family", "family_named"], ["… the right class", "named"], ["… blames the real scanner alone", "actor_named"],
    ["Precision", "precision"], ["Cry-wolf rate", "cry_wolf"], ["Explained, of what only looks hostile", "explained"],
  ].map(([label, key]) => [label, ratio(all[key]), percent(all[key].value), between(all[key].low, all[key].high),
    all[key].by_seed ? between(all[key].by_seed.low, all[key].by_seed.high) : "–", before ? percent(before[key].value) : null]);
  const plain = (label, value, was) => [label, "", value, "", "", before ? (was ?? "–") : null];
  const quantiles = (of, unit) => (of?.median == null ? "–" : `${short(of.median)} ${unit}, 95th percentile ${short(of.p95)}`);
  const rows = [
    ...shares,
    plain("F1 (never a gate)", all.f1 == null ? "–" : all.f1.toFixed(3), before?.f1?.toFixed(3)),
    plain("Alerts per detected event", short(all.alerts_per_event), before && short(before.alerts_per_event)),
    plain("Wolf cries", `${plural(all.wolf_cries.incidents, "incident")}, ${plural(all.wolf_cries.alerts, "alert")}`, before && plural(before.wolf_cries.incidents, "incident")),
    plain("Time to detect, in frames of the event", quantiles(all.time_to_detect.frames, "frames"), null),
    plain("Frames from evident to the alert", quantiles(all.time_to_detect.slack_frames, "frames"), null),
  ];
  if (settings.prevalence != null) rows.push(plain(`Precision where ${percent(settings.prevalence)} deserve an alert`, percent(all.precision_at_prevalence), before && percent(before.precision_at_prevalence)));
  if (all.may) rows.push(plain("Events on which either is right", `${count(all.may)}, ${count(all.may_alerted)} drew an alert`, null));
  const head = ["Figure", "Count", "Value", "95 % interval", "Over seeds", before ? "Before" : null];
  return h("details", {}, h("summary", {}, "All figures"), h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "All figures" }, h("table", {},
    h("thead", {}, h("tr", {}, head.map((text) => text && h("th", { scope: "col" }, text)))),
    h("tbody", {}, rows.map(([label, ...cells]) => h("tr", {}, h("th", { scope: "row" }, label),
      cells.map((cell) => cell != null && h("td", { class: "num" }, cell))))))));
}

/** Recall, or the cry-wolf rate, of each class. */
function classTable(page, key, options) {
  const { grade, context, verdictOf } = page;
  const order = Object.keys(context.classes ?? {});
  const rank = (name) => { const at = order.indexOf(name); return at < 0 ? order.length : at; };
  const names = Object.keys(grade.classes).filter((name) => grade.classes[name][key].of > 0).sort((a, b) => rank(a) - rank(b));
  if (names.length === 0) return null;
  const groups = VERDICTS.map((verdict) => [verdict, names.filter((name) => verdictOf.get(name) === verdict)]).filter(([, of]) => of.length);
  const before = context.baseline?.classes;
  const row = (name) => {
    const figures = grade.classes[name];
    const share = figures[key];
    const second = figures[options.second];
    return h("tr", {},
      h("th", { scope: "row" }, h("a", { href: link({ class: name, outcome: "all" }), title: own(context.classes, name)?.definition }, name)),
      h("td", { class: "num right" }, ratio(share)), h("td", { class: "num right" }, percent(share.value)),
      h("td", { class: "graph" }, bar(share, options.bad, own(before, name)?.[key])),
      h("td", { class: "num optional" }, between(share.low, share.high)),
      before && h("td", { class: "num optional" }, percent(own(before, name)?.[key].value)),
      h("td", { class: "num right optional" }, second.of ? ratio(second) : "–"));
  };
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": options.caption }, h("table", { class: "classes" },
    h("caption", {}, options.caption),
    h("thead", {}, h("tr", {},
      h("th", { scope: "col" }, "Class"), h("th", { scope: "col", class: "right" }, options.count), h("th", { scope: "col", class: "right" }, options.rate),
      h("td", { class: "graph" }), h("th", { scope: "col", class: "optional" }, "95 % interval"),
      before && h("th", { scope: "col", class: "optional" }, "Before"), h("th", { scope: "col", class: "right optional" }, options.secondTitle))),
    groups.map(([verdict, of]) => h("tbody", {},
      h("tr", { class: "group" }, h("th", { scope: "rowgroup", colspan: before ? 7 : 6 }, verdict)), of.map(row)))));
}

/** What was called what. */
function confusion({ grade, context, verdictOf }) {
  const order = Object.keys(context.classes ?? {});
  const truths = grade.confusion.map((row) => row.truth);
  const said = [...new Set(grade.confusion.flatMap((row) => Object.keys(row.said)))];
  const rank = (name) => {
    const known = order.indexOf(name);
    const seen = truths.indexOf(name);
    return known >= 0 ? known : 1000 + (seen >= 0 ? seen : truths.length);
  };
  said.sort((a, b) => rank(a) - rank(b));
  const columns = said.map((name) => ({ name, of: (row) => own(row.said, name) ?? 0 }));
  if (grade.confusion.some((row) => row.unclassed)) columns.push({ name: "unclassed", of: (row) => row.unclassed });
  columns.push({ name: "none", label: "nothing", of: (row) => row.none });
  const kind = (truth, name) => {
    if (truth == null) return "bad";
    if (truth === name) return "good";
    const wants = alerting(verdictOf.get(truth));
    const cries = name === "unclassed" || alerting(verdictOf.get(name));
    if (name === "none") return wants ? "bad" : "good";
    return wants !== cries ? "bad" : "half";
  };
  const rows = [...grade.confusion].sort((a, b) => (a.truth == null) - (b.truth == null) || rank(a.truth) - rank(b.truth));
  const cell = (row, column) => {
    const n = column.of(row);
    const total = columns.reduce((sum, other) => sum + other.of(row), 0);
    const truth = row.truth ?? "background";
    if (row.truth == null && column.name === "none") return h("td", {});
    const text = `${plural(n, row.truth ? "event" : "incident")} of ${truth}, called ${column.label ?? column.name}`;
    const to = link({ outcome: "all", kind: row.truth ? "event" : "alarm", class: row.truth, said: column.name });
    return h("td", { "data-kind": n ? kind(row.truth, column.name) : null, "data-diagonal": row.truth === column.name,
      style: { "--share": n ? String(0.25 + (0.75 * n) / total) : "0" } }, n ? h("a", { href: to, "aria-label": text }, count(n)) : null);
  };
  return [
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Confusion of classes" }, h("table", { class: columns.length > 14 ? "heat many" : "heat" },
      h("caption", { class: "unseen" }, "Events by what they are (rows) and what the detector called them (columns)"),
      h("thead", {}, h("tr", {}, h("td", {}), columns.map((column) => h("th", { scope: "col" }, h("span", {}, column.label ?? column.name))))),
      h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, row.truth ?? "background"), columns.map((column) => cell(row, column))))))),
    h("ul", { class: "key" }, h("li", {}, h("i", { class: "good" }), "right"), h("li", {}, h("i", { class: "half" }), "right to speak or be silent, by another name"),
      h("li", {}, h("i", { class: "bad" }), "wrong")),
  ];
}
