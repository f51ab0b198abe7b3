//! A scenario in words, for a terminal.

use generator::activity::Activity;
use generator::fact::Fact;
use generator::net::sensor::SensorConfig;
use generator::scenario::HostSpec;
use generator::{Scenario, ScenarioFile};
use textwrap::{Options, WordSplitter};

/// Columns of the text.
const WIDTH: usize = 100;

/// What a scenario is, what holds of it, and who takes part.
pub fn story(file: &ScenarioFile, scenario: &Scenario) -> String {
    let identity = file.identity();
    let mut text = head(file);
    for (title, said) in [
        ("What a simple detector concludes", &identity.naive),
        ("What tells it apart", &identity.tells),
        ("What is assumed", &identity.assumed),
    ] {
        let items = said.iter().map(|item| wrap(&format!("- {item}"), "    "));
        section(&mut text, title, items);
    }
    let facts = identity.facts.iter().map(fact);
    section(&mut text, "What holds for every seed", facts);
    let hosts = scenario.hosts.iter().map(|host| place(host, scenario));
    section(&mut text, "Hosts", hosts);
    let sensors = scenario.sensors.iter();
    let sensors = sensors.map(|sensor| border(sensor, scenario));
    section(&mut text, "Sensors", sensors);
    let events = scenario.activities.iter().filter_map(event);
    section(&mut text, "Events", events);
    let varied = file.varied().into_iter().map(|(path, range)| {
        let value = scenario.parameters.get(&path);
        let now = value.map(|value| format!(" (here {value})"));
        wrap(
            &format!("{path} = {range}{}", now.unwrap_or_default()),
            "    ",
        )
    });
    section(&mut text, "Parameters that a seed varies", varied);
    let abridged = file.abridged().into_iter();
    let abridged = abridged.map(|(path, range)| wrap(&format!("{path} = {range}"), "    "));
    section(&mut text, "Shortened, over a background", abridged);
    if !file.difficulties().is_empty() {
        let steps = file.difficulties().join(", ");
        text.push_str(&format!("\nDifficulty: {steps}\n"));
    }
    text
}

/// Its name, its story in a paragraph, its verdict and where it comes from.
fn head(file: &ScenarioFile) -> String {
    let identity = file.identity();
    let (family, verdict) = (identity.family, identity.family.verdict());
    let source = if identity.reconstructed {
        " (reconstructed: its packets are not printed there)"
    } else {
        ""
    };
    let mut text = format!(
        "{}: {}\n\n{}\n\nVerdict   {verdict}, family {family}\nSource    {}{source}\n",
        identity.id,
        identity.title,
        wrap(&identity.summary, ""),
        identity.source
    );
    if !file.published().is_empty() {
        text.push_str(&format!("Published {}\n", file.published().join(", ")));
    }
    text
}

/// A sentence, and below it what checks it.
fn fact(fact: &Fact) -> String {
    let at = fact.at.as_ref().map(|at| format!(" at sensor {at}"));
    let sentence = wrap(&format!("- {}", fact.say), "    ");
    format!(
        "{sentence}\n      {}{}",
        fact.check.0,
        at.unwrap_or_default()
    )
}

fn place(host: &HostSpec, scenario: &Scenario) -> String {
    let config = &host.config;
    let site = scenario.sites.get(host.site.0);
    format!(
        "{} at {}: {}, {}",
        config.name,
        site.map_or("", |site| site.name.as_str()),
        joined(&config.addresses),
        config.stack.title
    )
}

fn border(sensor: &SensorConfig, scenario: &Scenario) -> String {
    let site = scenario.sites.get(sensor.site.0);
    format!(
        "{} at the border of {} ({})",
        sensor.name,
        site.map_or("", |site| site.name.as_str()),
        site.map_or_else(String::new, |site| joined(&site.prefixes))
    )
}

/// What an activity is an event of, if it is one.
fn event(activity: &Activity) -> Option<String> {
    let class = activity.class?;
    let echo = activity
        .echo
        .map(|echo| format!("; where only answers pass: {echo}"));
    let (verdict, echo) = (class.verdict(), echo.unwrap_or_default());
    Some(format!("{}: {class} ({verdict}){echo}", activity.name))
}

fn joined(items: &[impl ToString]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(", ")
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        text.push_str(&format!("\n{title}\n"));
        lines
            .iter()
            .for_each(|line| text.push_str(&format!("  {line}\n")));
    }
}

/// Breaks a text into lines; those after the first are indented.
fn wrap(text: &str, indent: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let options = Options::new(WIDTH - 2)
        .subsequent_indent(indent)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    textwrap::fill(&words.join(" "), options)
}
