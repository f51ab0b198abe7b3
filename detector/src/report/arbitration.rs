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

fn within(a: &[AddressBlock], b: &[AddressBlock]) -> bool {
    !a.is_empty()
        && a.iter()
            .all(|a| b.iter().any(|b| b.network().contains(&a.network())))
}

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
    if part.start > whole.end || whole.start > part.end {
        return false;
    }
    let scans = matches!(
        whole.class.family(),
        Family::PortScan | Family::Sweep | Family::Decoy | Family::Fingerprint
    );
    let explains = part.verdict.is_explanation()
        && !matches!(part.class, Class::Traceroute | Class::RogueSystemSensor);
    // What a scanner asks of one service is a part of the scan.
    let single = matches!(
        part.class,
        Class::FingerProbe | Class::PortZeroProbe | Class::RpcProbe | Class::ProxyProbe
    ) || explains;
    if whole.verdict.is_alerting()
        && (scans || whole.class.family() == Family::Flood)
        && single
        && within(&part.sources, &whole.sources)
        && meets(&part.targets, &whole.targets)
    {
        return true;
    }
    // Answers that say what was asked are no answers to nothing.
    if whole.verdict.is_alerting()
        && part.verdict == Verdict::Backscatter
        && meets(&part.sources, &whole.targets)
        && within(&part.targets, &whole.sources)
    {
        return true;
    }
    let scan_of_it = matches!(part.class.family(), Family::PortScan | Family::Sweep);
    let to_the_same = within(&part.targets, &whole.targets);
    let by_class = match whole.class {
        Class::DecoyScan => scan_of_it,
        // By its own list of ports, which leaves no room for others.
        Class::RogueSystemSensor => {
            let udp = part.transport == Some(Transport::Udp);
            part.class != whole.class
                && part.ports.iter().all(|range| {
                    tools::is_of_sensor(udp, range.first())
                        && tools::is_of_sensor(udp, range.last())
                })
        }
        // Who first looks which hosts are there, and then what is on them.
        Class::PortSweep
        | Class::WebProxySweep
        | Class::ProxyProbe
        | Class::SynScan
        | Class::ConnectScan
            if part.class == Class::PingSweep
                && within(&whole.targets, &part.targets)
                && whole.targets.len() * 2 < part.targets.len()
                && whole.start <= part.end =>
        {
            return meets(&part.sources, &whole.sources);
        }
        // Of a scan that many share, what each of them did.
        Class::SynScan | Class::ConnectScan | Class::PortSweep
            if part.sources.len() < whole.sources.len() =>
        {
            scan_of_it && to_the_same && part.transport == whole.transport
        }
        // Of which odd flags are a part.
        Class::OsFingerprint => {
            part.class.family() == Family::PortScan
                && !matches!(part.class, Class::SynScan | Class::ConnectScan)
                && to_the_same
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
            matches!(part.class.family(), Family::PortScan | Family::Decoy)
                && part.transport == whole.transport
                && to_the_same
                && part.ports.iter().all(|port| is_within(port, &whole.ports))
        }
        Class::Amplification
            if part.class == Class::UdpFlood
                && meets(&part.targets, &whole.sources)
                && meets(&part.sources, &whole.targets) =>
        {
            return true;
        }
        Class::Amplification => matches!(part.class, Class::DecoyScanBackscatter | Class::UdpFlood),
        Class::UdpFlood
            if part.class == Class::StaleDns && meets(&part.sources, &whole.targets) =>
        {
            return true;
        }
        Class::UdpFlood => part.class == Class::UdpScan && to_the_same,
        Class::TcpFlagFlood => {
            to_the_same && matches!(part.class.family(), Family::PortScan | Family::Backscatter)
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
        _ => return false,
    };
    // The forged names are told as the block that holds most of them.
    let one_of_them =
        whole.class == Class::SpoofedSynFlood && part.packets.saturating_mul(50) < whole.packets;
    by_class
        && (within(&part.sources, &whole.sources)
            || one_of_them
            || (whole.sources.is_empty() && to_the_same))
}
