//! Findings for people: a block each, the claim first, then why.

use std::fmt::Display;
use std::io::{self, Write};

use labels::{Finding, PortRange};

/// Addresses and port ranges that are named before the rest is counted.
const NAMED: usize = 4;

/// Writes the findings, or that there are none.
pub(super) fn write(findings: &[Finding], out: &mut impl Write) -> io::Result<()> {
    if findings.is_empty() {
        return writeln!(out, "Nothing to report.");
    }
    for (number, finding) in findings.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        one(finding, out)?;
    }
    Ok(())
}

/// What a finding says, in one line.
pub(super) fn headline(finding: &Finding) -> String {
    let why = finding.evidence.first();
    let why = why.map(|why| format!(": {}, {}", why.fact, why.observed));
    format!(
        "{} {} {} -> {}{}{}",
        finding.detected,
        finding.class,
        list(&finding.sources, "anywhere"),
        list(&finding.targets, "anywhere"),
        ports(&finding.ports),
        why.unwrap_or_default()
    )
}

fn one(finding: &Finding, out: &mut impl Write) -> io::Result<()> {
    let tool = finding
        .tool
        .as_ref()
        .map(|tool| format!(" ({tool})"))
        .unwrap_or_default();
    writeln!(
        out,
        "{}: {}{tool}, confidence {:.2}",
        finding.verdict, finding.class, finding.confidence
    )?;
    let sources = list(&finding.sources, "anywhere");
    let targets = list(&finding.targets, "anywhere");
    writeln!(out, "  {sources} -> {targets}{}", ports(&finding.ports))?;
    writeln!(
        out,
        "  {} to {}, {} frames from {}, evident at {}",
        finding.start,
        finding.end,
        finding.packets,
        finding.first_frame.unwrap_or(1),
        finding.detected_frame
    )?;
    for evidence in &finding.evidence {
        let frames = if evidence.frames.is_empty() {
            String::new()
        } else {
            format!(" [{}]", list(&evidence.frames, ""))
        };
        writeln!(out, "  - {}: {}{frames}", evidence.fact, evidence.observed)?;
        writeln!(out, "    usual: {}", evidence.expected)?;
    }
    Ok(())
}

fn ports(ports: &[PortRange]) -> String {
    if ports.is_empty() {
        String::new()
    } else {
        format!(", port {}", list(ports, ""))
    }
}

fn list<T: Display>(items: &[T], none: &str) -> String {
    if items.is_empty() {
        return none.to_owned();
    }
    let mut text: Vec<String> = items.iter().take(NAMED).map(ToString::to_string).collect();
    if items.len() > NAMED {
        text.push(format!("{} more", items.len() - NAMED));
    }
    text.join(", ")
}
