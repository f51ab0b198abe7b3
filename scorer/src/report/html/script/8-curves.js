// Curves of sweeps, the comparison with an earlier grade, the trend over several.

const HIGH = 190;

/** A scale from data to pixels, and its ticks. */
function scale(values, kind, from, to) {
  let low = Math.min(...values);
  let high = Math.max(...values);
  if (low === high) [low, high] = kind === "log" ? [low / 2, high * 2] : [low - 0.5, high + 0.5];
  const by = kind === "log" ? Math.log10 : (value) => value;
  const x = (value) => from + ((by(value) - by(low)) / (by(high) - by(low))) * (to - from);
  return x;
}

const keyOf = (line) => s("svg", { width: 22, height: 10, "aria-hidden": "true" }, s("line", { class: `curve s${line}`, x1: 0, x2: 22, y1: 5, y2: 5 }));

function curve(given, width) {
  const [left, right, top, bottom] = [44, width - 14, 8, HIGH - 34];
  const y = (value) => bottom - value * (bottom - top);
  const all = given.series.flatMap((line) => line.points.map((point) => point.x));
  const log = given.x.scale === "log" && all.every((value) => value > 0);
  const x = scale(all, log ? "log" : "linear", left + 8, right);
  const parts = [0, 0.25, 0.5, 0.75, 1].flatMap((value) => [s("line", { class: "line", x1: left, x2: right, y1: y(value), y2: y(value) }),
    s("text", { class: "faint", x: left - 7, y: y(value) + 4, "text-anchor": "end" }, `${value * 100} %`)]);
  let free = -Infinity;
  const ticks = new Map(given.series.flatMap((line) => line.points.map((point) => [point.x, point.label ?? short(point.x)])));
  for (const [value, text] of [...ticks].sort((a, b) => a[0] - b[0])) {
    const half = text.length * 3.2;
    const at = Math.min(Math.max(x(value), half), width - half);
    if (at - half < free) continue;
    free = at + half + 8;
    parts.push(s("text", { class: "faint", x: at, y: bottom + 16, "text-anchor": "middle" }, text));
  }
  parts.push(s("text", { class: "faint", x: right, y: bottom + 31, "text-anchor": "end" }, given.x.label));
  given.series.forEach((line, at) => {
    const points = line.points.filter((point) => point.y != null).sort((a, b) => a.x - b.x);
    const sure = points.filter((point) => point.low != null);
    const path = (list) => list.map(([a, b], n) => `${n ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");
    const style = at % 4;
    if (sure.length > 1) parts.push(s("path", { class: `band s${style}`, d: path([...sure.map((p) => [x(p.x), y(p.high)]), ...sure.reverse().map((p) => [x(p.x), y(p.low)])]) + "Z" }));
    parts.push(s("path", { class: `curve s${style}`, d: path(points.map((p) => [x(p.x), y(p.y)])) }));
    if (points.length <= 60) points.forEach((p) => parts.push(s("circle", { class: `dot s${style}`, cx: x(p.x), cy: y(p.y), r: 3 },
      s("title", {}, `${line.name}: ${percent(p.y)} at ${p.label ?? short(p.x)}${p.low != null ? ` (${between(p.low, p.high)})` : ""}`))));
  });
  return s("svg", { width, height: HIGH, viewBox: `0 0 ${width} ${HIGH}`, role: "img", "aria-label": `${given.title}; the numbers stand in the table below` }, parts);
}

function curves({ context }) {
  const given = (context.curves ?? []).map((one) => ({ ...one, series: one.series.filter((line) => line.points.some((point) => point.y != null)) })).filter((one) => one.series.length);
  if (given.length === 0) return null;
  const table = (one) => h("details", {}, h("summary", {}, "The numbers"), h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": one.title }, h("table", {},
    h("thead", {}, h("tr", {}, [one.x.label, "", one.y.label, "95 % interval"].map((text) => text ? h("th", { scope: "col" }, text) : h("td", {})))),
    h("tbody", {}, one.series.flatMap((line) => line.points.map((point) => h("tr", {}, h("th", { scope: "row", class: "num" }, point.label ?? short(point.x)), h("td", {}, line.name),
      h("td", { class: "num" }, percent(point.y), point.of != null && ` (${count(point.hits)} of ${count(point.of)})`), h("td", { class: "num" }, between(point.low, point.high)))))))));
  return h("section", { id: "curves", "aria-labelledby": "curves-title" }, h("h2", { id: "curves-title" }, "Curves"),
    h("p", { class: "about" }, "Bands are 95 % intervals."),
    h("div", { class: "charts wide" }, given.map((one) => h("figure", { class: "chart" }, h("figcaption", {}, one.title, one.about && h("span", { class: "about" }, one.about)),
      lazily((width) => curve(one, width)),
      one.series.length > 1 && h("ul", { class: "legend" }, one.series.map((line, at) => h("li", {}, keyOf(at % 4), line.name))), table(one)))));
}

/** What became worse and better against an earlier grade. */
function comparison(page) {
  const { baseline } = page.context;
  if (!baseline) return null;
  const name = (change) => {
    const capture = page.captureById.get(change.capture);
    const row = page.byId.get(change.event != null ? `event=${change.capture}:${change.event}` : `alarm=${change.capture}:${change.alarm}`);
    return row ? h("a", { href: rowLink(row) }, row.class === capture.scenario ? capture.place : `${row.class}, ${capture.place}`) : `${change.class ?? ""} ${change.capture}`;
  };
  const part = (title, given, bad) => {
    const changes = given ?? [];
    const items = changes.map((change) => h("li", {}, name(change)));
    return h("div", {}, h("h3", {}, title), h("p", { class: bad && changes.length ? "big alarm" : "big" }, count(changes.length)),
      items.length > 0 && h("ul", {}, items.slice(0, 8)), items.length > 8 && h("details", {}, h("summary", {}, `${count(items.length - 8)} more`), h("ul", {}, items.slice(8, 500)),
        items.length > 500 && h("p", { class: "about" }, `and ${count(items.length - 500)} more, in the grades themselves`)));
  };
  const test = (what, better, worse, given) => {
    const p = given?.p ?? mcnemar(better, worse);
    const words = better + worse === 0 ? "no event changed" : `${plural(worse, "event")} worse, ${count(better)} better; by chance alone a difference at least as great comes in ${p < 0.001 ? "less than 0.1 %" : percent(p)} of cases (exact McNemar test)`;
    return h("li", {}, `${what}: ${words}.`);
  };
  const size = (list) => list?.length ?? 0;
  const { newly_missed: missed, newly_detected: detected, newly_broken: broken, newly_silent: silent } = baseline;
  const apart = [baseline.only_in_baseline && `${plural(baseline.only_in_baseline, "event")} only before`, baseline.only_in_grade && `${plural(baseline.only_in_grade, "event")} only now`].filter(Boolean);
  return h("section", { id: "comparison", "aria-labelledby": "comparison-title" }, h("h2", { id: "comparison-title" }, "Against the baseline"),
    h("p", { class: "about" }, `Before: ${baseline.name}. ${plural(baseline.shared, "event")} compared one by one${apart.length ? `; ${apart.join(", ")}, not compared` : ""}.`),
    h("div", { class: "changes" }, part("Newly missed", missed, true), part("Newly crying", broken, true), part("Newly found", detected), part("Newly quiet", silent)),
    h("ul", { class: "about" }, test("Recall", size(detected), size(missed), baseline.recall), test("Cry-wolf rate", size(silent), size(broken), baseline.cry_wolf)));
}

function trendChart(points, key, bad, width) {
  const [left, right, top, bottom] = [44, width - 16, 8, 120];
  const highest = Math.max(0, ...points.map((point) => point[key]?.high ?? point[key]?.value ?? 0));
  const full = [0.1, 0.2, 0.5, 1].find((end) => highest <= end) ?? 1;
  const y = (value) => bottom - (value / full) * (bottom - top);
  const x = (at) => (points.length === 1 ? (left + right) / 2 : left + 10 + (at / (points.length - 1)) * (right - left - 10));
  const tone = bad ? " bad" : "";
  const parts = [0, full / 2, full].flatMap((value) => [s("line", { class: "line", x1: left, x2: right, y1: y(value), y2: y(value) }),
    s("text", { class: "faint", x: left - 7, y: y(value) + 4, "text-anchor": "end" }, `${short(value * 100)} %`)]);
  const known = points.map((point, at) => ({ ...point, at, share: point[key] })).filter((point) => point.share?.value != null);
  parts.push(s("path", { class: "axis", d: known.map((point, n) => `${n ? "L" : "M"}${x(point.at)} ${y(point.share.value)}`).join("") }));
  for (const { at, share, name } of known) {
    if (share.low != null) parts.push(s("line", { class: "whisker" + tone, x1: x(at), x2: x(at), y1: y(share.low), y2: y(share.high) }));
    const last = at === points.length - 1;
    parts.push(s("circle", { class: `dot${tone}${last ? "" : " past"}`, cx: x(at), cy: y(share.value), r: last ? 4.5 : 3.5 }, s("title", {}, `${name}: ${percent(share.value)}, ${ratio(share)}`)));
  }
  const letters = Math.floor((right - left) / 14);
  parts.push(s("text", { class: "faint", x: left, y: bottom + 20 }, cut(points[0].name, letters)));
  if (points.length > 1) parts.push(s("text", { class: "faint", x: right, y: bottom + 20, "text-anchor": "end" }, cut(points[points.length - 1].name, letters)));
  return s("svg", { width, height: 148, viewBox: `0 0 ${width} 148`, role: "img", "aria-label": `Trend over ${plural(points.length, "grade")}; the numbers stand in the table below` }, parts);
}

/** Recall, cry-wolf rate and precision over earlier grades and this one. */
function trend({ grade, context }) {
  if (!context.trend?.length) return null;
  const points = [...context.trend, { name: "this grade", ...grade.all }];
  const figures = [["Recall", "recall"], ["Cry-wolf rate", "cry_wolf", true], ["Precision", "precision"]];
  return h("section", { id: "trend", "aria-labelledby": "trend-title" }, h("h2", { id: "trend-title" }, "Trend"),
    h("p", { class: "about" }, `The last ${plural(points.length, "grade")}, this one filled; lines are 95 % intervals.`),
    h("div", { class: "charts" }, figures.map(([title, key, bad]) => h("figure", { class: "chart" }, h("figcaption", {}, title), lazily((width) => trendChart(points, key, bad, width))))),
    h("details", {}, h("summary", {}, "The numbers"), h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Trend" }, h("table", {},
      h("thead", {}, h("tr", {}, ["Grade", ...figures.map(([title]) => title), "False alarms"].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, points.map((point) => h("tr", {}, h("th", { scope: "row" }, point.name), figures.map(([, key]) => h("td", { class: "num" }, point[key] ? `${percent(point[key].value)} (${ratio(point[key])})` : "–")),
        h("td", { class: "num" }, point.false_alarms ? plural(point.false_alarms.incidents, "incident") : "–"))))))));
}
