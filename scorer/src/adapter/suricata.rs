//! Suricata's EVE, JSON lines: those with `event_type` `alert` are alerts.
//!
//! Source: the output of Suricata 7.0.10 and 8.0.6 over captures.
//! Not read: alerts inside other records (`anomaly`), packets and payloads.

use std::borrow::Cow;

use serde::Deserialize;

use super::contract::{Adapter, Format, Line};
use super::fault::Fault;
use super::record::{self, Record};
use super::stamp;

pub(super) const ADAPTER: Adapter = Adapter {
    name: "suricata",
    what: "Suricata's EVE",
    endings: &[".eve.json", ".eve.jsonl", ".json", ".jsonl"],
    map: Some(("suricata.toml", include_str!("../../maps/suricata.toml"))),
    has_scores: false,
    is_ours: false,
    format: |_| Box::new(Eve),
};

struct Eve;

#[derive(Deserialize)]
struct Event<'t> {
    #[serde(borrow)]
    event_type: Option<Cow<'t, str>>,
    #[serde(borrow)]
    timestamp: Option<Cow<'t, str>>,
    pcap_cnt: Option<u64>,
    #[serde(borrow)]
    src_ip: Option<Cow<'t, str>>,
    src_port: Option<u64>,
    #[serde(borrow)]
    dest_ip: Option<Cow<'t, str>>,
    dest_port: Option<u64>,
    #[serde(borrow)]
    proto: Option<Cow<'t, str>>,
    icmp_type: Option<u64>,
    #[serde(borrow)]
    community_id: Option<Cow<'t, str>>,
    #[serde(borrow)]
    alert: Option<Signature<'t>>,
}

#[derive(Deserialize)]
struct Signature<'t> {
    gid: Option<u64>,
    signature_id: u64,
    #[serde(borrow, default)]
    signature: Cow<'t, str>,
    #[serde(borrow)]
    category: Option<Cow<'t, str>>,
    severity: Option<u64>,
    /// Present where the rule has the keyword `target`: which end is the attacker's.
    #[serde(borrow)]
    source: Option<End<'t>>,
    #[serde(borrow)]
    target: Option<End<'t>>,
}

#[derive(Deserialize)]
struct End<'t> {
    #[serde(borrow)]
    ip: Cow<'t, str>,
    port: Option<u64>,
}

impl Format for Eve {
    fn line(&mut self, text: &str) -> Result<Line, Fault> {
        let event: Event<'_> = serde_json::from_str(text)
            .map_err(|error| Fault::Unreadable(format!("not EVE: {error}")))?;
        let missing = |what: &str| Fault::Unreadable(format!("not EVE: no {what}"));
        match event.event_type.as_deref() {
            Some("alert") => {}
            Some(other) => return Ok(Line::Other(other.to_owned())),
            None => return Err(missing("event_type")),
        }
        let alert = event.alert.ok_or_else(|| missing("alert"))?;
        let stamp = event.timestamp.ok_or_else(|| missing("timestamp"))?;
        let time = stamp::iso(&stamp).ok_or_else(|| missing("time that can be read"))?;
        let gid = alert.gid.unwrap_or(1);
        let proto = event.proto.as_deref();
        let (source, target) = match (&alert.source, &alert.target) {
            (Some(source), Some(target)) => (
                (Some(&*source.ip), source.port),
                (Some(&*target.ip), target.port),
            ),
            _ => (
                (event.src_ip.as_deref(), event.src_port),
                (event.dest_ip.as_deref(), event.dest_port),
            ),
        };
        Ok(Line::Record(Box::new(Record {
            sources: record::address(source.0)?,
            targets: record::address(target.0)?,
            sport: record::port(source.1),
            dport: record::port(target.1),
            // An ICMP error speaks of the packet that it quotes, whose transport EVE does not name.
            transport: record::transport(proto).filter(|_| !is_icmp_error(proto, event.icmp_type)),
            frame: event.pcap_cnt.filter(|frame| *frame > 0),
            community_id: event.community_id.map(Cow::into_owned),
            gid: Some(gid),
            sid: Some(alert.signature_id),
            name: Some(alert.signature.clone().into_owned()),
            category: alert.category.map(Cow::into_owned),
            level: alert.severity,
            text: alert.signature.clone().into_owned(),
            ..Record::new(
                time,
                format!("{gid}:{} {}", alert.signature_id, alert.signature),
            )
        })))
    }
}

/// Whether an ICMP message of that type quotes another packet: RFC 792, RFC 4443.
fn is_icmp_error(proto: Option<&str>, kind: Option<u64>) -> bool {
    match proto {
        Some("ICMP") => matches!(kind, Some(3 | 4 | 5 | 11 | 12)),
        _ => matches!(kind, Some(1..=4)),
    }
}
