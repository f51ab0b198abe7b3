//! One finding for one flood: what comes over a whole network at once has as many victims as the network has hosts, and
//! is one event.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use labels::{AddressBlock, Class, Family, Finding, PortRange};

/// Hosts of one network that are flooded together: fewer may be coincidence, or the few that somebody means.
const HOSTS: usize = 4;
/// What begins so soon after the rest has ended still belongs to it, in seconds.
const PAUSE_SECONDS: i64 = 60;
/// Blocks that are named at most.
const BLOCKS: usize = 512;

/// Puts floods of one kind together that go over one network at one time.
pub(crate) fn gather(findings: Vec<Finding>) -> Vec<Finding> {
    let (mut floods, mut rest): (Vec<_>, Vec<_>) = findings
        .into_iter()
        .partition(|finding| ground(finding).is_some());
    floods.sort_by(|a, b| {
        (a.class, ground(a), a.start, a.detected_frame).cmp(&(
            b.class,
            ground(b),
            b.start,
            b.detected_frame,
        ))
    });
    let mut group: Vec<Finding> = Vec::new();
    for finding in floods {
        if !group.last().is_some_and(|last| is_alike(last, &finding))
            || !group.iter().any(|known| is_together(known, &finding))
        {
            rest.extend(as_one(std::mem::take(&mut group)));
        }
        group.push(finding);
    }
    rest.extend(as_one(group));
    rest
}

/// The network that holds all victims of a flood.
fn ground(finding: &Finding) -> Option<IpNet> {
    let flood = finding.class.family() == Family::Flood;
    let first = finding.targets.first().filter(|_| flood)?.network();
    let ground: IpNet = match first.addr() {
        IpAddr::V4(address) => Ipv4Net::new(address, 24).ok()?.trunc().into(),
        IpAddr::V6(address) => Ipv6Net::new(address, 64).ok()?.trunc().into(),
    };
    let inside = |block: &AddressBlock| ground.contains(&block.network());
    finding.targets.iter().all(inside).then_some(ground)
}

fn is_alike(a: &Finding, b: &Finding) -> bool {
    let sources = || {
        a.sources
            .iter()
            .any(|a| b.sources.iter().any(|b| a.covers(b) || b.covers(a)))
    };
    a.class == b.class
        && ground(a) == ground(b)
        && a.transport == b.transport
        // In one's own name, it is one's own flood.
        && (a.class != Class::SynFlood || sources())
}

fn is_together(a: &Finding, b: &Finding) -> bool {
    b.start.as_second() <= a.end.as_second() + PAUSE_SECONDS
}

/// One of all where there are enough, else each for itself.
fn as_one(group: Vec<Finding>) -> Vec<Finding> {
    let hosts = |finding: &Finding| {
        let whole = finding
            .targets
            .iter()
            .any(|block| block.network().prefix_len() < block.network().max_prefix_len());
        if whole { HOSTS } else { finding.targets.len() }
    };
    if group.len() < 2 || group.iter().map(hosts).sum::<usize>() < HOSTS {
        return group;
    }
    let mut group = group.into_iter();
    let Some(mut one) = group.next() else {
        return Vec::new();
    };
    for other in group {
        if other.detected_frame < one.detected_frame {
            (one.detected, one.detected_frame) = (other.detected, other.detected_frame);
            one.evidence = other.evidence;
        }
        one.start = one.start.min(other.start);
        one.end = one.end.max(other.end);
        one.first_frame = one.first_frame.into_iter().chain(other.first_frame).min();
        one.packets = one.packets.saturating_add(other.packets);
        one.confidence = one.confidence.max(other.confidence);
        one.tool = one.tool.take().or(other.tool);
        join(&mut one.sources, other.sources);
        join(&mut one.targets, other.targets);
        let ranges = one.ports.iter().chain(&other.ports);
        one.ports = PortRange::cover(ranges.flat_map(|range| range.first()..=range.last()));
    }
    vec![one]
}

/// Takes blocks in that are not known yet.
fn join(known: &mut Vec<AddressBlock>, more: Vec<AddressBlock>) {
    for block in more {
        known.retain(|old| *old == block || !block.covers(old));
        if known.len() < BLOCKS && !known.iter().any(|old| old.covers(&block)) {
            known.push(block);
        }
    }
    known.sort_unstable();
}

#[cfg(test)]
mod tests {
    use labels::Class;

    use crate::trace::findings;

    /// SYNs from ever other sources, in turn to so many hosts of a network.
    fn flood(hosts: usize) -> String {
        format!(
            "0.0 repeat {} every 0.002\n\
             0.0 198.18.{{n%251}}.{{n*7%249+1}}.{{1024+n}} > 192.0.2.{{n%{hosts}+1}}.80: S ={{n*7919}} win 512 ttl 57\n\
             end",
            hosts * 300
        )
    }

    #[test]
    fn a_flood_over_a_network_is_one_finding_and_of_two_hosts_two() {
        let over_all = findings(&flood(12));
        assert_eq!(over_all.len(), 1, "{over_all:#?}");
        assert_eq!(over_all[0].class, Class::SpoofedSynFlood);
        assert_eq!(over_all[0].targets.len(), 12);
        assert_eq!(findings(&flood(2)).len(), 2);
    }
}
