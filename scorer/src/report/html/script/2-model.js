// The grade as the page needs it: a row for each event and each false alarm, by captures with unique ids.

const OUTCOMES = {
  missed: { label: "Missed", bad: true, hint: "expects an alert, drew none" },
  "wolf-cry": { label: "Cried wolf", bad: true, hint: "expects silence, drew an alert" },
  "false-alarm": { label: "False alarm", bad: true, hint: "an alert that fits no event" },
  detected: { label: "Detected", hint: "expects an alert, drew one" },
  silent: { label: "Left alone", hint: "expects silence, drew none" },
  "may-alerted": { label: "May, alerted", hint: "either is right, drew an alert" },
  "may-silent": { label: "May, silent", hint: "either is right, drew none" },
};
const VERDICTS = ["attack", "reconnaissance", "backscatter", "legitimate", "normal"];
const alerting = (verdict) => verdict === "attack" || verdict === "reconnaissance";

/** Bytes of base64; a plain loop, which is far faster than `Uint8Array.from` with a function. */
function decode(base64) {
  const letters = atob(base64);
  const bytes = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at++) bytes[at] = letters.charCodeAt(at);
  return bytes;
}

/** Reads the embedded JSON, plain or as base64 of gzip. */
async function read() {
  const data = JSON.parse(document.getElementById("data").textContent);
  if (typeof data.gzip !== "string") return data;
  const stream = new Blob([decode(data.gzip)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function model({ grade, context }) {
  context ??= {};
  const verdictOf = new Map();
  const learn = (what) => what?.class && what.verdict && verdictOf.set(what.class, what.verdict);
  const named = new Map();
  const rows = [];
  const byId = new Map();
  const captures = grade.captures.map((graded) => {
    const capture = { ...graded, id: captureId(graded.file, named) };
    capture.extra = own(context.captures, capture.id) ?? {};
    capture.from = seconds(capture.first) ?? seconds(capture.events[0]?.start) ?? 0;
    capture.to = seconds(capture.last) ?? capture.from;
    capture.place = [capture.scenario, capture.parameters?.difficulty, `seed ${capture.seed}`, capture.sensor].filter(Boolean).join(", ");
    capture.rows = [];
    const push = (row) => {
      row.capture = capture;
      row.family = own(context.classes, row.class)?.family ?? null;
      rows.push(row);
      capture.rows.push(row);
      byId.set(`${row.kind}=${row.id}`, row);
    };
    for (const event of capture.events) {
      learn(event);
      learn(event.first_alert);
      learn(event.first_explanation);
      const { class: name, verdict, outcome } = event;
      const extra = own(capture.extra.events, event.id) ?? {};
      push({ kind: "event", id: `${capture.id}:${event.id}`, event, outcome, class: name, verdict, extra, said: saidOf(event) });
    }
    capture.false_alarms.forEach((alarm, at) => {
      learn(alarm);
      const extra = capture.extra.false_alarms?.[at] ?? {};
      const verdict = alarm.verdict ?? null;
      push({ kind: "alarm", id: `${capture.id}:${at + 1}`, alarm, outcome: "false-alarm", class: alarm.class ?? "unclassed", verdict, extra, said: alarm.class ?? "unclassed" });
    });
    return capture;
  });
  for (const [name, known] of Object.entries(context.classes ?? {})) verdictOf.set(name, known.verdict);
  const captureById = new Map(captures.map((capture) => [capture.id, capture]));
  return { grade, context, rows, captures, byId, captureById, verdictOf };
}

// Mistakes come first, each kind in the order of captures.
const RANK = Object.fromEntries(Object.keys(OUTCOMES).map((name, at) => [name, Math.min(at, 3)]));

/** An own property: data may use any name, `constructor` included. */
const own = (object, key) => (object && Object.hasOwn(object, key) ? object[key] : undefined);

/** The file's name without its ending; `~2`, `~3` where it occurs again. */
function captureId(file, named) {
  const stem = file.replace(/\.(pcapng|pcap|cap)$/i, "");
  const times = (named.get(stem) ?? 0) + 1;
  named.set(stem, times);
  return times === 1 ? stem : `${stem}~${times}`;
}

/** In which column of the confusion an event stands. */
function saidOf(event) {
  const first = event.first_alert ?? event.first_explanation;
  return first ? (first.class ?? "unclassed") : "none";
}

/** The words of a filter's text; "seed 3" is one, and means no seed 30. */
const words = (text) => text.toLowerCase().replace(/\bseed\s+(\d+)(?=\s|$)/g, "seed\u00a0$1;").split(/[ \t\n]+/).filter(Boolean);

/** What a filter's text is searched in, made when first needed. */
function haystack(row) {
  if (row.haystack) return row.haystack;
  const { capture } = row;
  const what = row.event ?? row.alarm;
  const rules = row.event ? row.event.incidents.map((incident) => incident.rule) : [what.rule];
  const words = [row.outcome, row.class, row.family, row.verdict, row.said, capture.id, capture.scenario, `seed\u00a0${capture.seed};`,
    capture.sensor, what.tool, what.actor, ...what.sources, ...what.targets, ...rules, own(row.capture.extra, "title")];
  return (row.haystack = words.filter(Boolean).join(" ").toLowerCase());
}

function matches(row, filter) {
  if (filter.event) return row.kind === "event" && row.id === filter.event;
  if (filter.alarm) return row.kind === "alarm" && row.id === filter.alarm;
  if (filter.outcome.size && !filter.outcome.has(row.outcome)) return false;
  if (filter.verdict && row.verdict !== filter.verdict) return false;
  if (filter.family && row.family !== filter.family) return false;
  if (filter.class && row.class !== filter.class) return false;
  if (filter.kind && row.kind !== filter.kind) return false;
  if (filter.said && row.said !== filter.said) return false;
  if (filter.capture && row.capture.id !== filter.capture) return false;
  return filter.words.every((word) => haystack(row).includes(word));
}

/** A Wireshark display filter: that of the context, else one from addresses and frames. */
function wireshark(row) {
  if (row.extra.filter) return row.extra.filter;
  const what = row.event ?? row.alarm;
  const terms = [];
  const side = (blocks) => {
    if (blocks.length === 0 || blocks.length > 16) return;
    const term = blocks.map((block) => `${block.includes(":") ? "ipv6" : "ip"}.addr == ${block}`);
    terms.push(term.length > 1 ? `(${term.join(" || ")})` : term[0]);
  };
  if (what.frames) {
    const [first, last] = what.frames;
    terms.push(first === last ? `frame.number == ${first}` : `frame.number >= ${first} && frame.number <= ${last}`);
  } else if (row.alarm?.evidence.some((fact) => fact.frames.length)) {
    const frames = [...new Set(row.alarm.evidence.flatMap((fact) => fact.frames))].sort((a, b) => a - b).slice(0, 40);
    return `frame.number in {${frames.join(", ")}}`;
  } else {
    terms.push(`frame.time_epoch >= ${seconds(what.start)} && frame.time_epoch <= ${seconds(what.end)}`);
  }
  side(what.sources);
  side(what.targets);
  if (["tcp", "udp", "icmp"].includes(what.transport)) terms.push(what.transport === "icmp" ? "(icmp || icmpv6)" : what.transport);
  return terms.join(" && ");
}

/** The exact McNemar test, two-sided: what `n` coins of which `k` fell on the rarer side say. */
function mcnemar(a, b) {
  const n = a + b;
  let term = Math.exp(-n * Math.LN2);
  let sum = 0;
  for (let k = 0; k <= Math.min(a, b); k++) {
    sum += term;
    term *= (n - k) / (k + 1);
  }
  return Math.min(1, 2 * sum);
}
