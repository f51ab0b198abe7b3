// The page: notes, sections in their order, the foot.

function notes({ context, grade, rows, captureById }) {
  const items = (context.notes ?? []).map((note) => {
    const capture = note.capture && captureById.get(note.capture);
    return h("li", { class: note.level }, note.level !== "note" && h("strong", {}, note.level === "error" ? "Error: " : "Warning: "), note.text,
      note.capture && [" ", capture ? h("a", { href: link({ capture: capture.id, outcome: "all" }) }, capture.place) : note.capture],
      note.output && h("details", {}, h("summary", {}, "What it printed"), h("pre", { tabindex: "0" }, note.output)));
  });
  const unmapped = Object.entries(grade.unmapped);
  if (unmapped.length) {
    const alerts = unmapped.reduce((sum, [, n]) => sum + n, 0);
    const missed = new Map();
    for (const { event } of rows) if (event?.outcome === "missed") for (const rule of Object.keys(event.unmapped ?? {})) missed.set(rule, (missed.get(rule) ?? 0) + 1);
    const fits = (rule) => missed.get(rule) ?? 0;
    const line = ([rule, n]) => `${count(n)}  ${rule}${fits(rule) ? `  (fits ${plural(fits(rule), "missed event")})` : ""}`;
    items.push(h("li", { class: "warning" }, `${plural(alerts, "alert")} of ${plural(unmapped.length, "rule")} that the map does not know ${grade.settings.strict ? "count as false alarms" : "were left out"}.`,
      h("details", {}, h("summary", {}, "The rules"), h("pre", { tabindex: "0" }, unmapped.sort((a, b) => fits(b[0]) - fits(a[0]) || b[1] - a[1]).slice(0, 1000).map(line).join("\n")),
        h("p", {}, "What they mean is yours to say, in a file for ", h("span", { class: "mono" }, "--map"), ": a rule each, with its class, or why it is to be ignored."))));
  }
  if (grade.all.recall.of === 0) items.push(h("li", {}, "No event expects an alert: the grade says nothing about recall."));
  return items.length ? h("ul", { class: "notes" }, items) : null;
}

function gates({ context }) {
  if (!context.gates?.length) return null;
  const failed = context.gates.filter((gate) => !gate.passed).length;
  const words = { under: "at least", over: "at most" };
  return h("details", { open: failed > 0 }, h("summary", {}, failed ? `${plural(failed, "gate")} of ${count(context.gates.length)} failed` : `All ${plural(context.gates.length, "gate")} passed`),
    h("table", { style: { width: "auto" } }, h("thead", {}, h("tr", {}, ["Gate", "Bound", "Measured", "Result"].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, context.gates.map((gate) => h("tr", {}, h("th", { scope: "row", class: "mono" }, gate.figure), h("td", { class: "num" }, `${words[gate.side]} ${short(gate.bound)}`),
        h("td", { class: "num" }, gate.value == null ? "nothing to measure" : Math.abs(gate.value) <= 1 ? String(Number(gate.value.toFixed(3))) : short(gate.value)), h("td", { class: gate.passed ? "" : "alarm" }, gate.passed ? "passed" : "failed"))))));
}

function classes(page) {
  const recall = classTable(page, "recall", { caption: "Classes that deserve an alert", count: "Detected", rate: "Recall", second: "named", secondTitle: "By its name" });
  const wolf = classTable(page, "cry_wolf", { caption: "Classes that deserve silence", count: "Cried wolf", rate: "Rate", second: "explained", secondTitle: "Explained", bad: true });
  if (!recall && !wolf) return null;
  return h("section", { id: "classes", "aria-labelledby": "classes-title" }, h("h2", { id: "classes-title" }, "By class"),
    h("p", { class: "about" }, "Bars run from 0 to 100 %; the band is the 95 % Wilson interval", page.context.baseline ? ", the diamond the baseline" : "", ". A class opens its events."),
    recall, wolf && h("div", { style: { "margin-top": "2.25rem" } }, wolf));
}

function confusionSection(page) {
  if (page.grade.confusion.length === 0) return null;
  return h("section", { id: "confusion", "aria-labelledby": "confusion-title" }, h("h2", { id: "confusion-title" }, "What was called what"),
    h("p", { class: "about" }, "Rows are what an event is, columns what its first alert or explanation called it. A cell opens its events."), confusion(page));
}

function foot({ grade, context }) {
  const { settings } = grade;
  const { cost } = context;
  const rules = [`Protocol ${grade.protocol}`, `declared latency ${span(settings.latency_s)}`, `clock tolerance ${span(settings.tolerance_s)}`,
    settings.clock_offset_s ? `clock offset ${span(settings.clock_offset_s)}` : null, settings.live ? "live run" : null, settings.strict ? "strict" : null];
  const costs = cost && [cost.cpu_s != null && `${span(cost.cpu_s)} of processor time`, cost.peak_bytes != null && `${short(cost.peak_bytes / 1048576)} MiB at its peak`,
    cost.frames_per_s != null && `${count(cost.frames_per_s)} frames a second`,
    cost.repeats > 1 && (cost.agreed ? `the same answers in ${count(cost.repeats)} runs` : `answers differ between ${count(cost.repeats)} runs`)].filter(Boolean);
  return [costs?.length > 0 && h("p", {}, `The detector took ${costs.join(", ")}.`), h("p", {}, `${rules.filter(Boolean).join(", ")}.`),
    h("p", {}, "Recall is of the events that expect an alert; the cry-wolf rate is of those that expect silence. Precision sets detected events against incidents of wolf cries and false alarms. ",
      "Alerts that fit no event are false alarms, grouped into incidents. Intervals are 95 % Wilson intervals. Times are UTC; frames count from 1."),
    context.version && h("p", {}, context.version)];
}

function build(page) {
  const { grade, context } = page;
  // A command line is no name: it stands below, as code.
  const command = /[{}\s]/.test(grade.detector) || grade.detector.length > 60;
  const title = context.title ?? (command ? "Grade of a detector" : grade.detector);
  document.title = clean(command && !context.title ? `Grade of ${cut(grade.detector, 60)}` : `${title}: grade`);
  document.getElementById("title").textContent = clean(title);
  const failed = (context.gates ?? []).filter((gate) => !gate.passed).length;
  const sentence = document.getElementById("lead");
  sentence.replaceChildren();
  add(sentence, [lead(page), failed > 0 && [" ", h("strong", { class: "alarm" }, `${plural(failed, "gate")} of ${count(context.gates.length)} failed.`)]]);
  const about = document.getElementById("volume");
  about.replaceChildren();
  add(about, [volume(page), title !== grade.detector && [h("br"), h("code", {}, grade.detector)]]);

  const list = eventSection(page);
  const figures = h("section", { id: "figures", "aria-labelledby": "figures-title" }, h("h2", { id: "figures-title", class: "unseen" }, "Figures"),
    headline(page), certain(grade.all), notes(page), h("div", { style: { "margin-top": "1.5rem" } }, gates(page), moreFigures(page)));
  const sections = [figures, comparison(page), classes(page), confusionSection(page), list.section, list.timelines, curves(page), trend(page)].filter(Boolean);
  document.getElementById("main").replaceChildren(...sections);
  const name = (section) => section.querySelector("h2").textContent;
  document.getElementById("contents").replaceChildren(h("ul", {}, sections.map((section) => h("li", {}, h("a", { href: `#${section.id}` }, name(section))))));
  add(document.getElementById("foot"), [foot(page)]);
  return list;
}

async function start() {
  try {
    const list = build(model(await read()));
    const follow = () => list.follow(location.hash);
    const asked = follow();
    if (!asked && location.hash.length > 1) document.getElementById(location.hash.slice(1))?.scrollIntoView();
    addEventListener("hashchange", () => {
      if (location.hash.includes("=") || location.hash.length <= 1) follow();
    });
    document.documentElement.dataset.ready = "yes";
  } catch (error) {
    const message = h("p", { class: "note" }, `This report cannot be shown: ${error.message}. The grade's JSON file holds all of it.`);
    document.getElementById("main").replaceChildren(message);
    document.getElementById("lead").textContent = "";
    throw error;
  }
}

start();
