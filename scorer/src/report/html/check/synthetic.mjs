// A grade of many events, and one of hostile names, made from the sample.

/** Of how many seeds the large page holds the captures themselves, by the budget of context.md. */
const CAPTURES = 20;

/** The sample's captures over and over under other seeds until there are `events` events. */
export function enlarge(grade, context, events) {
  const captures = [];
  const extra = {};
  let total = 0;
  for (let seed = 1; total < events; seed++) {
    for (const capture of grade.captures) {
      if (total >= events) break;
      const stem = capture.file.replace(/\.pcap$/, "");
      captures.push({ ...capture, seed, file: `${stem}-${seed}.pcap` });
      if (context.captures[stem]) extra[`${stem}-${seed}`] = seed <= CAPTURES ? context.captures[stem] : { ...context.captures[stem], pcap: undefined };
      total += capture.events.length;
    }
  }
  return [{ ...grade, captures }, { ...context, captures: extra }];
}

/** One capture with all the events, of all classes, over IPv6, and with half as many false alarms. */
export function crowd(grade, context, events) {
  const names = Object.keys(context.classes);
  const capture = structuredClone(grade.captures.find((one) => one.false_alarms.length));
  const [event] = capture.events;
  const [alarm] = capture.false_alarms;
  const [from, to] = [Date.parse(capture.first), Date.parse(capture.last)];
  const time = (at) => new Date(from + ((at * 7919) % 9973) / 9973 * (to - from)).toISOString();
  const address = (at) => `2001:db8:ffff:ffff:ffff:ffff:${at.toString(16)}:ffff`;
  const figures = Object.fromEntries(names.map((name) => [name, grade.all]));
  capture.events = Array.from({ length: events }, (_, at) => {
    const name = names[at % names.length];
    const { verdict } = context.classes[name];
    const alert = verdict === "attack" || verdict === "reconnaissance";
    const outcome = alert ? (at % 3 ? "detected" : "missed") : at % 5 ? "silent" : "wolf-cry";
    const start = time(at);
    const incident = { ...alarm, raised: start, start, end: start };
    return { ...event, id: at + 1, class: name, verdict, expect: alert ? "alert" : "silence", outcome, sources: [address(at)], targets: [address(at + 1), address(at + 2)], start, end: start,
      first_alert: null, delay: null, incidents: ["detected", "wolf-cry"].includes(outcome) ? [incident] : [] };
  });
  capture.false_alarms = Array.from({ length: events / 2 }, (_, at) => ({ ...alarm, raised: time(at), sources: [address(at)] }));
  const confusion = [...names, null].map((truth, at) => ({ truth, said: Object.fromEntries(names.filter((_, n) => (n + at) % 7 === 0 || n === at).map((name) => [name, 3])), unclassed: at % 4, none: truth ? 2 : 0 }));
  return [{ ...grade, captures: [capture], classes: figures, confusion }, { ...context, captures: {}, baseline: undefined }];
}

/** Every name that a detector or a file chooses is markup, script or a trick of writing direction. */
export function hostile(grade, context) {
  const evil = `</script><script>window.pwned=1</script><img src=x onerror="window.pwned=1">\u202e{{x}}&lt;"'`;
  const [copy, more] = structuredClone([grade, context]);
  copy.detector = evil;
  copy.unmapped = { [evil]: 3, constructor: 1, __proto__x: 2 };
  more.title = evil;
  more.notes = [{ level: "error", text: evil, output: evil, capture: evil }];
  for (const capture of copy.captures) {
    const stem = capture.file.replace(/\.pcap$/, "");
    const held = more.captures[stem];
    delete more.captures[stem];
    capture.file = `${stem}:${evil}.pcap`;
    if (held) more.captures[`${stem}:${evil}`] = held;
    for (const event of held ? Object.values(held.events ?? {}) : []) for (const frame of event.frames) frame.info = frame.source = evil;
    capture.sensor = evil;
    for (const alarm of capture.false_alarms) alarm.rule = evil;
    for (const event of capture.events) {
      event.tool = evil;
      for (const incident of event.incidents) incident.rule = evil;
      if (event.first_alert) event.first_alert.rule = evil;
    }
  }
  return [copy, more];
}
