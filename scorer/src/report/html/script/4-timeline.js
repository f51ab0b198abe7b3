// Each capture as a timeline: what happened above, what the detector said at its moment.

const LANES = 14;
const DRAWN = 300;

/** Round steps for an axis of time. */
function timeTicks(length, most) {
  const steps = [1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400, 604800];
  const step = steps.find((step) => length / step <= most) ?? length;
  return Array.from({ length: Math.floor(length / step + 1e-9) + 1 }, (_, at) => at * step);
}

/** One unit for all ticks of an axis. */
function tickLabel(tick, length) {
  if (tick === 0) return "0";
  const [unit, size] = length > 7200 ? ["h", 3600] : length > 120 ? ["min", 60] : length > 2 ? ["s", 1] : length > 2e-3 ? ["ms", 1e-3] : ["µs", 1e-6];
  return `${short(tick / size)}\u00a0${unit}`;
}

/** Puts things beside each other in as few lanes as hold them. */
function lanes(items) {
  const ends = [];
  for (const item of items) {
    let lane = ends.findIndex((end) => end <= item.left);
    if (lane < 0) lane = ends.length < LANES ? ends.push(0) - 1 : item.left % LANES | 0;
    ends[lane] = Math.max(ends[lane], item.right);
    item.lane = lane;
  }
  return Math.max(1, ends.length);
}

// Beyond this many, marks of a timeline are no stops of the keyboard: the list leads to the same events.
const STOPS = 30;

const MARKS = {
  up: (x, y) => `M${x - 4.5} ${y + 8}L${x} ${y}L${x + 4.5} ${y + 8}Z`,
  diamond: (x, y) => `M${x} ${y - 1}L${x + 5} ${y + 4}L${x} ${y + 9}L${x - 5} ${y + 4}Z`,
};

/** The sign of an outcome; shape tells as much as colour. */
function sign(outcome) {
  const shape = {
    missed: s("rect", { x: 1.5, y: 3.5, width: 11, height: 7, class: "miss" }),
    "wolf-cry": [s("rect", { x: 0.5, y: 4.5, width: 13, height: 4, class: "still" }), s("path", { d: MARKS.up(7, 4), class: "wolf" })],
    "false-alarm": s("path", { d: MARKS.diamond(7, 3), class: "wolf" }),
    detected: s("rect", { x: 0.5, y: 3, width: 13, height: 8, class: "hit" }),
    silent: s("rect", { x: 0.5, y: 5, width: 13, height: 4, class: "still" }),
    "may-alerted": [s("rect", { x: 0.5, y: 5, width: 13, height: 4, class: "still" }), s("path", { d: MARKS.up(7, 3), class: "hit" })],
    "may-silent": s("rect", { x: 0.5, y: 5, width: 13, height: 4, class: "still" }),
  }[outcome];
  return s("svg", { width: 14, height: 14, "aria-hidden": "true" }, shape);
}

const tag = (outcome) => h("span", { class: OUTCOMES[outcome].bad ? "tag bad" : "tag fine" }, sign(outcome), OUTCOMES[outcome].label);

/** A capture from its first frame to its last. `marked` is the row on whose page it stands, if any. */
function timeline(capture, width, marked = null) {
  const length = Math.max(capture.to - capture.from, 1e-6);
  const left = 6;
  const right = width - 6;
  const x = (time) => left + ((Math.min(Math.max(time, capture.from), capture.to) - capture.from) / length) * (right - left);
  const bad = (row) => (OUTCOMES[row.outcome].bad ? 0 : 1);
  const events = capture.rows.filter((row) => row.event);
  const shown = events.length > DRAWN ? [...events].sort((a, b) => bad(a) - bad(b)).slice(0, DRAWN) : events;
  const boxes = shown.map((row) => {
    const from = x(seconds(row.event.start));
    const to = Math.max(x(seconds(row.event.end)), from + 4);
    const label = events.length <= 60 ? row.class.length * 6.1 + 14 : 0;
    const textLeft = from + label > right ? Math.max(left, right - label) : from;
    return { row, from, to, textLeft, left: Math.min(from, textLeft), right: Math.max(to, textLeft + label) + 6 };
  });
  boxes.sort((a, b) => a.left - b.left);
  const used = lanes(boxes);
  const high = events.length <= 60 ? 27 : 14;
  const alarms = capture.false_alarms.length > 0;
  const bottom = used * high + (alarms ? 26 : 8);
  const parts = [];
  for (const tick of timeTicks(length, Math.max(2, Math.floor(width / 110)))) {
    const at = x(capture.from + tick);
    parts.push(s("line", { class: "line", x1: at, x2: at, y1: 0, y2: bottom }));
    const edge = at > right - 30 ? "end" : at < left + 10 ? "start" : "middle";
    parts.push(s("text", { class: "faint", x: at, y: bottom + 14, "text-anchor": edge }, tickLabel(tick, length)));
  }
  parts.push(s("line", { class: "axis", x1: left, x2: right, y1: bottom, y2: bottom }));
  for (const box of boxes) parts.push(eventMark(box, box.lane * high + high - 13, { labelled: high > 20, marked: box.row === marked, stop: capture.rows.length <= STOPS }, x));
  if (alarms) {
    const y = used * high + 9;
    for (const row of capture.rows.filter((row) => row.alarm).slice(0, DRAWN)) {
      const text = `False alarm: ${row.class}, ${row.alarm.rule}`;
      parts.push(s("a", { href: link({ alarm: row.id }), tabindex: capture.rows.length <= STOPS ? null : -1 }, s("title", {}, text), s("path", { class: "wolf", d: MARKS.diamond(x(seconds(row.alarm.raised)), y) })));
    }
  }
  const drawn = s("svg", { width, height: bottom + 20, viewBox: `0 0 ${width} ${bottom + 20}`, role: "group", "aria-label": `Timeline of ${capture.place}` }, parts);
  if (events.length <= DRAWN) return drawn;
  return h("div", {}, drawn, h("p", { class: "about" }, `${count(DRAWN)} of ${count(events.length)} events are drawn, mistakes first.`));
}

function eventMark({ row, from, to, textLeft }, y, { labelled, marked, stop }, x) {
  const { event, outcome } = row;
  const wide = to - from;
  const shape = {
    detected: () => s("rect", { class: "hit", x: from, y, width: wide, height: 8 }),
    missed: () => s("rect", { class: "miss", x: from + 0.9, y: y + 0.9, width: Math.max(wide - 1.8, 2.5), height: 6.4 }),
  }[outcome] ?? (() => s("rect", { class: "still", x: from, y: y + 2, width: wide, height: 4 }));
  const alerts = event.incidents.slice(0, 50).filter((incident) => !incident.verdict || alerting(incident.verdict)).map((incident) =>
    s("path", { class: outcome === "wolf-cry" ? "wolf" : "hit", d: MARKS.up(x(seconds(incident.raised)), y + 4), stroke: "var(--paper)", "stroke-width": 1 }));
  const text = `${OUTCOMES[outcome].label}: ${row.class}, event ${event.id}`;
  return s("a", { href: link({ event: row.id }), tabindex: stop ? null : -1 }, s("title", {}, text),
    s("rect", { x: from - 2, y: y - 14, width: wide + 4, height: 24, fill: "transparent" }), shape(),
    labelled && s("text", { "aria-hidden": "true", class: outcome === "missed" || outcome === "wolf-cry" ? "name" : "name faint", x: textLeft, y: y - 4,
      style: { "font-weight": marked || OUTCOMES[outcome].bad ? "600" : "400", ...(OUTCOMES[outcome].bad ? { fill: "var(--alarm)" } : {}) } }, row.class),
    alerts);
}

function captureBlock(capture, place = 3) {
  const mistakes = capture.rows.filter((row) => OUTCOMES[row.outcome].bad).length;
  const about = [clock(capture.first), span(capture.to - capture.from), plural(capture.packets, "frame"), plural(capture.events.length, "event"),
    plural(capture.alerts, "alert"), mistakes ? plural(mistakes, "mistake") : null];
  return h("li", { class: "capture" },
    h(`h${place}`, {}, capture.place, " ", h("span", { class: "muted mono" }, capture.file)),
    h("p", { class: "about" }, about.filter(Boolean).join(" · ")),
    lazily((width) => timeline(capture, width)));
}
