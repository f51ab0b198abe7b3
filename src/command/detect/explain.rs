//! `--explain N`: one finding, the frames that speak for it, and a filter that shows them elsewhere.

use std::collections::BTreeSet;
use std::io::{Read, Write};

use labels::{AddressBlock, Finding, Transport};
use wire::capture::CaptureReader;
use wire::decode::{Layers, Transport as Above};

use super::table;

/// Addresses that a filter names one by one.
const NAMED: usize = 8;

/// Writes the finding, its frames out of the same capture, and the filters.
///
/// # Errors
/// What reading the capture again met, or writing.
pub(super) fn write(
    finding: &Finding,
    capture: impl Read,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    table::write(std::slice::from_ref(finding), out)?;
    let wanted = frames(finding);
    writeln!(out, "\n  Frames")?;
    let mut reader = CaptureReader::new(capture)?;
    let mut number = 0;
    let mut first = None;
    while let Some(record) = reader.next()? {
        number += 1;
        let start = *first.get_or_insert(record.time);
        if wanted.contains(&number) {
            let layers = Layers::decode(record.link_type, record.bytes);
            let seconds = record.time.nanos_since(start) as f64 / 1e9;
            writeln!(out, "  {number:>8} {seconds:>14.6}  {}", line(&layers))?;
        }
        if wanted.last().is_none_or(|last| number >= *last) {
            break;
        }
    }
    let list: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    writeln!(out, "\n  Display filter of these frames")?;
    writeln!(out, "    frame.number in {{{}}}", list.join(", "))?;
    writeln!(out, "  Display filter of all that it speaks of")?;
    writeln!(out, "    {}", filter(finding))?;
    Ok(())
}

/// The frames of a finding, in order.
fn frames(finding: &Finding) -> BTreeSet<u64> {
    let evidence = finding.evidence.iter();
    evidence
        .flat_map(|fact| fact.frames.iter().copied())
        .chain(finding.first_frame)
        .chain([finding.detected_frame])
        .collect()
}

/// A frame in one line.
fn line(layers: &Layers<'_>) -> String {
    let Some((source, target)) = layers.addresses() else {
        return "no IP".to_owned();
    };
    let (from, to) = match layers.ports() {
        Some((sport, dport)) => (format!("{source}:{sport}"), format!("{target}:{dport}")),
        None => (source.to_string(), target.to_string()),
    };
    let length = layers.payload_length;
    let what = match &layers.transport {
        Above::Tcp(tcp) => format!(
            "{} seq {} ack {} win {} len {length}",
            tcp.flags, tcp.sequence, tcp.acknowledgment, tcp.window
        ),
        Above::Udp(_) => format!("udp len {length}"),
        Above::Icmp(icmp) => format!("icmp {}/{}", icmp.icmp_type, icmp.code),
        Above::Icmpv6(icmp) => format!("icmpv6 {}/{}", icmp.icmp_type, icmp.code),
        _ => "other".to_owned(),
    };
    format!("{from} > {to} {what}")
}

/// A display filter of Wireshark for everything between those whom a finding names, at its ports.
fn filter(finding: &Finding) -> String {
    let mut terms = Vec::new();
    for blocks in [&finding.sources, &finding.targets] {
        if (1..=NAMED).contains(&blocks.len()) {
            terms.push(hosts(blocks));
        }
    }
    let protocol = match finding.transport {
        Some(Transport::Tcp) => Some("tcp"),
        Some(Transport::Udp) => Some("udp"),
        _ => None,
    };
    let ports: Vec<String> = finding
        .ports
        .iter()
        .map(|range| {
            if range.first() == range.last() {
                range.first().to_string()
            } else {
                format!("{}..{}", range.first(), range.last())
            }
        })
        .collect();
    match protocol {
        Some(protocol) if !ports.is_empty() => {
            terms.push(format!(
                "({protocol}.port in {{{}}} or icmp)",
                ports.join(", ")
            ));
        }
        Some(protocol) => terms.push(format!("({protocol} or icmp)")),
        None => {}
    }
    if terms.is_empty() {
        let last = finding.first_frame.unwrap_or(1);
        return format!("frame.number >= {last}");
    }
    terms.join(" and ")
}

fn hosts(blocks: &[AddressBlock]) -> String {
    let terms: Vec<String> = blocks
        .iter()
        .map(|block| {
            let version = if block.network().addr().is_ipv4() {
                "ip"
            } else {
                "ipv6"
            };
            format!("{version}.addr == {block}")
        })
        .collect();
    match &terms[..] {
        [one] => one.clone(),
        _ => format!("({})", terms.join(" or ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_names_who_and_what() {
        let line = r#"{"schema":"crywolf.finding/1","class":"syn-scan","verdict":"reconnaissance","tool":null,"sources":["198.51.100.7"],"targets":["192.0.2.0/25","2001:db8::7"],"transport":"tcp","ports":[[22,22],[79,81]],"start":"2024-01-01T00:00:00Z","end":"2024-01-01T00:00:01Z","detected":"2024-01-01T00:00:01Z","detected_frame":9,"packets":5,"confidence":0.8,"evidence":[{"fact":"a","observed":"b","expected":"c","frames":[4,7]}],"first_frame":3}"#;
        let finding = Finding::from_json(line).unwrap();
        assert_eq!(
            filter(&finding),
            "ip.addr == 198.51.100.7 and (ip.addr == 192.0.2.0/25 or ipv6.addr == 2001:db8::7) \
             and (tcp.port in {22, 79..81} or icmp)"
        );
        assert_eq!(Vec::from_iter(frames(&finding)), [3, 4, 7, 9]);
    }
}
