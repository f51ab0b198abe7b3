//! A scenario as a page of the book: its story, what a naive detector makes of it and what tells it apart, facts,
//! assumptions, and what each sensor sees of it, in pictures.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use generator::{Scenario, ScenarioFile};
use labels::{AddressBlock, Event};

use super::ladder::{Ladder, events, names};
use super::recorded::Recorded;
use super::{svg, timeline};
use crate::output::write_whole;

/// Frames of a sequence diagram.
const FRAMES: usize = 24;
/// Addresses that are named one by one.
const MOST_NAMED: usize = 3;

/// Writes `ID.md` and its pictures, `ID.SENSOR.svg` and `ID.SENSOR.timeline.svg`.
///
/// # Errors
/// Names what cannot be written.
pub fn write(
    folder: &Path,
    file: &ScenarioFile,
    scenario: &Scenario,
    recorded: &[Recorded],
) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let id = &file.identity().id;
    let names = names(scenario);
    let mut page = about(file, scenario);
    for recorded in recorded {
        let sensor = &recorded.sensor;
        let before = events(&recorded.truth)
            .position(|event| event.is_some())
            .unwrap_or(0);
        let ladder = Ladder::read(recorded, &names, FRAMES, before as u64)?;
        let _ = write!(page, "\n## At sensor {sensor}\n\n");
        page.push_str(&told(recorded));
        if ladder.rungs.is_empty() {
            continue;
        }
        let (diagram, all) = (
            format!("{id}.{sensor}.svg"),
            format!("{id}.{sensor}.timeline.svg"),
        );
        put(folder, &diagram, &svg::ladder(&ladder))?;
        put(folder, &all, &timeline::svg(recorded)?)?;
        let _ = write!(
            page,
            "\n![All frames at sensor {sensor}: time across]({all})\n\n\
             ![The first frames at sensor {sensor}]({diagram})\n"
        );
    }
    page.push_str(&varied(file));
    put(folder, &format!("{id}.md"), &page)
}

fn put(folder: &Path, name: &str, text: &str) -> Result<()> {
    write_whole(&folder.join(name), |out| out.write_all(text.as_bytes()))
}

fn about(file: &ScenarioFile, scenario: &Scenario) -> String {
    let identity = file.identity();
    let classes: BTreeSet<&str> = scenario
        .activities
        .iter()
        .flat_map(|activity| [activity.class, activity.echo])
        .flatten()
        .map(|class| class.name())
        .collect();
    let mut page = format!("# {}\n\n{}\n\n", identity.title, identity.summary.trim());
    let _ = write!(
        page,
        "| | |\n|---|---|\n| id | `{}` |\n| verdict | {}, family {} |\n",
        identity.id,
        identity.family.verdict(),
        identity.family
    );
    if !classes.is_empty() {
        let classes: Vec<&str> = classes.into_iter().collect();
        let _ = writeln!(page, "| classes | {} |", classes.join(", "));
    }
    let printed = if identity.reconstructed {
        "; reconstructed: no packets of it are printed there"
    } else {
        ""
    };
    let _ = writeln!(page, "| source | {}{printed} |", identity.source);
    if !file.published().is_empty() {
        let traces = file.published().join(", ");
        let _ = writeln!(page, "| `--as-published` | {traces} |");
    }
    page.push_str(&list("What a simple detector concludes", &identity.naive));
    page.push_str(&list("What tells it apart", &identity.tells));
    if !identity.facts.is_empty() {
        page.push_str("\n## What holds for every seed\n\n");
        for fact in &identity.facts {
            let at = fact
                .at
                .as_ref()
                .map(|at| format!(" at sensor {at}"))
                .unwrap_or_default();
            let _ = write!(page, "- {}\n  `{}`{at}\n", fact.say, fact.check.0);
        }
    }
    page.push_str(&list("What is assumed", &identity.assumed));
    page
}

fn list(title: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let mut text = format!("\n## {title}\n\n");
    for item in items {
        let _ = writeln!(text, "- {item}");
    }
    text
}

/// What the truth says of a sensor's capture.
fn told(recorded: &Recorded) -> String {
    let truth = &recorded.truth;
    let frames = truth.capture.packets;
    if frames == 0 {
        return "Nothing of it passes here.\n".into();
    }
    let shown = if truth.events.is_empty() {
        ", none of an event: ordinary traffic"
    } else {
        ""
    };
    let mut text = format!("{frames} frames with seed {}{shown}.\n", truth.seed);
    if truth.events.is_empty() {
        return text;
    }
    text.push_str("\n| event | a detector should | from | to | frames |\n|---|---|---|---|---|\n");
    for event in &truth.events {
        text.push_str(&row(event));
    }
    text
}

fn row(event: &Event) -> String {
    format!(
        "| {} ({}) | {} | {} | {} | {} |\n",
        event.class,
        event.verdict,
        event.expect,
        addresses(&event.sources),
        addresses(&event.targets),
        event.packets
    )
}

fn addresses(blocks: &[AddressBlock]) -> String {
    let named: Vec<String> = blocks
        .iter()
        .take(MOST_NAMED)
        .map(ToString::to_string)
        .collect();
    match blocks.len().saturating_sub(MOST_NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

fn varied(file: &ScenarioFile) -> String {
    let mut text = String::new();
    for (title, ranges) in [
        ("What a seed varies", file.varied()),
        ("Shortened, over a background", file.abridged()),
    ] {
        if ranges.is_empty() {
            continue;
        }
        let _ = write!(text, "\n## {title}\n\n| | |\n|---|---|\n");
        for (path, range) in ranges {
            let _ = writeln!(text, "| `{path}` | `{}` |", range.replace('|', "\\|"));
        }
    }
    let steps = file.difficulties();
    if !steps.is_empty() {
        let _ = write!(text, "\nDifficulty: {}.\n", steps.join(", "));
    }
    let id = &file.identity().id;
    let _ = write!(
        text,
        "\n```sh\ncrywolf show {id}\ncrywolf generate {id} --seed 1 --out captures\n```\n"
    );
    text
}
