//! Findings as Suricata's EVE alert records, so that what reads those reads these.
//!
//! Source: `etc/schema.json` of Suricata 8: `event_type` and `timestamp` are required, the alert object admits no
//! keys of its own, and what it has no key for goes to `alert.metadata`, whose values are lists of strings.

use labels::{Class, Finding, Transport, Verdict};
use serde_json::{Value, json};

/// Generator id of these records: none of Suricata's or Snort's.
const GENERATOR: u32 = 7200;
/// Added to a class's place in the taxonomy, to stay clear of the ids of public rule sets.
const FIRST_SIGNATURE: usize = 7_200_000;
/// Revision of the records' meaning.
const REVISION: u32 = 1;

/// One record.
pub(super) fn record(finding: &Finding) -> Value {
    let mut record = json!({
        "timestamp": finding.detected.strftime("%Y-%m-%dT%H:%M:%S%.6f+0000").to_string(),
        "event_type": "alert",
        "pcap_cnt": finding.detected_frame,
        "alert": alert(finding),
    });
    let Some(object) = record.as_object_mut() else {
        return record;
    };
    let first = |blocks: &[labels::AddressBlock]| blocks.first().map(|b| b.network().addr());
    if let Some(source) = first(&finding.sources) {
        object.insert("src_ip".into(), json!(source));
    }
    if let Some(target) = first(&finding.targets) {
        object.insert("dest_ip".into(), json!(target));
    }
    let proto = match finding.transport {
        Some(Transport::Tcp) => Some("TCP"),
        Some(Transport::Udp) => Some("UDP"),
        Some(Transport::Icmp) => Some("ICMP"),
        Some(Transport::Other) | None => None,
    };
    if let Some(proto) = proto {
        object.insert("proto".into(), json!(proto));
    }
    if let [port] = finding.ports.as_slice()
        && port.first() == port.last()
    {
        // The answering host of backscatter is the source, and its port the source port.
        let key = if finding.verdict == Verdict::Backscatter {
            "src_port"
        } else {
            "dest_port"
        };
        object.insert(key.into(), json!(port.first()));
    }
    record
}

fn alert(finding: &Finding) -> Value {
    let texts = |items: Vec<String>| Value::from(items);
    let strings = |items: &mut dyn Iterator<Item = String>| texts(items.collect());
    let mut metadata = json!({
        "crywolf_class": [finding.class.name()],
        "crywolf_verdict": [finding.verdict.name()],
        "confidence": [format!("{:.2}", finding.confidence)],
        "packets": [finding.packets.to_string()],
        "start": [finding.start.to_string()],
        "end": [finding.end.to_string()],
        "sources": strings(&mut finding.sources.iter().map(ToString::to_string)),
        "targets": strings(&mut finding.targets.iter().map(ToString::to_string)),
        "ports": strings(&mut finding.ports.iter().map(ToString::to_string)),
        "evidence": strings(
            &mut finding.evidence.iter().map(|e| format!("{}: {}", e.fact, e.observed))
        ),
    });
    if let Some(object) = metadata.as_object_mut() {
        if let Some(technique) = finding.class.technique() {
            object.insert("mitre_technique_id".into(), json!([technique]));
        }
        if let Some(tool) = &finding.tool {
            object.insert("tool".into(), json!([tool]));
        }
    }
    json!({
        "action": "allowed",
        "gid": GENERATOR,
        "signature_id": signature_id(finding.class),
        "rev": REVISION,
        "signature": format!("CRYWOLF {}: {}", finding.class, finding.class.definition()),
        "category": category(finding.verdict),
        "severity": severity(finding.verdict),
        "metadata": metadata,
    })
}

/// The class's signature id, stable because it follows from the name alone.
fn signature_id(class: Class) -> usize {
    let name = class.name();
    // FNV-1a, folded to six digits.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    FIRST_SIGNATURE + usize::try_from(hash % 99_991).unwrap_or(0)
}

fn category(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Attack => "Attempted Denial of Service",
        Verdict::Reconnaissance => "Detection of a Network Scan",
        Verdict::Backscatter | Verdict::Legitimate | Verdict::Normal => "Not Suspicious Traffic",
    }
}

/// 1 is the worst; Suricata's default for what is not suspicious is 3.
fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Attack => 1,
        Verdict::Reconnaissance => 2,
        Verdict::Backscatter | Verdict::Legitimate | Verdict::Normal => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_a_signature_of_its_own() {
        let mut ids: Vec<usize> = Class::ALL.iter().map(|c| signature_id(*c)).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), Class::ALL.len());
    }

    #[test]
    fn signatures_stay() {
        assert_eq!(signature_id(Class::SynScan), signature_id(Class::SynScan));
    }
}
