//! The grade for a terminal.

use std::collections::BTreeMap;

use textwrap::{Options, WordSplitter};

use super::{notes, phrase};
use crate::figures::{Figures, Share};
use crate::grade::{CaptureGrade, EventGrade, Grade, Outcome};
use crate::incident::Incident;

/// How many missed events, wolf cries and false alarms are listed; the grade file holds them all.
const LISTED: usize = 10;

/// How many last lines of what a detector printed are shown, and how many such texts.
const PRINTED: usize = 5;

/// The narrowest page that the tables fit.
const NARROWEST: usize = 80;

/// The grade as text in lines of at most `width` columns (80 at least): headline, classes, and what went wrong.
pub fn text(grade: &Grade, width: usize) -> String {
    let mut page = Page {
        text: String::new(),
        width: width.max(NARROWEST),
    };
    page.wrapped(
        0,
        &format!("{}, protocol {}", grade.detector, grade.protocol),
    );
    page.wrapped(0, &phrase::volume(grade));
    for line in phrase::ran(&grade.running) {
        page.wrapped(0, &line);
    }
    failures(&mut page, grade);
    headline(&mut page, grade);
    classes(&mut page, grade);
    curves(&mut page, grade);
    let figures = &grade.all;
    mistakes(
        &mut page,
        grade,
        Outcome::Missed,
        "Missed",
        figures.recall.of,
    );
    mistakes(
        &mut page,
        grade,
        Outcome::WolfCry,
        "Cried wolf at",
        figures.cry_wolf.of,
    );
    false_alarms(&mut page, grade);
    unmapped(&mut page, grade);
    about_the_alerts(&mut page, grade);
    said(&mut page, grade);
    page.text
}

/// Lines that keep to a width and hold no control characters, whatever a detector wrote.
struct Page {
    text: String,
    width: usize,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(&shown(line));
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
    }

    /// Breaks between words, and within a word that fits no line.
    fn wrapped(&mut self, indent: usize, paragraph: &str) {
        // Whoever measures lines takes what steers a terminal for nothing.
        let paragraph = shown(&paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
        let indentation = " ".repeat(indent);
        let options = Options::new(self.width.max(indent + 1))
            .initial_indent(&indentation)
            .subsequent_indent(&indentation)
            .word_splitter(WordSplitter::NoHyphenation);
        for line in textwrap::wrap(&paragraph, options) {
            self.line(&line);
        }
    }
}

/// A text without control characters.
fn shown(text: &str) -> String {
    let shown = text.chars();
    shown
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

fn failures(page: &mut Page, grade: &Grade) {
    let failures = &grade.running.failures;
    if failures.is_empty() {
        return;
    }
    page.line("");
    page.wrapped(
        0,
        &format!(
            "THE DETECTOR FAILED on {} of {} captures; they are not graded, and are in no figure",
            failures.len(),
            failures.len() + grade.captures.len(),
        ),
    );
    for failure in failures.iter().take(LISTED) {
        page.wrapped(
            2,
            &format!("{}: {}", phrase::failed_at(failure), failure.message),
        );
        last_lines(page, &failure.output);
    }
    rest(page, failures.len());
}

/// The end of what a detector printed, each line marked.
fn last_lines(page: &mut Page, output: &str) {
    let lines: Vec<&str> = output.lines().collect();
    let from = lines.len().saturating_sub(PRINTED);
    for line in lines.get(from..).unwrap_or_default() {
        let most = page.width.saturating_sub(6);
        let shown: String = line.chars().take(most).collect();
        page.line(&format!("    | {shown}"));
    }
}

/// What the detector printed on standard error although it ended well: each text once.
fn said(page: &mut Page, grade: &Grade) {
    let mut texts: BTreeMap<&str, u64> = BTreeMap::new();
    for text in grade.running.stderr.values() {
        *texts.entry(text).or_default() += 1;
    }
    if texts.is_empty() {
        return;
    }
    page.line("");
    let captures = phrase::number(grade.running.stderr.values().map(|_| 1).sum(), "capture");
    page.line(&format!(
        "The detector wrote to standard error, of {captures}"
    ));
    let mut texts: Vec<(&str, u64)> = texts.into_iter().collect();
    texts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (text, count) in texts.iter().take(PRINTED) {
        page.wrapped(2, &format!("of {}:", phrase::number(*count, "capture")));
        last_lines(page, text);
    }
}

fn headline(page: &mut Page, grade: &Grade) {
    let figures = &grade.all;
    page.line("");
    page.line(&format!(
        "{:<23} {:>11} {:>7}  {:<16} {:<16}",
        "",
        "",
        "share",
        "95 % interval",
        by_seed_title(figures)
    ));
    for (name, share) in phrase::headline(figures) {
        let by_seed = share.by_seed.map(|interval| (interval.low, interval.high));
        let by_seed = by_seed.map_or(String::new(), |ends| phrase::interval(Some(ends)));
        page.line(&format!(
            "{name:<23} {:>11} {:>7}  {:<16} {by_seed:<16}",
            phrase::ratio(share),
            phrase::figure(share.value),
            phrase::wilson(share),
        ));
    }
    if let Some(bound) = figures.recall.exact.filter(|_| figures.recall.hits > 0) {
        let missed = phrase::number(figures.recall.of, "event");
        page.wrapped(
            0,
            &format!("No miss in {missed}: recall is at least {bound:.3}, with 95 % certainty."),
        );
    }
    page.line("");
    page.wrapped(
        0,
        &format!("false alarms: {}", phrase::false_alarms(figures)),
    );
    page.wrapped(
        0,
        &format!("time to detect: {}", phrase::time_to_detect(figures)),
    );
    let mut rest = format!("F1 {} (no gate)", phrase::figure(figures.f1));
    if let Some(alerts) = figures.alerts_per_event {
        rest.push_str(&format!("; {alerts:.2} alerts per detected event"));
    }
    if figures.actor_named.of > 0 {
        let named = phrase::ratio(&figures.actor_named);
        rest.push_str(&format!("; real scanner named among decoys {named}"));
    }
    if figures.may > 0 {
        let (alerted, may) = (figures.may_alerted, figures.may);
        rest.push_str(&format!(
            "; alert on {alerted} of {may} where either is right"
        ));
    }
    page.wrapped(0, &rest);
    if let Some(prevalence) = grade.settings.prevalence {
        let precision = phrase::figure(figures.precision_at_prevalence);
        page.wrapped(
            0,
            &format!(
                "Where {prevalence} of the events deserve an alert, precision is {precision}."
            ),
        );
    }
}

fn by_seed_title(figures: &Figures) -> &'static str {
    let any = phrase::headline(figures)
        .iter()
        .any(|(_, share)| share.by_seed.is_some());
    if any { "over seeds" } else { "" }
}

fn classes(page: &mut Page, grade: &Grade) {
    type Pick = fn(&Figures) -> &Share;
    let tables: [(&str, [&str; 3], Pick, Pick); 2] = [
        (
            "Deserve an alert",
            ["detected", "recall", "named"],
            |figures| &figures.recall,
            |figures| &figures.named,
        ),
        (
            "Deserve silence",
            ["cried wolf", "rate", "explained"],
            |figures| &figures.cry_wolf,
            |figures| &figures.explained,
        ),
    ];
    for (title, [first, second, third], main, beside) in tables {
        let rows: Vec<_> = (grade.classes.iter())
            .filter(|(_, figures)| main(figures).of > 0)
            .collect();
        if rows.is_empty() {
            continue;
        }
        page.line("");
        page.line(&format!(
            "{title:<25} {first:>11} {second:>7}  {:<16} {third:>9}",
            "95 % interval"
        ));
        for (class, figures) in rows {
            let share = main(figures);
            page.line(&format!(
                "  {class:<23} {:>11} {:>7}  {:<16} {:>9}",
                phrase::ratio(share),
                phrase::figure(share.value),
                phrase::wilson(share),
                phrase::ratio(beside(figures)),
            ));
        }
    }
}

fn curves(page: &mut Page, grade: &Grade) {
    let Some(curves) = &grade.curves else {
        return;
    };
    page.line("");
    page.wrapped(0, &format!("Curves: {}", phrase::curves(curves)));
    page.line(&format!(
        "  {:<12} {:>7}  {:<16} {:>8}  {:<16} {:>9}",
        "threshold", "recall", "95 % interval", "cry-wolf", "95 % interval", "precision"
    ));
    for point in phrase::points(curves, grade.settings.threshold) {
        page.line(&format!(
            "  {:<12} {:>7}  {:<16} {:>8}  {:<16} {:>9}",
            point.threshold,
            phrase::figure(point.recall.value),
            phrase::wilson(&point.recall),
            phrase::figure(point.cry_wolf.value),
            phrase::wilson(&point.cry_wolf),
            phrase::figure(point.precision.value),
        ));
    }
}

fn mistakes(page: &mut Page, grade: &Grade, outcome: Outcome, title: &str, of: u64) {
    let wrong: Vec<(&CaptureGrade, &EventGrade)> = grade
        .events()
        .filter(|(_, event)| event.outcome == outcome)
        .collect();
    if wrong.is_empty() {
        return;
    }
    page.line("");
    page.line(&format!("{title} {} of {of}", wrong.len()));
    for (capture, event) in wrong.iter().take(LISTED) {
        let place = phrase::place(capture);
        page.wrapped(
            2,
            &format!("{} ({place}, event {})", event.class, event.id.0),
        );
        page.wrapped(4, &phrase::event(event));
        for reason in phrase::why(event) {
            page.wrapped(4, &reason);
        }
    }
    rest(page, wrong.len());
}

fn false_alarms(page: &mut Page, grade: &Grade) {
    let alarms: Vec<(&CaptureGrade, &Incident)> = (grade.captures.iter())
        .flat_map(|capture| {
            capture
                .false_alarms
                .iter()
                .map(move |alarm| (capture, alarm))
        })
        .collect();
    if alarms.is_empty() {
        return;
    }
    page.line("");
    let title = phrase::number(grade.all.false_alarms.incidents, "incident");
    page.line(&format!("False alarms: {title}"));
    for (capture, alarm) in alarms.iter().take(LISTED) {
        page.wrapped(2, &phrase::place(capture));
        page.wrapped(4, &phrase::incident(alarm));
    }
    rest(page, alarms.len());
}

fn rest(page: &mut Page, count: usize) {
    if count > LISTED {
        page.line(&format!(
            "  and {} more, all in the JSON grade",
            count - LISTED
        ));
    }
}

fn about_the_alerts(page: &mut Page, grade: &Grade) {
    let notes = notes(grade);
    if notes.is_empty() {
        return;
    }
    page.line("");
    page.line("About the alerts");
    for note in notes {
        page.wrapped(2, &note);
    }
}

fn unmapped(page: &mut Page, grade: &Grade) {
    if grade.unmapped.is_empty() {
        return;
    }
    let fate = if grade.settings.strict {
        "counted as false alarms"
    } else {
        "left out"
    };
    page.line("");
    page.line(&format!("Rules that the map does not know, {fate}"));
    for rule in phrase::unmapped(grade).iter().take(LISTED) {
        page.wrapped(2, &rule.to_string());
    }
    rest(page, grade.unmapped.len());
    page.wrapped(2, phrase::MAP_THEM);
}
