// One event or false alarm, opened: what it is, what was said of it, its frames.

const STRENGTHS = { frame: "a frame", "community-id": "the Community ID of a flow", pair: "source and target", address: "one address", weak: "time alone" };
const NEARNESS = { class: "the right class", family: "the right family", verdict: "the right verdict", none: "another verdict" };

function body(row, page) {
  const scenario = own(page.context.scenarios, row.capture.scenario);
  const frames = row.extra.frames?.length > 0;
  return [
    h("div", { class: "columns" }, h("div", {}, whatItIs(row, page, scenario)), h("div", {}, whatWasSaid(row), record(row, page))),
    frames && [h("h4", {}, row.event ? "Its frames" : "The frames around it"), h("p", { class: "about" }, shownFrames(row)),
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Ladder" }, lazily((width) => ladder(row, width))), frameTable(row)],
    h("h4", {}, "In its capture"), lazily((width) => timeline(row.capture, width, row)),
    h("h4", {}, "In Wireshark"), h("div", { class: "filter" }, h("code", { tabindex: "0" }, wireshark(row)), copyButton("Copy the filter", () => wireshark(row))),
    h("p", { class: "tools" }, download(row.capture), copyButton("Copy the link", () => location.href.split("#")[0] + rowLink(row)),
      h("a", { class: "quiet", href: link({ capture: row.capture.id, outcome: "all" }) }, "All of this capture")),
  ];
}

function shownFrames(row) {
  const frames = row.extra.frames.slice(0, FRAMES);
  const its = row.event ? frames.filter((frame) => frame.event === row.event.id).length : 0;
  const others = frames.length - its;
  const shown = !row.event ? `${plural(frames.length, "frame")}.`
    : its === row.event.packets ? `All ${plural(its, "frame")} of the event${others ? `, and ${count(others)} beside them` : ""}.`
    : `${count(its)} of the event's ${plural(row.event.packets, "frame")}${others ? `, and ${count(others)} beside them` : ""}.`;
  return `${shown} At the left, the event that a frame belongs to. A dot marks a frame that the detector named; a line across, the moment of an alert.`;
}

const list = (items) => h("ul", {}, items.map((item) => h("li", {}, item)));
const facts = (pairs) => h("dl", { class: "facts" }, pairs.filter(([, value]) => value != null && value !== "").map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));

function whatItIs(row, page, scenario) {
  const { event } = row;
  if (!event) {
    return [h("h4", {}, "What it is"), h("p", {}, "An alert that fits no event of the capture. What nobody recorded as an event is background, and deserves no alert."),
      scenario && [h("h4", {}, scenario.title), h("p", {}, scenario.summary)]];
  }
  const known = own(page.context.classes, row.class);
  return [
    h("h4", {}, known?.definition ? `${row.class}: ${known.definition}` : `A ${row.class}, ${row.verdict}`),
    scenario && h("p", {}, h("strong", {}, scenario.title), h("br"), scenario.summary),
    scenario?.naive?.length > 0 && [h("h4", {}, "What a simple detector concludes"), list(scenario.naive)],
    [...event.because, ...(scenario?.tells ?? [])].length > 0
      && [h("h4", {}, "What tells it apart"), list([...event.because, ...(scenario?.tells ?? [])])],
    scenario?.facts?.length > 0 && h("details", {}, h("summary", {}, "Facts of the scenario"), list(scenario.facts), scenario.source && h("p", { class: "about" }, `Source: ${scenario.source}`)),
  ];
}

/** What the truth records of it. */
function record({ event, class: name, capture }, page) {
  if (!event) return parameters(capture);
  return [h("h4", {}, "On record"),
    facts([
      ["Expects", { alert: "an alert", silence: "silence", may: "either" }[event.expect]], ["From", h("span", { class: "mono" }, some(event.sources, 6))],
      ["Really by", event.actor && h("span", { class: "mono" }, event.actor)], ["To", h("span", { class: "mono" }, some(event.targets, 6))],
      ["By", [event.transport, event.ports.length ? `, ports ${ports(event.ports)}` : "", event.tool ? `, ${event.tool}` : ""].join("")],
      ["When", `${clock(event.start)}, for ${span(seconds(event.end) - seconds(event.start))}`],
      ["Frames", `${count(event.packets)}${event.frames ? `, numbers ${count(event.frames[0])} to ${count(event.frames[1])}` : ""}`],
      ["Evident", event.evident ? `at frame ${count(event.evident.frame)}: ${event.evident.rule}` : "at no frame"],
      ["Technique", own(page.context.classes, name)?.technique],
    ]),
    parameters(capture),
  ];
}

function parameters(capture) {
  const set = Object.entries(capture.parameters);
  return set.length > 0 && h("details", {}, h("summary", {}, `What was set (${count(set.length)})`),
    h("pre", { class: "plain", tabindex: "0" }, set.map(([name, value]) => `${name} = ${value}`).join("\n")));
}

function whatWasSaid(row) {
  const { event } = row;
  if (!event) return [h("h4", {}, "What was said"), incident(row.alarm)];
  const said = [];
  const nothing = event.expect === "alert" ? "Nothing alerted on it" : "No alert, as it should be";
  if (event.incidents.length === 0 && !event.first_alert) said.push(h("p", {}, event.first_explanation ? `${nothing}; it was explained.` : event.unmapped ? `${nothing}.` : `${nothing}, and nothing was said of it.`));
  if (event.unmapped) said.push(h("p", { class: "about" }, "Rules that the map does not know spoke of it: ",
    some(Object.entries(event.unmapped).sort((a, b) => b[1] - a[1]).map(([rule, n]) => `${rule} (${count(n)})`), 4), "."));
  if (event.first_alert) said.push(h("div", { class: "statement" }, statement("First alert", event.first_alert, event)));
  if (event.first_explanation) said.push(h("div", { class: "statement" }, statement("First explanation", event.first_explanation, event)));
  const others = event.first_alert && event.outcome !== "wolf-cry" ? event.incidents.slice(1) : event.outcome === "wolf-cry" && event.incidents.length > 1 ? event.incidents : [];
  if (others.length) said.push(h("details", {}, h("summary", {}, plural(others.length, event.outcome === "wolf-cry" ? "incident" : "further incident")), others.slice(0, 20).map(incident),
    others.length > 20 && h("p", { class: "about" }, `and ${count(others.length - 20)} more`)));
  return [h("h4", {}, "What was said"), said];
}

function statement(title, said, event) {
  const delay = title === "First alert" ? event.delay : null;
  return [
    h("p", {}, h("strong", {}, said.class ?? said.verdict), said.rule !== said.class && [" by ", h("span", { class: "mono" }, said.rule)],
      `, ${title.toLowerCase()}, ${said.frame != null ? `frame ${count(said.frame)}, ` : ""}${span(seconds(said.time) - seconds(event.start))} after the event's first frame`,
      delay?.frames != null && ` (${plural(delay.frames, "frame")} of it seen)`, "."),
    h("p", { class: "about" }, `${who(said.sources, said.targets)}. Matched by ${STRENGTHS[said.strength] ?? said.strength}; names ${NEARNESS[said.class_grade] ?? said.class_grade}.`),
    evidence(said.evidence),
  ];
}

function incident(one) {
  return h("div", { class: "statement" },
    h("p", {}, h("strong", {}, one.class ?? one.verdict ?? "unmapped"), one.rule !== one.class && [" by ", h("span", { class: "mono" }, one.rule)],
      `, ${one.frame != null ? `frame ${count(one.frame)}, ` : ""}${clock(one.raised)}${one.alerts > 1 ? `, ${plural(one.alerts, "alert")}` : ""}.`),
    h("p", { class: "about" }, who(one.sources, one.targets, 6)), evidence(one.evidence));
}

function evidence(given) {
  if (given.length === 0) return null;
  return h("table", { class: "evidence" }, h("thead", {}, h("tr", {}, ["Evidence", "Seen", "Expected", "Frames"].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, given.map((fact) => h("tr", {}, h("th", { scope: "row" }, fact.fact), h("td", { "data-label": "seen" }, fact.observed), h("td", { "data-label": "expected" }, fact.expected),
      h("td", { class: "num", "data-label": "frames", style: { "white-space": "normal" } }, fact.frames.length ? some(fact.frames, 8) : "")))));
}

/** A button that saves the capture, where the page holds it. */
function download(capture) {
  const { pcap } = capture.extra;
  if (!pcap) return null;
  return h("button", { type: "button", class: "quiet", onclick: () => {
    const url = URL.createObjectURL(new Blob([decode(pcap.base64)], { type: "application/vnd.tcpdump.pcap" }));
    h("a", { href: url, download: (pcap.name ?? capture.file).replace(/[^\w.~-]+/g, "_") }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  } }, `Save the capture (${short((pcap.base64.length * 3) / 4 / 1024)} KiB)`);
}
