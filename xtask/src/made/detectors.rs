//! `cargo xtask detectors`: Suricata, psad and two that count, graded on one suite, beside crywolf's own detector. The table stands in
//! the book.
//!
//! A row says the version of the program that was graded. A row of the page is compared with what was made where the same version
//! is installed; what is not installed is passed over, and said.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use scorer::{Grade, Share};

use crate::made;
use crate::packages;
use crate::process;
use crate::workspace;

/// What they are graded on.
const SUITE: &str = "examples/detectors.toml";
/// Where the table stands.
const PAGE: &str = "docs/src/howto/detectors/compared.md";
/// The lines of the page around it.
const BEGIN: &str = "<!-- made by cargo xtask detectors --bless -->";
const END: &str = "<!-- end -->";
const HEAD: &str =
    "| detector | detected | right class | precision | cried wolf | false alarms | time to detect |
|---|--:|--:|--:|--:|--:|--:|
";

/// Arguments of the task.
#[derive(Args)]
pub struct DetectorsArgs {
    /// Renew the rows of the page
    #[arg(long)]
    bless: bool,

    /// This binary, in place of one that is built now
    #[arg(long, value_name = "FILE")]
    crywolf: Option<PathBuf>,

    /// Only these detectors
    #[arg(value_parser = DETECTORS.map(|detector| detector.name))]
    only: Vec<String>,
}

/// A detector and how it is run.
struct Detector {
    name: &'static str,
    /// What the table calls it, before and after its version.
    title: [&'static str; 2],
    /// The program that it needs, and what prints its version.
    program: Option<(&'static str, &'static str)>,
    from: &'static str,
    command: Option<&'static str>,
    /// A variable for its command.
    set: Option<(&'static str, &'static str)>,
    /// Whether a line of what it writes is an alert.
    is_alert: fn(&str) -> bool,
}

const DETECTORS: [Detector; 5] = [
    Detector {
        name: "crywolf",
        title: ["crywolf's own", ""],
        program: None,
        from: "crywolf",
        command: None,
        set: None,
        is_alert: |_| true,
    },
    Detector {
        name: "counter",
        title: ["a counter of 35 lines", ", `examples/counter/`"],
        program: None,
        from: "csv",
        command: Some("python3 examples/counter/counter.py {capture} {out}"),
        set: None,
        is_alert: |line| !line.starts_with("time,"),
    },
    Detector {
        name: "suricata",
        title: ["Suricata", ", the rate rules of `examples/suricata/`"],
        program: Some(("suricata", "-V")),
        from: "suricata",
        command: Some("examples/suricata/detect.sh {capture} {out} {home}"),
        set: None,
        is_alert: |line| line.contains("\"event_type\":\"alert\""),
    },
    Detector {
        name: "suricata-stock",
        title: ["Suricata", ", the rules that Debian ships"],
        program: Some(("suricata", "-V")),
        from: "suricata",
        command: Some("examples/suricata/detect.sh {capture} {out} {home}"),
        set: Some(("RULES", "stock")),
        is_alert: |line| line.contains("\"event_type\":\"alert\""),
    },
    Detector {
        name: "psad",
        title: ["psad", ""],
        program: Some(("psad", "-V")),
        from: "psad",
        command: Some("python3 examples/psad/detect.py {capture} {out} {home}"),
        set: None,
        is_alert: |line| line.contains(" psad: "),
    },
];

/// What was graded.
struct Row {
    /// What the table calls it.
    title: String,
    line: String,
}

/// Runs the task.
pub fn run(args: &DetectorsArgs) -> Result<()> {
    made::may_bless(args.bless, "the book's tables")?;
    let crywolf = match &args.crywolf {
        Some(binary) => binary.clone(),
        None => workspace::build_crywolf()?,
    };
    grade_all(&crywolf, args.bless, &args.only).map(|_| ())
}

/// Grades all that are installed and compares the page with it. Returns what is missing.
pub fn check() -> Result<Vec<&'static str>> {
    grade_all(&workspace::build_crywolf()?, false, &[])
}

/// Grades all that are installed, and compares the page with it or renews it. Returns what is missing.
fn grade_all(crywolf: &Path, bless: bool, only: &[String]) -> Result<Vec<&'static str>> {
    let (mut rows, mut missing) = (Vec::new(), Vec::new());
    for detector in &DETECTORS {
        if !only.is_empty() && !only.iter().any(|name| name == detector.name) {
            continue;
        }
        if let Some((program, _)) = detector.program
            && (process::find(program).is_none() || (program == "psad" && !packages::is_root()))
        {
            println!(
                "{}: not run, it needs {program} and, for psad, root",
                detector.name
            );
            missing.push(detector.name);
            continue;
        }
        let begun = Instant::now();
        let row = row(crywolf, detector).with_context(|| detector.name.to_owned())?;
        println!("{} ({:.0} s)", row.line, begun.elapsed().as_secs_f64());
        rows.push(row);
    }
    let path = workspace::root().join(PAGE);
    let page = fs::read_to_string(&path).context(PAGE)?;
    let renewed = renewed(&page, &rows)?;
    if bless && renewed != page {
        fs::write(&path, renewed)?;
        println!("{PAGE}: renewed");
    } else if !bless {
        compare(&page, &rows)?;
    }
    Ok(missing)
}

/// Grades one detector, and makes sure that all it said was read.
fn row(crywolf: &Path, detector: &Detector) -> Result<Row> {
    let place = tempfile::tempdir()?;
    let (json, kept) = (place.path().join("grade.json"), place.path().join("kept"));
    let mut command = Command::new(crywolf);
    command.args([
        "--quiet",
        "grade",
        "--suite",
        SUITE,
        "--from",
        detector.from,
    ]);
    command
        .args([Path::new("--json"), &json])
        .current_dir(workspace::root());
    if let Some(line) = detector.command {
        // Beside others on a slow machine psad takes its time.
        command
            .args(["--timeout", "10m", "--detector", line, "--keep"])
            .arg(&kept);
    }
    command.envs(detector.set);
    process::run(&mut command)?;
    let grade = Grade::from_json(&fs::read_to_string(&json)?)?;
    ensure!(
        grade.unmapped.is_empty(),
        "rules that no map knows: {:?}",
        grade.unmapped
    );
    if detector.command.is_some() {
        all_was_read(&grade, &kept, detector.is_alert)?;
    }
    let version = match detector.program {
        None => String::new(),
        Some((program, flag)) => format!(
            " {}",
            version(&process::output(Command::new(program).arg(flag))?)?
        ),
    };
    let title = format!("{}{version}{}", detector.title[0], detector.title[1]);
    Ok(Row {
        line: line(&title, &grade),
        title,
    })
}

/// Whether the alerts of each capture are as many as the lines that look like some.
fn all_was_read(grade: &Grade, kept: &Path, is_alert: fn(&str) -> bool) -> Result<()> {
    ensure!(!grade.captures.is_empty(), "no capture was graded");
    for capture in &grade.captures {
        let reading = capture.reading.as_ref().context("nothing was read")?;
        let file = found(kept, &capture.file)?;
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let lines = text.lines().filter(|line| is_alert(line)).count();
        let alerts = usize::try_from(reading.alerts)?;
        ensure!(
            alerts == lines && reading.unreadable == 0 && reading.cut == 0,
            "{}: {lines} alerts were written, and {alerts} read: {reading:?}",
            capture.file
        );
        ensure!(
            capture.doubts.is_empty(),
            "{}: {:?}",
            capture.file,
            capture.doubts
        );
    }
    Ok(())
}

/// The findings that were kept of a capture.
fn found(kept: &Path, capture: &str) -> Result<PathBuf> {
    let stem = capture.strip_suffix(".pcap").unwrap_or(capture);
    let mut folders = vec![kept.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .file_name()
                .is_some_and(|name| *name == *format!("{stem}.findings"))
            {
                return Ok(path);
            }
        }
    }
    bail!("nothing was kept of {capture}")
}

/// The first word of a text that is a version.
fn version(text: &str) -> Result<String> {
    let words = text
        .split_whitespace()
        .map(|word| word.trim_matches(['v', ',']));
    let is_version =
        |word: &&str| word.contains('.') && word.split('.').all(|part| part.parse::<u32>().is_ok());
    words
        .into_iter()
        .find(is_version)
        .map(Into::into)
        .context("it prints no version")
}

fn line(title: &str, grade: &Grade) -> String {
    let share = |share: &Share| match share.value {
        Some(value) => format!("{}/{} {value:.2}", share.hits, share.of),
        None => "-".into(),
    };
    let all = &grade.all;
    let seconds = all.time_to_detect.seconds.median;
    let delay = seconds.map_or("-".into(), |seconds| format!("{seconds:.1} s"));
    format!(
        "| {title} | {} | {} | {} | {} | {} | {delay} |",
        share(&all.recall),
        share(&all.named),
        share(&all.precision),
        share(&all.cry_wolf),
        all.false_alarms.incidents,
    )
}

/// The page with these rows in place of older ones of the same detectors.
fn renewed(page: &str, rows: &[Row]) -> Result<String> {
    let (before, rest) = page
        .split_once(BEGIN)
        .with_context(|| format!("{PAGE} lacks '{BEGIN}'"))?;
    let (table, after) = rest
        .split_once(END)
        .with_context(|| format!("{PAGE} lacks '{END}'"))?;
    let old: Vec<&str> = table.lines().filter(|line| is_row(line)).collect();
    let mut lines = Vec::new();
    for detector in &DETECTORS {
        let of = |line: &str| belongs(detector, line);
        let new = rows
            .iter()
            .map(|row| row.line.as_str())
            .find(|line| of(line));
        lines.extend(new.or(old.iter().copied().find(|line| of(line))));
    }
    let table: String = lines.iter().map(|line| format!("{line}\n")).collect();
    Ok(format!("{before}{BEGIN}\n{HEAD}{table}{END}{after}"))
}

fn is_row(line: &str) -> bool {
    line.starts_with("| ") && !line.starts_with("| detector")
}

/// Whether a row is a detector's, of whatever version.
fn belongs(detector: &Detector, line: &str) -> bool {
    let title = line
        .trim_start_matches("| ")
        .split(" | ")
        .next()
        .unwrap_or_default();
    title.starts_with(detector.title[0]) && title.ends_with(detector.title[1])
}

/// Whether a row is that of a program that is installed, not built.
fn is_of_others(line: &str) -> bool {
    let mut others = DETECTORS
        .iter()
        .filter(|detector| detector.program.is_some());
    others.any(|detector| belongs(detector, line))
}

/// Refuses rows of what is built here that differ from those of the page. Of programs of others a difference is said only: what
/// they write depends on threads and clocks of theirs.
fn compare(page: &str, rows: &[Row]) -> Result<()> {
    let mut differing = Vec::new();
    for row in rows {
        let begin = format!("| {} |", row.title);
        match page.lines().find(|line| line.starts_with(&begin)) {
            Some(line) if line == row.line => {}
            Some(line) if is_of_others(line) => {
                println!(
                    "{PAGE} says something else of it:\n- {line}\n+ {}",
                    row.line
                );
            }
            Some(line) => differing.push(format!("- {line}\n+ {}", row.line)),
            None => println!("{PAGE} has no row of {}", row.title),
        }
    }
    ensure!(
        differing.is_empty(),
        "{PAGE} says something else; if the new is right: cargo xtask detectors --bless\n{}",
        differing.join("\n")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found() {
        let of = |text| version(text).unwrap();
        assert_eq!(of("This is Suricata version 7.0.10 RELEASE"), "7.0.10");
        assert_eq!(
            of("[+] psad v2.4.6 (file revision: 1)\n    by M. R."),
            "2.4.6"
        );
        assert!(version("no version").is_err());
    }

    #[test]
    fn rows_replace_those_of_their_detector() {
        let page = format!(
            "a\n{BEGIN}\n{HEAD}| Suricata 6.0, the rules that Debian ships | 0 |\n| psad 2 | 1 |\n{END}\nb\n"
        );
        let row = |title: &str| Row {
            title: title.into(),
            line: format!("| {title} | 9 |"),
        };
        let rows = [
            row("Suricata 7.0, the rules that Debian ships"),
            row("crywolf's own"),
        ];
        let made = renewed(&page, &rows).unwrap();
        let wanted = "| crywolf's own | 9 |\n| Suricata 7.0, the rules that Debian ships | 9 |\n| psad 2 | 1 |\n<!-- end -->\nb\n";
        assert!(made.ends_with(wanted), "{made}");
        assert!(compare(&made, &rows).is_ok());
        assert!(
            compare(
                &made,
                &[Row {
                    line: "| crywolf's own | 8 |".into(),
                    ..row("crywolf's own")
                }]
            )
            .is_err()
        );
        let psad = Row {
            line: "| psad 2 | 8 |".into(),
            ..row("psad 2")
        };
        assert!(compare(&made, &[psad]).is_ok());
    }
}
