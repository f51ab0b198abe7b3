//! Of findings that speak of the same frames, the one that says more.

use labels::{AddressBlock, Class, Family, Finding, PortRange, Transport, Verdict};

use crate::tools;

/// Of findings that speak of the same frames in different words, keeps the one that says more: a scan in several names
/// is no scan by each of them, and no innocent explanation holds of a scanner's frames.
pub(super) fn arbitrate(findings: Vec<Finding>) -> Vec<Finding> {
    // Among thousands, the work would be that of all pairs: then only what takes in many others is asked.
    const MOST: usize = 512;
    let many = findings.len() > MOST;
    let wholes: Vec<(usize, &Finding)> = findings
        .iter()
        .enumerate()
        .filter(|(_, finding)| {
            let family = finding.class.family();
            !many || matches!(family, Family::Flood | Family::Decoy)
        })
        .collect();
    let keep: Vec<bool> = findings
        .iter()
        .enumerate()
        .map(|(at, part)| {
            !wholes
                .iter()
                .copied()
                // Of two that say the same, the first stays.
                .any(|(other, whole)| {
                    other != at && is_part(part, whole) && !(at < other && is_part(whole, part))
                })
        })
        .collect();
    findings
        .into_iter()
        .zip(keep)
        .filter_map(|(finding, keep)| keep.then_some(finding))
        .collect()
}

/// Whether all of one list lie in the other.
fn within(a: &[AddressBlock], b: &[AddressBlock]) -> bool {
    !a.is_empty()
        && a.iter()
            .all(|a| b.iter().any(|b| b.network().contains(&a.network())))
}

/// Whether the lists overlap.
fn meets(a: &[AddressBlock], b: &[AddressBlock]) -> bool {
    a.iter().any(|a| {
        b.iter()
            .any(|b| b.network().contains(&a.network()) || a.network().contains(&b.network()))
    })
}

/// Whether a range of ports lies in one of others.
fn is_within(part: &PortRange, whole: &[PortRange]) -> bool {
    whole
        .iter()
        .any(|whole| whole.first() <= part.first() && part.last() <= whole.last())
}

/// Whether one finding says of its frames less than another says of them.
fn is_part(part: &Finding, whole: &Finding) -> bool {
    let at_one_time = part.start <= whole.end && whole.start <= part.end;
    at_one_time
        && (is_question_of(part, whole)
            || is_answer_to(part, whole)
            || is_discovery_for(part, whole)
            || is_other_side_of(part, whole)
            || (is_share_of(part, whole) && is_by_the_same(part, whole)))
}

/// What a scanner asks of one service is a part of the scan, and nothing that it sends has an innocent reason.
fn is_question_of(part: &Finding, whole: &Finding) -> bool {
    let explains = part.verdict.is_explanation()
        && !matches!(part.class, Class::Traceroute | Class::RogueSystemSensor);
    let single = match part.class {
        Class::FingerProbe | Class::RpcProbe | Class::ProxyProbe => true,
        // Who goes through services asks for no port 0 by another protocol.
        Class::PortZeroProbe => part.transport == whole.transport,
        _ => false,
    };
    let accuses = matches!(
        whole.class.family(),
        Family::PortScan | Family::Sweep | Family::Decoy | Family::Fingerprint | Family::Flood
    );
    whole.verdict.is_alerting()
        && accuses
        && (single || explains)
        && within(&part.sources, &whole.sources)
        && meets(&part.targets, &whole.targets)
}

/// Answers that say what was asked are no answers to nothing.
fn is_answer_to(part: &Finding, whole: &Finding) -> bool {
    whole.verdict.is_alerting()
        && part.verdict == Verdict::Backscatter
        && meets(&part.sources, &whole.targets)
        && within(&part.targets, &whole.sources)
}

/// Who first looks which hosts are there, and then what is on them.
fn is_discovery_for(part: &Finding, whole: &Finding) -> bool {
    let asks_what = matches!(
        whole.class,
        Class::PortSweep
            | Class::WebProxySweep
            | Class::ProxyProbe
            | Class::SynScan
            | Class::ConnectScan
    );
    asks_what
        && part.class == Class::PingSweep
        && within(&whole.targets, &part.targets)
        && whole.targets.len() * 2 < part.targets.len()
        && meets(&part.sources, &whole.sources)
}

/// Of what goes both ways, the other way: what reflectors are asked and what they answer, a flood of questions and late
/// answers to them.
fn is_other_side_of(part: &Finding, whole: &Finding) -> bool {
    let back = meets(&part.sources, &whole.targets);
    match (part.class, whole.class) {
        (Class::UdpFlood, Class::Amplification) => back && meets(&part.targets, &whole.sources),
        // What is asked in the victim's name is not the victim's scan.
        (class, Class::Amplification)
            if matches!(class.family(), Family::PortScan | Family::Sweep) =>
        {
            within(&part.sources, &whole.targets) && meets(&part.targets, &whole.sources)
        }
        (Class::StaleDns, Class::UdpFlood) => back,
        _ => false,
    }
}

/// Packets of a few rounds of nmap's SYNs that show how a stack draws its numbers, with their answers.
const MOST_DRAWN: u64 = 96;

/// Whether what the one says is a share of what the other says, by their classes.
fn is_share_of(part: &Finding, whole: &Finding) -> bool {
    let family = part.class.family();
    let scan_of_it = matches!(family, Family::PortScan | Family::Sweep);
    let to_the_same = within(&part.targets, &whole.targets);
    match whole.class {
        Class::DecoyScan => scan_of_it,
        // By its own list of ports, which leaves no room for others.
        Class::RogueSystemSensor => {
            let udp = part.transport == Some(Transport::Udp);
            let of_sensor = |range: &PortRange| {
                tools::is_of_sensor(udp, range.first()) && tools::is_of_sensor(udp, range.last())
            };
            part.class != whole.class && part.ports.iter().all(of_sensor)
        }
        // Of a scan that many share, what each of them did.
        Class::SynScan | Class::ConnectScan | Class::PortSweep => {
            part.sources.len() < whole.sources.len()
                && scan_of_it
                && to_the_same
                && part.transport == whole.transport
        }
        // Of which odd flags are a part, and SYNs whose numbers follow each other, to see how a stack draws its own.
        Class::OsFingerprint => {
            let odd = family == Family::PortScan
                && !matches!(part.class, Class::SynScan | Class::ConnectScan);
            (odd || part.class == Class::SynFlood && part.packets <= MOST_DRAWN) && to_the_same
        }
        // Of whom one host answered us, all who did.
        Class::DecoyScanBackscatter => {
            part.verdict == Verdict::Backscatter
                && part.class != Class::DecoyScanBackscatter
                && to_the_same
                && part.transport == whole.transport
        }
        Class::InverseMapping => part.verdict == Verdict::Backscatter,
        Class::RelayTest => part.class == Class::VersionScan && to_the_same,
        Class::SpoofedSynFlood | Class::SynFlood => {
            matches!(family, Family::PortScan | Family::Decoy)
                && part.transport == whole.transport
                && to_the_same
                && (is_mote_of(part, whole)
                    || part.ports.iter().all(|port| is_within(port, &whole.ports)))
        }
        // What floods goes to ever other ports, too, and so do reflectors' answers.
        Class::Amplification | Class::UdpFlood if part.class == Class::UdpScan => to_the_same,
        Class::Amplification => matches!(part.class, Class::DecoyScanBackscatter | Class::UdpFlood),
        Class::TcpFlagFlood => {
            to_the_same && matches!(family, Family::PortScan | Family::Backscatter)
        }
        // All who guess together.
        Class::PasswordGuessing => {
            part.class == Class::PasswordGuessing
                && to_the_same
                && part.ports == whole.ports
                && part.sources.len() < whole.sources.len()
        }
        Class::RoutingLoop => part.class == Class::Traceroute,
        Class::MonitoringPoll => {
            part.class == Class::MonitoringPoll && part.packets < whole.packets
        }
        _ => false,
    }
}

/// Whether it is next to nothing of a flood in forged names, which may have gone to other ports as well.
fn is_mote_of(part: &Finding, whole: &Finding) -> bool {
    const MOST: u64 = 16;
    whole.class == Class::SpoofedSynFlood && part.packets <= MOST && part.ports.len() <= 2
}

/// Whether those whom the one blames are among those whom the other blames.
fn is_by_the_same(part: &Finding, whole: &Finding) -> bool {
    // The forged names are told as the block that holds most of them.
    let one_of_them =
        whole.class == Class::SpoofedSynFlood && part.packets.saturating_mul(50) < whole.packets;
    within(&part.sources, &whole.sources)
        || one_of_them
        || (whole.sources.is_empty() && within(&part.targets, &whole.targets))
}
