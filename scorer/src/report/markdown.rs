//! The grade as Markdown, for a pull request or a job summary.

use super::{Report, notes, phrase};
use crate::grade::{Grade, Outcome};

pub(super) const REPORT: Report = Report {
    option: "markdown",
    what: "Write a Markdown summary",
    write: |grade, _, out| out.write_all(markdown(grade).as_bytes()),
};

/// How many mistakes of a kind are listed; the grade file holds them all.
const LISTED: usize = 50;

/// The grade as Markdown.
pub fn markdown(grade: &Grade) -> String {
    let mut page = vec![
        format!("## {}, protocol {}", plain(&grade.detector), grade.protocol),
        String::new(),
        phrase::volume(grade),
        String::new(),
    ];
    failures(&mut page, grade);
    headline(&mut page, grade);
    classes(&mut page, grade);
    curves(&mut page, grade);
    mistakes(&mut page, grade, Outcome::Missed, "Missed");
    mistakes(&mut page, grade, Outcome::WolfCry, "Cried wolf");
    false_alarms(&mut page, grade);
    unmapped(&mut page, grade);
    list(&mut page, "About the alerts", notes(grade));
    page.join("\n") + "\n"
}

fn failures(page: &mut Vec<String>, grade: &Grade) {
    let failures = &grade.running.failures;
    let lines = failures.iter().map(|failure| {
        let last = failure.output.lines().last().unwrap_or_default();
        let printed = if last.is_empty() {
            ""
        } else {
            "; it printed: "
        };
        let place = phrase::failed_at(failure);
        format!("{place}: {}{printed}{last}", failure.message)
    });
    let title = "The detector failed, and these captures are not graded";
    list(page, title, lines.collect());
    if !failures.is_empty() {
        page.push(String::new());
    }
}

fn headline(page: &mut Vec<String>, grade: &Grade) {
    let figures = &grade.all;
    page.push("| figure | | share | 95 % interval | over seeds |".into());
    page.push("|---|--:|--:|---|---|".into());
    for (name, share) in phrase::headline(figures) {
        let by_seed = share.by_seed.map(|interval| (interval.low, interval.high));
        page.push(format!(
            "| {} | {} | {} | {} | {} |",
            name.trim(),
            phrase::ratio(share),
            phrase::figure(share.value),
            phrase::wilson(share),
            phrase::interval(by_seed),
        ));
    }
    page.push(String::new());
    page.push(format!("- false alarms: {}", phrase::false_alarms(figures)));
    page.push(format!(
        "- time to detect: {}",
        phrase::time_to_detect(figures)
    ));
    page.push(format!("- F1 {} (no gate)", phrase::figure(figures.f1)));
    page.extend(
        phrase::ran(&grade.running)
            .iter()
            .map(|line| format!("- {}", plain(line))),
    );
    if let Some(prevalence) = grade.settings.prevalence {
        let precision = phrase::figure(figures.precision_at_prevalence);
        page.push(format!(
            "- precision at a prevalence of {prevalence}: {precision}"
        ));
    }
}

fn classes(page: &mut Vec<String>, grade: &Grade) {
    page.push(String::new());
    page.push("| class | detected | recall | named | cried wolf | rate | explained |".into());
    page.push("|---|--:|--:|--:|--:|--:|--:|".into());
    for (class, figures) in &grade.classes {
        page.push(format!(
            "| {class} | {} | {} | {} | {} | {} | {} |",
            phrase::ratio(&figures.recall),
            phrase::figure(figures.recall.value),
            phrase::ratio(&figures.named),
            phrase::ratio(&figures.cry_wolf),
            phrase::figure(figures.cry_wolf.value),
            phrase::ratio(&figures.explained),
        ));
    }
}

fn curves(page: &mut Vec<String>, grade: &Grade) {
    let Some(curves) = &grade.curves else {
        return;
    };
    page.push(String::new());
    page.push(format!("### Curves: {}", phrase::curves(curves)));
    page.push(String::new());
    page.push(
        "| threshold | recall | 95 % interval | cry-wolf rate | 95 % interval | precision |".into(),
    );
    page.push("|--:|--:|---|--:|---|--:|".into());
    for point in phrase::points(curves, grade.settings.threshold) {
        page.push(format!(
            "| {} | {} | {} | {} | {} | {} |",
            point.threshold,
            phrase::figure(point.recall.value),
            phrase::wilson(&point.recall),
            phrase::figure(point.cry_wolf.value),
            phrase::wilson(&point.cry_wolf),
            phrase::figure(point.precision.value),
        ));
    }
}

fn mistakes(page: &mut Vec<String>, grade: &Grade, outcome: Outcome, title: &str) {
    let lines = grade
        .events()
        .filter(|(_, event)| event.outcome == outcome)
        .map(|(capture, event)| {
            let (place, id) = (phrase::place(capture), event.id.0);
            let why = phrase::why(event).join(". ");
            let what = phrase::event(event);
            format!("**{}** ({place}, event {id}): {what}. {why}", event.class)
        });
    list(page, title, lines.collect());
}

fn false_alarms(page: &mut Vec<String>, grade: &Grade) {
    let lines = grade.captures.iter().flat_map(|capture| {
        let alarms = capture.false_alarms.iter();
        alarms.map(|alarm| format!("{}: {}", phrase::place(capture), phrase::incident(alarm)))
    });
    list(page, "False alarms", lines.collect());
}

fn unmapped(page: &mut Vec<String>, grade: &Grade) {
    let lines: Vec<String> = (phrase::unmapped(grade).iter())
        .map(ToString::to_string)
        .collect();
    if lines.is_empty() {
        return;
    }
    list(page, "Rules that the map does not know", lines);
    page.push(String::new());
    page.push(phrase::MAP_THEM.into());
}

fn list(page: &mut Vec<String>, title: &str, lines: Vec<String>) {
    if lines.is_empty() {
        return;
    }
    page.push(String::new());
    page.push(format!("### {title} ({})", lines.len()));
    page.push(String::new());
    page.extend(
        lines
            .iter()
            .take(LISTED)
            .map(|line| format!("- {}", plain(line))),
    );
    if lines.len() > LISTED {
        let more = lines.len() - LISTED;
        page.push(format!("- and {more} more, all in the JSON grade"));
    }
}

/// Text in which nothing that a detector wrote becomes markup. Our own emphasis around class names stays.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => plain.push_str("&lt;"),
            '&' => plain.push_str("&amp;"),
            '`' | '[' | ']' | '|' | '_' | '\\' | '#' | '!' | '~' | '@' => {
                plain.push('\\');
                plain.push(letter);
            }
            letter if letter.is_control() => plain.push(' '),
            letter => plain.push(letter),
        }
    }
    plain
}
