//! What a replay tells: the plan before it, the statistics after it.

use std::fmt::Write;
use std::net::IpAddr;

use replay::guard::Limits;
use replay::{End, InterfaceTally, Lateness, Plan, Report, Steps, Survey, Tally};
use rewrite::Counts;
use serde_json::{Value, json};
use wire::Timestamp;

use crate::duration;

/// Schema of the statistics as JSON.
const SCHEMA: &str = "crywolf.replay/1";
/// Pairs of addresses that a dry run lists.
const LISTED_PAIRS: usize = 40;

/// One line about what is to come.
pub fn intent(survey: &Survey, target: &str, limits: &Limits) -> String {
    let whole = duration::spoken(survey.duration);
    let amount = amount(survey.planned);
    if survey.duration > limits.duration {
        let within = duration::spoken(limits.duration);
        return format!("up to {amount} to {target}, over the first {within} of {whole}");
    }
    format!("{amount} to {target}, over {whole}")
}

/// What the user may not expect of a run: a capture that is cut short, and maps of addresses that are not in it.
pub fn cautions(survey: &Survey, plan: &Plan) -> Vec<String> {
    let cut = survey.cut.as_ref();
    let cut = cut.map(|cut| format!("the capture ends early, what comes before is sent: {cut}"));
    let mut cautions: Vec<String> = cut.into_iter().collect();
    // With more pairs than are kept nobody knows.
    if survey.others == Tally::default() {
        for map in &plan.rewrite.addresses {
            let fits = |(from, to): &(IpAddr, IpAddr)| map.to.contains(from) || map.to.contains(to);
            if !survey.pairs.keys().any(fits) {
                cautions.push(format!("--map {map} fits no address of the capture"));
            }
        }
    }
    cautions
}

/// What would be sent where.
pub fn dry_run(survey: &Survey, plan: &Plan, target: &str, limits: &Limits) -> String {
    let mut text = format!("would send {}\n", intent(survey, target, limits));
    let _ = writeln!(
        text,
        "bounds     {} frames, {}, {:.0} frames a second",
        limits.frames,
        duration::spoken(limits.duration),
        limits.pps
    );
    for note in notes(&survey.steps, &survey.rewriting) {
        let _ = writeln!(text, "{note}");
    }
    for (kind, count) in &survey.control {
        let _ = writeln!(text, "control    {} in a pass: {kind}", frames(*count));
    }
    for caution in cautions(survey, plan) {
        let _ = writeln!(text, "{caution}");
    }
    let mut pairs: Vec<_> = survey.pairs.iter().collect();
    pairs.sort_by_key(|(pair, tally)| (std::cmp::Reverse(tally.frames), **pair));
    let _ = writeln!(text, "\n    frames       bytes  from and to, in one pass");
    for ((from, to), tally) in pairs.iter().take(LISTED_PAIRS) {
        let _ = writeln!(
            text,
            "{:>10} {:>11}  {from} > {to}",
            tally.frames, tally.bytes
        );
    }
    let unlisted = pairs.iter().skip(LISTED_PAIRS);
    let mut rest = survey.others;
    let mut count = 0;
    for (_, tally) in unlisted {
        rest.frames += tally.frames;
        rest.bytes += tally.bytes;
        count += 1;
    }
    if rest.frames > 0 {
        let _ = writeln!(
            text,
            "{:>10} {:>11}  {count} more pairs, and frames without addresses",
            rest.frames, rest.bytes
        );
    }
    text
}

/// The statistics as text.
pub fn text(report: &Report, target: &str) -> String {
    let mut text = format!("sent       {} to {target}\n", amount(report.accepted));
    if let Some(counted) = &report.interface {
        let _ = writeln!(
            text,
            "counted    {} passed on by the interface, {} dropped, {} came the other way",
            amount(counted.passed),
            frames(counted.dropped),
            frames(counted.other_way)
        );
    }
    if let Some(span) = &report.span {
        let _ = writeln!(text, "first      {}", rfc3339(span.first));
        let _ = writeln!(text, "last       {}", rfc3339(span.last));
        let (seconds, rate) = (span.seconds(), rates(report));
        let rate = rate.map_or(String::new(), |(pps, mbps)| {
            format!(", {pps:.0} frames a second, {mbps:.3} Mbit a second")
        });
        let _ = writeln!(text, "took       {seconds:.6} s{rate}");
    }
    if let Some(Lateness { p50, p99, max }) = report.lateness {
        let _ = writeln!(
            text,
            "late       p50 {p50:.1} us, p99 {p99:.1} us, max {max:.1} us"
        );
    }
    if let Some(gaps) = &report.departures {
        let (p50, p99, max) = (gaps.p50, gaps.p99, gaps.max);
        let _ = writeln!(
            text,
            "gaps       p50 {p50:.1} us, p99 {p99:.1} us, max {max:.1} us between frames"
        );
        if gaps.out_of_order > 0 {
            let _ = writeln!(
                text,
                "order      {} went behind later ones of the capture",
                frames(gaps.out_of_order)
            );
        }
    }
    if report.stalls > 0 {
        let _ = writeln!(
            text,
            "stalls     {} times the kernel could take nothing",
            report.stalls
        );
    }
    for note in notes(&report.steps, &report.rewriting) {
        let _ = writeln!(text, "{note}");
    }
    match report.end {
        End::Bound => text.push_str("ended      at the bound on frames or time\n"),
        End::Stopped => text.push_str("ended      by a signal\n"),
        End::Complete | End::Failed(_) => {}
    }
    text
}

/// The statistics as JSON.
pub fn json(report: &Report, target: &str, capture_first: Option<Timestamp>) -> Value {
    let time = |time: Timestamp| Value::from(rfc3339(time));
    let rates = rates(report);
    json!({
        "schema": SCHEMA,
        "target": target,
        "end": end(&report.end),
        "accepted": tally(report.accepted),
        "interface": report.interface.as_ref().map(|counted: &InterfaceTally| json!({
            "passed": tally(counted.passed),
            "dropped": counted.dropped,
            "other_way": counted.other_way,
        })),
        "first": report.span.map(|span| time(span.first)),
        "last": report.span.map(|span| time(span.last)),
        "seconds": report.span.map(|span| span.seconds()),
        "pps": rates.map(|(pps, _)| pps),
        "mbps": rates.map(|(_, mbps)| mbps),
        "lateness_us": report.lateness.map(|late| json!({"p50": late.p50, "p99": late.p99, "max": late.max})),
        "gaps_us": report.departures.as_ref().map(|gaps| json!({
            "p50": gaps.p50, "p99": gaps.p99, "max": gaps.max,
            // Below so many microseconds, and how many; the last without a bound.
            "histogram": gaps.histogram.iter().map(|(below, count)| json!([below, count])).collect::<Vec<_>>(),
        })),
        "out_of_order": report.departures.as_ref().map_or(0, |gaps| gaps.out_of_order),
        "stalls": report.stalls,
        "capture_first": capture_first.map(time),
        "timestamps": {
            "repeated": report.steps.repeated,
            "out_of_order": report.steps.out_of_order,
            "set_back": report.steps.set_back,
            "leaps": report.steps.leaps,
            "capped": report.steps.capped,
        },
        "rewriting": rewriting(&report.rewriting),
    })
}

fn rewriting(counts: &Counts) -> Value {
    json!({
        "reframed": counts.reframed,
        "padded": counts.padded,
        "sent_cut": counts.sent_cut,
        "truncated": counts.truncated,
        "fragmented": counts.fragmented,
        "fragments": counts.fragments,
        "df_cleared": counts.df_cleared,
        "trailers_dropped": counts.trailers_dropped,
        "checksums_fixed": counts.checksums_fixed,
        "skipped": counts.skipped.total(),
    })
}

/// How it ended, in a word.
fn end(end: &End) -> &'static str {
    match end {
        End::Complete => "complete",
        End::Bound => "bound",
        End::Stopped => "stopped",
        End::Failed(_) => "failed",
    }
}

fn tally(tally: Tally) -> Value {
    json!({"frames": tally.frames, "bytes": tally.bytes})
}

/// Frames and megabits a second, between the first frame and the last.
fn rates(report: &Report) -> Option<(f64, f64)> {
    let seconds = report.span.map(|span| span.seconds())?;
    if seconds <= 0.0 || report.accepted.frames < 2 {
        return None;
    }
    let float = |number: u64| u32::try_from(number).map_or(f64::INFINITY, f64::from);
    let (frames, bytes) = (report.accepted.frames, report.accepted.bytes);
    // In two parts, each of which fits.
    let kilobytes = float(bytes / 1000) + float(bytes % 1000) / 1000.0;
    Some((
        float(frames - 1) / seconds,
        kilobytes * 8.0 / 1000.0 / seconds,
    ))
}

/// What was unusual about time stamps and frames, a line each.
fn notes(steps: &Steps, counts: &Counts) -> Vec<String> {
    let note = |count: u64, what: &str| (count > 0).then(|| format!("note       {count} {what}"));
    [
        note(steps.repeated, "time stamps are those of the frame before"),
        note(steps.out_of_order, "frames out of order went at once"),
        note(
            steps.set_back,
            "times the clock was set back: time goes on from there",
        ),
        note(
            steps.leaps,
            "gaps of more than an hour; --gap-cap shortens them",
        ),
        note(steps.capped, "gaps were shortened"),
        note(counts.reframed, "packets got an Ethernet header"),
        note(
            counts.padded,
            "frames captured in part were filled up with zeros",
        ),
        note(
            counts.sent_cut,
            "frames captured in part were sent as they were",
        ),
        note(counts.truncated, "packets lost their end to the MTU"),
        note(counts.fragmented, "packets became fragments"),
        note(counts.df_cleared, "of them although DF forbids it"),
        note(
            counts.trailers_dropped,
            "frames lost bytes behind their packet",
        ),
        note(counts.checksums_fixed, "checksums were worked out anew"),
        note(
            counts.skipped.total(),
            "frames were left out: too short, too large, or without a type",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn frames(count: u64) -> String {
    match count {
        1 => "1 frame".to_owned(),
        _ => format!("{count} frames"),
    }
}

fn amount(tally: Tally) -> String {
    format!("{}, {} bytes", frames(tally.frames), tally.bytes)
}

fn rfc3339(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(time.as_nanos()));
    time.map_or_else(
        |_| "beyond the calendar".to_owned(),
        |time| format!("{time:.9}"),
    )
}
