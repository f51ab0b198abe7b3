//! From a case to findings: what the whole of it was, or is so far.

use labels::{Class, Evidence, Finding, Transport};

use super::case::Case;
use super::limits::Limits;
use super::syn;
use super::tally::{Contact, Tally};
use crate::address::Address;
use crate::news::{Outcome, Technique};
use crate::report::{Draft, count, fact};
use crate::tools;

/// RFC 1288.
const FINGER: u16 = 79;
/// Probes of each host that a scan may send only to see whether the host exists.
const DISCOVERY_PROBES: u64 = 2;

/// The findings of a closed case.
pub(super) fn findings(source: Address, mut case: Case, config: &Limits) -> Vec<Finding> {
    let scripted = is_sscan(&case);
    fold_discovery(&mut case);
    fold_second_stage(&mut case);
    let tallies = case.tallies.iter();
    tallies
        .filter_map(|(technique, tally)| finding(source, *technique, tally, config))
        .map(|finding| match finding.class {
            Class::AckScan if scripted => Finding {
                class: Class::Sscan,
                ..finding
            },
            _ => finding,
        })
        .collect()
}

/// What is known of one technique of a case, once it is a claim.
pub(super) fn finding(
    source: Address,
    technique: Technique,
    tally: &Tally,
    config: &Limits,
) -> Option<Finding> {
    let detection = tally.detection.as_ref()?;
    if matches!(technique, Technique::Syn | Technique::Udp) && tally.is_user() {
        return None;
    }
    let (class, transport) = classify(technique, tally, config);
    let mut evidence = detection.evidence.clone();
    evidence.extend(summary(technique, tally));
    Some(
        Draft {
            class,
            tool: tool(tally),
            sources: vec![source.to_ip().into()],
            targets: tally.targets.blocks(),
            transport,
            ports: tally.ports.ranges(),
            span: tally.activity,
            detected: detection.at,
            confidence: detection.confidence,
            evidence,
        }
        .finish(),
    )
}

fn classify(technique: Technique, tally: &Tally, config: &Limits) -> (Class, Transport) {
    let class = match technique {
        _ if tally.ports.list() == [0] => Class::PortZeroProbe,
        Technique::Syn if tally.is_monitor() => Class::MonitoringPoll,
        Technique::Syn if is_for_trojans(tally) => Class::TrojanProbe,
        Technique::Syn if is_for_rpc(tally) => Class::RpcProbe,
        Technique::Syn if tally.ports.list() == [FINGER] => Class::FingerProbe,
        Technique::Syn
            if is_for_web_and_proxies(tally)
                && tally.targets.len() >= config.scan.sweep_shape_hosts =>
        {
            Class::WebProxySweep
        }
        Technique::Syn
            if is_for_proxies(tally)
                && is_mostly_web(tally)
                && tally.targets.len() >= config.scan.sweep_shape_hosts =>
        {
            Class::WebProxySweep
        }
        Technique::Syn if is_for_proxies(tally) => Class::ProxyProbe,
        Technique::Syn if syn::is_sweep(tally, config) => Class::PortSweep,
        Technique::Syn if syn::is_half_open(tally) => Class::SynScan,
        Technique::Syn => Class::ConnectScan,
        Technique::Fin => Class::FinScan,
        Technique::Null => Class::NullScan,
        Technique::Xmas => Class::XmasScan,
        Technique::Maimon => Class::MaimonScan,
        Technique::Ack => Class::AckScan,
        Technique::SynFin => Class::SynfinScan,
        Technique::Udp => return (Class::UdpScan, Transport::Udp),
        Technique::Odd => Class::XmasScan,
        // Not held here.
        Technique::Echo | Technique::Stamp | Technique::Arp => {
            return (Class::OsFingerprint, Transport::Tcp);
        }
    };
    let sctp = tally.contacts.iter().any(|contact| contact.sctp);
    (
        class,
        if sctp {
            Transport::Other
        } else {
            Transport::Tcp
        },
    )
}

/// Whether a scan that began with ACKs from equal ports asks for the stack from the lowest source ports, as sscan does
/// and nothing else.
fn is_sscan(case: &Case) -> bool {
    const LOWEST: std::ops::RangeInclusive<u16> = 1..=5;
    let equal = case.tallies.get(&Technique::Ack);
    let equal = equal.is_some_and(|ack| ack.contacts.iter().any(Contact::equal_ports));
    let contacts = case.tallies.values().flat_map(|tally| &tally.contacts);
    let mut low: Vec<u16> = contacts
        .map(|contact| contact.sport)
        .filter(|sport| LOWEST.contains(sport))
        .collect();
    low.sort_unstable();
    low.dedup();
    equal && low.len() >= 2
}

/// Whether all ports are those of RPC services.
fn is_for_rpc(tally: &Tally) -> bool {
    tally.ports.list().iter().all(|port| tools::is_rpc(*port))
}

/// Whether proxies are what the ports have in common: one that nothing else uses, alone or with another and half of all.
fn is_for_proxies(tally: &Tally) -> bool {
    let ports = tally.ports.list();
    let proxies = ports.iter().filter(|port| tools::PROXIES.contains(port));
    let proxies = proxies.count();
    let alone = ports.iter().any(|port| matches!(port, 1080 | 3128));
    alone && (proxies >= 2 && proxies * 2 >= ports.len() || ports.len() == 1)
}

/// Whether more than half of the ports are such that servers of the web have, too.
fn is_mostly_web(tally: &Tally) -> bool {
    let ports = tally.ports.list();
    let web = ports
        .iter()
        .filter(|port| tools::PROXIES.contains(port) && !matches!(port, 1080 | 3128));
    web.count() * 2 > ports.len()
}

/// Whether servers and proxies of the web are what the ports have in common.
fn is_for_web_and_proxies(tally: &Tally) -> bool {
    let ports = tally.ports.list();
    let web = |port: &u16| matches!(port, 80 | 443);
    ports.iter().any(web)
        && ports.iter().any(|port| tools::PROXIES.contains(port))
        && ports
            .iter()
            .all(|port| web(port) || tools::PROXIES.contains(port))
}

/// Whether most of the ports are those of back doors.
fn is_for_trojans(tally: &Tally) -> bool {
    let ports = tally.ports.list();
    let trojans = ports.iter().filter(|port| tools::TROJANS.contains(port));
    trojans.count() * 4 >= ports.len() * 3
}

/// The program that most of the probes look like.
fn tool(tally: &Tally) -> Option<&'static str> {
    let look = tally.contacts.first()?.look?;
    let same = tally.contacts.iter().filter(|c| c.look == Some(look));
    (same.count() * 4 >= tally.contacts.len() * 3).then_some(look)
}

/// How the attempts ended.
fn summary(technique: Technique, tally: &Tally) -> Vec<Evidence> {
    let mut facts = vec![fact(
        "extent",
        format!(
            "{} of {}",
            count(tally.ports.len(), "port"),
            count(tally.targets.len(), "host")
        ),
        "the services one uses",
        [tally.activity.first.frame],
    )];
    let names: &[(Outcome, &str)] = match technique {
        Technique::Syn => &[
            (Outcome::Refused, "refused"),
            (Outcome::Silent, "unanswered"),
            (Outcome::Unreachable, "unreachable"),
            (Outcome::Torn, "torn down half-open"),
            (Outcome::Abandoned, "left half-open"),
            (Outcome::Empty, "completed and left empty"),
        ],
        Technique::Udp => &[
            (Outcome::Unreachable, "port unreachable"),
            (Outcome::Silent, "unanswered"),
        ],
        _ => &[
            (Outcome::Refused, "answered with RST"),
            (Outcome::Silent, "unanswered"),
        ],
    };
    let ended: Vec<String> = names
        .iter()
        .filter(|(outcome, _)| tally.outcome(*outcome) > 0)
        .map(|(outcome, name)| format!("{} {name}", tally.outcome(*outcome)))
        .collect();
    let fragmented = tally.contacts.iter().filter(|c| c.fragmented);
    if fragmented.clone().next().is_some() {
        facts.push(fact(
            "headers in tiny fragments",
            count(fragmented.clone().count(), "probe"),
            "none: no network is that narrow",
            fragmented.map(|c| c.frame),
        ));
    }
    if !ended.is_empty() {
        facts.push(fact("how they ended", ended.join(", "), "data", []));
    }
    facts
}

/// An ACK to one port of each host that is scanned by other means only asks whether the host exists (nmap sends it
/// to port 80): it is part of that scan.
fn fold_discovery(case: &mut Case) {
    let Some(ack) = case.tallies.get(&Technique::Ack) else {
        return;
    };
    let few = ack.ports.len() == 1 && ack.attempts <= DISCOVERY_PROBES * ack.targets.len() as u64;
    let main = case
        .tallies
        .iter()
        .filter(|(technique, _)| **technique != Technique::Ack)
        .filter(|(_, tally)| tally.detection.is_some() && tally.targets.meets(&ack.targets))
        .max_by_key(|(_, tally)| tally.attempts)
        .map(|(technique, _)| *technique);
    if let (true, Some(main)) = (few, main) {
        fold(
            case,
            Technique::Ack,
            main,
            "ACKs that ask whether hosts exist",
        );
    }
}

/// SYNs that follow ACK probes with equal ports to the same hosts are the second stage of one scan: the first found
/// what the filter passes.
fn fold_second_stage(case: &mut Case) {
    let (Some(ack), Some(syn)) = (
        case.tallies.get(&Technique::Ack),
        case.tallies.get(&Technique::Syn),
    ) else {
        return;
    };
    let equal = ack.contacts.iter().filter(|c| c.equal_ports()).count();
    if ack.detection.is_some()
        && equal * 2 > ack.contacts.len()
        && syn.targets.meets(&ack.targets)
        && syn.activity.first > ack.activity.first
    {
        fold(
            case,
            Technique::Syn,
            Technique::Ack,
            "SYNs to the hosts that ACKs had found",
        );
    }
}

/// Makes one technique part of another's finding.
fn fold(case: &mut Case, part: Technique, main: Technique, what: &str) {
    let Some(folded) = case.tallies.remove(&part) else {
        return;
    };
    let Some(tally) = case.tallies.get_mut(&main) else {
        return;
    };
    if let Some(detection) = &mut tally.detection {
        detection.evidence.push(fact(
            what,
            format!(
                "{} of {}",
                count(folded.ports.len(), "port"),
                count(folded.targets.len(), "host")
            ),
            "none",
            folded.contacts.iter().map(|c| c.frame),
        ));
        if let Some(other) = &folded.detection
            && other.at < detection.at
        {
            detection.at = other.at;
        }
    }
    tally.targets.merge(&folded.targets);
    tally.ports.merge(&folded.ports);
    tally.activity.merge(&folded.activity);
}
