//! One finding for one event: two that are put together, floods that are one because they go over one network, and scans
//! that neighbours share. What comes over a whole network at once has as many victims as the network has hosts; of whom
//! shares a scan, hardly two ask for the same port.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use labels::{AddressBlock, Class, Evidence, Family, Finding, PortRange, Transport};

use super::examples;

/// What begins so soon after the rest has ended still belongs to it, in seconds.
const PAUSE_SECONDS: i64 = 60;
/// Blocks that a finding names at most.
const BLOCKS: usize = 512;

/// Neighbours that scan one host from which on they may share the work.
const SHARERS: usize = 4;

/// Puts together what is one event.
pub(crate) fn gather(findings: Vec<Finding>, hosts: usize) -> Vec<Finding> {
    gather_scans(gather_floods(findings, hosts))
}

/// Puts scans of one kind and one host together that neighbours have shared.
fn gather_scans(findings: Vec<Finding>) -> Vec<Finding> {
    let (mut scans, mut gathered): (Vec<_>, Vec<_>) = findings
        .into_iter()
        .partition(|finding| share(finding).is_some());
    scans.sort_by_cached_key(|scan| (share(scan), scan.start, scan.detected_frame));
    let mut groups: Vec<Vec<Finding>> = Vec::new();
    for scan in scans {
        let group = groups.last_mut().filter(|group| {
            let last = group.iter().map(|known| known.end.as_second()).max();
            group.first().map(share) == Some(share(&scan))
                && last.is_some_and(|last| scan.start.as_second() <= last + PAUSE_SECONDS)
        });
        match group {
            Some(group) => group.push(scan),
            None => groups.push(vec![scan]),
        }
    }
    gathered.extend(groups.into_iter().flat_map(as_shared));
    gathered
}

/// What scans have in common that neighbours may share: kind, target, and where they come from.
fn share(finding: &Finding) -> Option<(Class, Option<Transport>, IpNet, IpNet)> {
    let ([source], [target]) = (&finding.sources[..], &finding.targets[..]) else {
        return None;
    };
    let scan = finding.class.family() == Family::PortScan && !finding.ports.is_empty();
    let place = neighbourhood(source.network().addr()).filter(|_| scan)?;
    Some((finding.class, finding.transport, target.network(), place))
}

/// One of all where hardly a port was asked for twice, else each for itself.
fn as_shared(group: Vec<Finding>) -> Vec<Finding> {
    if group.len() < SHARERS {
        return group;
    }
    let ranges = || group.iter().flat_map(|scan| &scan.ports);
    let all: usize = ranges()
        .map(|range| (range.first()..=range.last()).len())
        .sum();
    let different = PortRange::cover(ranges().flat_map(|range| range.first()..=range.last()));
    let different: usize = (different.iter())
        .map(|range| (range.first()..=range.last()).len())
        .sum();
    if all * 4 > different * 5 {
        return group;
    }
    let frames = group.iter().filter_map(|scan| scan.first_frame);
    let shared = Evidence {
        fact: "neighbours divide ports of one host among them".to_owned(),
        observed: format!("{} sources, {different} ports", group.len()),
        expected: "clients of a service all ask for its port".to_owned(),
        frames: frames.take(examples::MOST).collect(),
    };
    let mut one = united(group);
    for scan in &mut one {
        // What was said of one of them does not hold of all.
        scan.evidence = vec![shared.clone()];
    }
    one
}

/// One finding of all.
fn united(group: Vec<Finding>) -> Vec<Finding> {
    let mut group = group.into_iter();
    let Some(mut one) = group.next() else {
        return Vec::new();
    };
    for mut other in group {
        if other.detected_frame < one.detected_frame {
            one.evidence = std::mem::take(&mut other.evidence);
        }
        join(&mut one.sources, std::mem::take(&mut other.sources));
        unite(&mut one, other);
    }
    vec![one]
}

/// Puts floods of one kind together that go over one network at one time, where that has so many hosts.
fn gather_floods(findings: Vec<Finding>, hosts: usize) -> Vec<Finding> {
    let (mut floods, mut gathered): (Vec<_>, Vec<_>) = findings
        .into_iter()
        .partition(|finding| ground(finding).is_some());
    floods.sort_by_cached_key(|flood| {
        (
            flood.class,
            ground(flood),
            flood.start,
            flood.detected_frame,
        )
    });
    // Each with all that it may be one with; a group is looked for among those of its network.
    let mut groups: Vec<Vec<Finding>> = Vec::new();
    for flood in floods {
        let mut near = (groups.iter_mut().rev())
            .take_while(|group| group.first().is_some_and(|known| is_near(known, &flood)));
        match near.find(|group| group.iter().any(|known| is_one(known, &flood))) {
            Some(group) => group.push(flood),
            None => groups.push(vec![flood]),
        }
    }
    gathered.extend(groups.into_iter().flat_map(|group| as_one(group, hosts)));
    gathered
}

/// Makes one finding of two of one event; whom it blames and why remains as it was.
pub(crate) fn unite(one: &mut Finding, other: Finding) {
    if other.detected_frame < one.detected_frame {
        (one.detected, one.detected_frame) = (other.detected, other.detected_frame);
    }
    one.start = one.start.min(other.start);
    one.end = one.end.max(other.end);
    one.first_frame = one.first_frame.into_iter().chain(other.first_frame).min();
    one.packets = one.packets.saturating_add(other.packets);
    one.confidence = one.confidence.max(other.confidence);
    one.tool = one.tool.take().or(other.tool);
    join(&mut one.targets, other.targets);
    if one.ports != other.ports {
        let ranges = one.ports.iter().chain(&other.ports);
        one.ports = PortRange::cover(ranges.flat_map(|range| range.first()..=range.last()));
    }
}

/// The network that holds all victims of a flood.
fn ground(finding: &Finding) -> Option<IpNet> {
    let flood = finding.class.family() == Family::Flood;
    let first = finding.targets.first().filter(|_| flood)?.network();
    let ground = neighbourhood(first.addr())?;
    let inside = |block: &AddressBlock| ground.contains(&block.network());
    finding.targets.iter().all(inside).then_some(ground)
}

/// The network of hosts that are neighbours.
fn neighbourhood(address: IpAddr) -> Option<IpNet> {
    Some(match address {
        IpAddr::V4(address) => Ipv4Net::new(address, 24).ok()?.trunc().into(),
        IpAddr::V6(address) => Ipv6Net::new(address, 64).ok()?.trunc().into(),
    })
}

/// Whether two are of one kind and over one network.
fn is_near(a: &Finding, b: &Finding) -> bool {
    a.class == b.class && ground(a) == ground(b)
}

/// Whether two of one kind over one network are one flood.
fn is_one(known: &Finding, later: &Finding) -> bool {
    let shared = || {
        let of = |a: &AddressBlock| (later.sources.iter()).any(|b| a.covers(b) || b.covers(a));
        known.sources.iter().any(of)
    };
    known.transport == later.transport
        && later.start.as_second() <= known.end.as_second() + PAUSE_SECONDS
        // In one's own name, it is one's own flood.
        && (known.class != Class::SynFlood || shared())
}

/// One of all where they are over so many hosts, else each for itself.
fn as_one(group: Vec<Finding>, hosts: usize) -> Vec<Finding> {
    let of = |finding: &Finding| {
        let is_network =
            |block: &AddressBlock| block.network().prefix_len() < block.network().max_prefix_len();
        if finding.targets.iter().any(is_network) {
            hosts
        } else {
            finding.targets.len()
        }
    };
    if group.len() < 2 || group.iter().map(of).sum::<usize>() < hosts {
        return group;
    }
    united(group)
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

    /// So many neighbours in turn, five SYNs each; which port the `n`th of all asks.
    fn scans(neighbours: usize, port: &str) -> String {
        format!(
            "0.0 repeat {} every 0.05\n\
             0.0 203.0.113.{{n%{neighbours}+100}}.61000 > 192.0.2.10.{port}: S ={{n*7919%9973*400000}} win 1024 ttl 57\n\
             end",
            neighbours * 5
        )
    }

    #[test]
    fn a_scan_that_neighbours_share_is_one_finding() {
        let found = findings(&scans(24, "{n+20}"));
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0].sources.len(), 24);
        assert_eq!(found[0].packets, 120);
    }

    #[test]
    fn neighbours_who_scan_the_same_are_as_many_scanners() {
        assert_eq!(findings(&scans(24, "{n/24+20}")).len(), 24);
        assert_eq!(findings(&scans(3, "{n+20}")).len(), 3);
    }

    #[test]
    fn two_flooders_of_one_network_are_two_findings() {
        let found = findings(
            "0.0 repeat 3600 every 0.002
             0.0 198.51.100.{n%2+1}.{1024+n} > 192.0.2.{n%12+1}.80: S ={n*7919} win 512 ttl 57
             end",
        );
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(found.iter().all(|flood| flood.targets.len() == 6));
    }
}
