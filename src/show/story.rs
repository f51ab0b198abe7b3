//! A scenario in words, for a terminal.

use generator::{Scenario, ScenarioFile};
use textwrap::{Options, WordSplitter};

/// Columns of the text.
const WIDTH: usize = 100;

/// What a scenario is, what holds of it, and who takes part.
pub fn story(file: &ScenarioFile, scenario: &Scenario) -> String {
    let identity = file.identity();
    let family = identity.family;
    let mut text = format!(
        "{}: {}\n\n{}\n\n",
        identity.id,
        identity.title,
        wrap(&identity.summary, "")
    );
    let source = if identity.reconstructed {
        " (reconstructed: its packets are not printed there)"
    } else {
        ""
    };
    text.push_str(&format!(
        "Verdict   {}, family {family}\n",
        family.verdict()
    ));
    text.push_str(&format!("Source    {}{source}\n", identity.source));
    if !file.published().is_empty() {
        text.push_str(&format!("Published {}\n", file.published().join(", ")));
    }
    for (title, said) in [
        ("What a simple detector concludes", &identity.naive),
        ("What tells it apart", &identity.tells),
        ("What is assumed", &identity.assumed),
    ] {
        let items = said.iter().map(|item| wrap(&format!("- {item}"), "    "));
        section(&mut text, title, items);
    }
    section(
        &mut text,
        "What holds for every seed",
        identity.facts.iter().map(|fact| {
            let at = fact
                .at
                .as_ref()
                .map(|at| format!(" at sensor {at}"))
                .unwrap_or_default();
            let sentence = wrap(&format!("- {}", fact.say), "    ");
            format!("{sentence}\n      {}{at}", fact.check.0)
        }),
    );
    section(
        &mut text,
        "Hosts",
        scenario.hosts.iter().map(|host| {
            let addresses: Vec<String> = host
                .config
                .addresses
                .iter()
                .map(ToString::to_string)
                .collect();
            let site = scenario
                .sites
                .get(host.site.0)
                .map_or("", |site| site.name.as_str());
            format!(
                "{} at {site}: {}, {}",
                host.config.name,
                addresses.join(", "),
                host.config.stack.title
            )
        }),
    );
    section(
        &mut text,
        "Sensors",
        scenario.sensors.iter().map(|sensor| {
            let site = scenario.sites.get(sensor.site.0);
            let nets: Vec<String> = site
                .iter()
                .flat_map(|site| &site.prefixes)
                .map(ToString::to_string)
                .collect();
            format!(
                "{} at the border of {} ({})",
                sensor.name,
                site.map_or("", |s| s.name.as_str()),
                nets.join(", ")
            )
        }),
    );
    section(
        &mut text,
        "Events",
        scenario.activities.iter().filter_map(|activity| {
            let class = activity.class?;
            let echo = activity
                .echo
                .map(|echo| format!("; where only answers pass: {echo}"))
                .unwrap_or_default();
            Some(format!(
                "{}: {class} ({}){echo}",
                activity.name,
                class.verdict()
            ))
        }),
    );
    section(
        &mut text,
        "Parameters that a seed varies",
        file.varied().into_iter().map(|(path, range)| {
            let now = scenario
                .parameters
                .get(&path)
                .map(|value| format!(" (here {value})"))
                .unwrap_or_default();
            wrap(&format!("{path} = {range}{now}"), "    ")
        }),
    );
    section(
        &mut text,
        "Shortened, over a background",
        file.abridged()
            .into_iter()
            .map(|(path, range)| wrap(&format!("{path} = {range}"), "    ")),
    );
    if !file.difficulties().is_empty() {
        text.push_str(&format!(
            "\nDifficulty: {}\n",
            file.difficulties().join(", ")
        ));
    }
    text
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
