// The frames of an event, as a ladder between its hosts, with the truth at their left and alerts where they were raised.

const FRAMES = 40;
const LIFE = 102;
const ROW = 21;
const GAP = 13;

/** Frames and what stands between them, in order: gaps, the evident frame, alerts. */
function steps(row) {
  const frames = (row.extra.frames ?? []).slice(0, FRAMES);
  const alerts = (row.event ? row.event.incidents : [row.alarm]).map((incident) => ({
    bad: row.outcome === "wolf-cry" || row.alarm != null, frame: incident.frame, time: seconds(incident.raised) - row.capture.from,
    text: `${incident.verdict ? "alert" : "unmapped alert"}: ${incident.class ?? incident.rule}${incident.class && incident.rule !== incident.class ? ` by ${incident.rule}` : ""}`,
  }));
  const passed = (alert, frame) => (alert.frame != null ? alert.frame < frame.n : alert.time < frame.t);
  const list = [];
  const evident = row.event?.evident;
  let waiting = alerts.sort((a, b) => a.time - b.time);
  let shownEvident = !evident;
  const flush = (frame) => {
    if (!shownEvident && (!frame || evident.frame < frame.n)) {
      list.push({ note: `evident at frame ${count(evident.frame)}: ${evident.rule}`, kind: "evident" });
      shownEvident = true;
    }
    for (const alert of waiting.filter((alert) => !frame || passed(alert, frame)).slice(0, 6))
      list.push({ note: `${alert.text}, ${alert.frame != null ? `frame ${count(alert.frame)}` : `at ${span(alert.time)}`}`, kind: alert.bad ? "bad" : "good" });
    waiting = frame ? waiting.filter((alert) => !passed(alert, frame)) : [];
  };
  frames.forEach((frame, at) => {
    flush(frame);
    const gap = at === 0 ? 0 : frame.n - frames[at - 1].n - 1;
    if (gap > 0) list.push({ gap });
    list.push({ frame });
  });
  if (frames.length) flush(null);
  return list;
}

/** The hosts of some frames: those with most frames of the event by name, the rest together. */
function lifelines(frames, row, most) {
  const seen = new Map();
  const weight = (frame) => (row.event && frame.event === row.event.id ? 1000 : 1);
  for (const frame of frames)
    for (const host of [frame.source, frame.destination]) seen.set(host, (seen.get(host) ?? 0) + weight(frame));
  const hosts = [...seen.keys()];
  if (hosts.length <= most) return { names: hosts, of: (host) => hosts.indexOf(host) };
  const busiest = [...seen].sort((a, b) => b[1] - a[1]).slice(0, most - 1).map(([host]) => host);
  const kept = hosts.filter((host) => busiest.includes(host));
  return {
    names: [...kept, `${hosts.length - kept.length} others`],
    of: (host) => (kept.includes(host) ? kept.indexOf(host) : kept.length),
  };
}

const cut = (text, letters) => (text.length > letters ? text.slice(0, Math.max(1, letters - 1)) + "…" : text);

function ladder(row, width) {
  const list = steps(row);
  const frames = list.filter((step) => step.frame).map((step) => step.frame);
  const hosts = lifelines(frames, row, Math.min(7, Math.max(4, Math.floor((width - 520) / LIFE) + 1)));
  const start = 190;
  const x = (at) => start + 48 + at * LIFE;
  const textAt = x(hosts.names.length - 1) + 40;
  const total = Math.max(width, textAt + 280);
  const letters = Math.floor((total - textAt) / 6.7);
  let height = 34;
  for (const step of list) {
    step.top = height;
    height += step.gap ? GAP : ROW;
  }
  height += 8;
  const named = new Set((row.event ? [...(row.event.first_alert?.evidence ?? []), ...row.event.incidents.flatMap((incident) => incident.evidence)] : row.alarm.evidence).flatMap((fact) => fact.frames));
  const parts = [s("text", { class: "faint", x: 52, y: 14, "text-anchor": "end" }, "frame"), s("text", { class: "faint", x: 136, y: 14, "text-anchor": "end" }, "seconds"),
    s("text", { class: "faint", x: 150, y: 14 }, "truth")];
  hosts.names.forEach((name, at) => {
    parts.push(s("text", { class: "code", x: x(at), y: 14, "text-anchor": "middle" }, s("title", {}, name), cut(name, 15)));
    parts.push(s("line", { class: "life", x1: x(at), x2: x(at), y1: 22, y2: height - 4 }));
  });
  list.forEach((step) => {
    const y = step.top + 13;
    if (step.gap) {
      parts.push(s("text", { class: "faint gap", x: textAt, y: y - 4 }, `⋮ ${plural(step.gap, "frame")} not shown`));
    } else if (step.note) {
      const style = { good: "hitline", bad: "wolfline", evident: "axis" }[step.kind];
      parts.push(s("line", { class: style, x1: 144, x2: textAt - 14, y1: y - 4, y2: y - 4, "stroke-dasharray": step.kind === "evident" ? "4 3" : null }));
      if (step.kind !== "evident") parts.push(s("path", { class: step.kind === "bad" ? "wolf" : "hit", d: MARKS.up(textAt - 8, y - 8) }));
      parts.push(s("text", { x: textAt, y, style: { "font-weight": "600", ...(step.kind === "bad" ? { fill: "var(--alarm)" } : {}) } }, s("title", {}, step.note), cut(step.note, letters)));
    } else {
      parts.push(frameLine(step.frame, row, y, x, hosts, textAt, letters, named.has(step.frame.n)));
    }
  });
  const label = `Ladder of ${plural(frames.length, "frame")} between ${hosts.names.join(", ")}; the same frames stand in the table below`;
  return s("svg", { width: total, height, viewBox: `0 0 ${total} ${height}`, role: "img", "aria-label": label }, parts);
}

function frameLine(frame, row, y, x, hosts, textAt, letters, evidence) {
  const own = row.event ? frame.event === row.event.id : frame.event != null;
  const from = x(hosts.of(frame.source));
  const to = x(hosts.of(frame.destination));
  const other = row.event && !own ? " other" : "";
  const mid = y - 4;
  const way = Math.sign(to - from);
  const arrow = way === 0
    ? [s("path", { class: "arrow" + other, d: `M${from} ${mid - 3}h14v7h-9` }), s("path", { class: "tip" + other, d: `M${from} ${mid + 4}l6 -3v6Z` })]
    : [s("line", { class: "arrow" + other, x1: from, x2: to - way * 5, y1: mid, y2: mid }), s("path", { class: "tip" + other, d: `M${to} ${mid}l${-way * 7} -3.5v7Z` })];
  return s("g", {}, s("title", {}, `${frame.source} to ${frame.destination}: ${frame.info}`),
    s("text", { class: "faint num", x: 52, y, "text-anchor": "end" }, frame.n), s("text", { class: "faint", x: 136, y, "text-anchor": "end" }, frame.t.toFixed(6)),
    frame.event != null && [s("rect", { class: own && row.event ? "hit" : "still", x: 150, y: y - 15, width: 4, height: ROW }),
      s("text", { class: "faint", x: 160, y }, `#${frame.event}`)],
    arrow, s("text", { class: other ? "code faint" : "code", x: textAt, y }, cut(frame.info, letters)),
    evidence && s("circle", { class: "dot", cx: textAt - 9, cy: mid, r: 3 }));
}

/** The same frames as a table, for reading and for screen readers. */
function frameTable(row) {
  const frames = (row.extra.frames ?? []).slice(0, FRAMES);
  return h("details", {}, h("summary", {}, "The frames as a table"), h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Frames" }, h("table", {},
    h("thead", {}, h("tr", {}, ["Frame", "Seconds", "Source", "Destination", "What", "Event"].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, frames.map((frame) => h("tr", {}, h("th", { scope: "row", class: "num" }, frame.n), h("td", { class: "num" }, frame.t.toFixed(6)),
      h("td", { class: "mono" }, frame.source), h("td", { class: "mono" }, frame.destination), h("td", { class: "mono" }, frame.info),
      h("td", { class: "num" }, frame.event == null ? "background" : frame.event)))))));
}
