//! Rules of nftables and iptables, from what a kernel has said of them.

use super::*;
use crate::link::virtual_server::read_servers;
use crate::link::{Family, read_entries, read_rules};

/// The interfaces of the namespace in which the messages were recorded.
fn interfaces() -> Vec<Interface> {
    let plain = link(&recorded!("tap"));
    let named = [(2, "near"), (3, "far"), (5, "uplink"), (6, "distant")];
    named
        .map(|(index, name)| Interface {
            index,
            name: name.to_owned(),
            ..plain.clone()
        })
        .into()
}

fn chains() -> Vec<Vec<u8>> {
    vec![
        recorded!("nft-chain-in"),
        recorded!("nft-chain-out"),
        recorded!("nft-chain-called"),
    ]
}

/// Where a rule sends packets, and on which side of which interfaces.
fn found(rule: Vec<u8>) -> (Vec<(Option<u32>, Side)>, Vec<Target>) {
    let detours = read_rules(&chains(), &[rule], &interfaces());
    let mut places: Vec<_> = detours.iter().map(|one| (one.at, one.side)).collect();
    let mut targets: Vec<_> = detours.into_iter().map(|one| one.target).collect();
    places.sort_unstable();
    places.dedup();
    targets.sort();
    targets.dedup();
    (places, targets)
}

/// All places at which chains of the recorded table stand: rules may be called by any of them.
const PLACES: [(Option<u32>, Side); 3] = [
    (Some(2), Side::Out),
    (Some(3), Side::In),
    (Some(3), Side::Out),
];

#[test]
fn rules_of_interfaces_are_read_with_what_they_send_to() {
    for rule in [recorded!("nft-fwd"), recorded!("nft-dup")] {
        assert_eq!(found(rule), (PLACES.to_vec(), vec![Target::Leaves(5)]));
    }
    let (places, targets) = found(recorded!("nft-fwd-map"));
    assert_eq!(places, PLACES);
    assert!(matches!(&targets[..], [Target::Unreadable(what)] if what.contains("map")));
}

#[test]
fn rules_of_hosts_are_read_with_what_they_copy_to() {
    let everywhere = vec![(None, Side::In)];
    let (places, targets) = found(recorded!("nft-dup-to-device"));
    assert_eq!(
        (places, targets),
        (everywhere.clone(), vec![Target::Leaves(5)])
    );
    for rule in [recorded!("nft-dup-to"), recorded!("nft-tee")] {
        let (places, targets) = found(rule);
        assert_eq!(places, everywhere);
        assert!(matches!(&targets[..], [Target::Unreadable(what)] if what.contains("address")));
    }
    assert_eq!(found(recorded!("nft-accept")), (vec![], vec![]));
}

#[test]
fn rules_by_which_the_machine_takes_what_is_for_others_are_told_from_those_for_itself() {
    let hooks = [recorded!("nft-hook-first"), recorded!("nft-hook-in")];
    let takes = |hooks: &[Vec<u8>], rule| {
        let detours = read_rules(hooks, &[rule], &[]);
        detours.iter().any(|one| one.target == Target::Machine)
    };
    for rule in [
        recorded!("nft-redirect"),
        recorded!("nft-dnat"),
        recorded!("nft-reject"),
        recorded!("nft-reject-called"),
    ] {
        assert!(takes(&hooks, rule));
    }
    for rule in [recorded!("nft-snat"), recorded!("nft-reject-in")] {
        assert!(!takes(&hooks, rule));
    }
    // Nothing in that table is asked before routing.
    assert!(!takes(&hooks[1..], recorded!("nft-reject-called")));
    // The older form of the same, by the name of the target.
    let mut entries = recorded!("iptables");
    let tee = entries.windows(4).position(|part| part == b"TEE\0");
    let tee = tee.unwrap();
    entries[tee..tee + 9].copy_from_slice(b"REDIRECT\0");
    let detours = read_entries(Family::Four, &entries, &interfaces());
    assert!(matches!(&detours[..], [one] if one.target == Target::Machine));
}

#[test]
fn what_nobody_knows_may_send_anywhere() {
    let name = b"counter\0";
    let mut rule = recorded!("nft-accept");
    let at = rule
        .windows(name.len())
        .position(|part| part == name)
        .unwrap();
    rule[at..at + 7].copy_from_slice(b"beamery");
    let (_, targets) = found(rule);
    assert!(matches!(&targets[..], [Target::Unreadable(what)] if what.contains("beamery")));
}

#[test]
fn tables_of_iptables_are_read_entry_by_entry() {
    for (family, entries) in [
        (Family::Four, recorded!("iptables")),
        (Family::Six, recorded!("ip6tables")),
    ] {
        let detours = read_entries(family, &entries, &interfaces());
        let expected = |one: &Detour| {
            one.at.is_none()
                && matches!(&one.target, Target::Unreadable(what) if what.contains("TEE"))
        };
        assert!(
            detours.len() == 1 && detours.iter().all(expected),
            "{detours:?}"
        );
        // To an interface, whose name stands behind the address.
        let mut through = entries.clone();
        let tee = through
            .windows(4)
            .position(|part| part == b"TEE\0")
            .unwrap();
        through[tee + 30 + 16..tee + 30 + 22].copy_from_slice(b"uplink");
        let detours = read_entries(family, &through, &interfaces());
        assert!(matches!(&detours[..], [one] if one.target == Target::Leaves(5)));
    }
}

#[test]
fn damaged_rules_are_taken_for_the_worst_or_for_none() {
    let rule = recorded!("nft-fwd");
    for cut in 0..rule.len() {
        let _ = read_rules(&chains(), &[rule[..cut].to_vec()], &interfaces());
        let _ = read_rules(
            &[recorded!("nft-chain-in")[..cut.min(90)].to_vec()],
            &[],
            &[],
        );
    }
    let entries = recorded!("iptables");
    for cut in 1..entries.len() {
        let _ = read_entries(Family::Four, &entries[..cut], &interfaces());
    }
    assert!(!read_entries(Family::Four, &entries[..100], &[]).is_empty());
}

#[test]
fn a_virtual_server_with_a_real_one_forwards() {
    let head = "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> \
        RemoteAddress:Port Forward Weight ActiveConn InActConn\n";
    assert_eq!(read_servers(head), []);
    let with = format!(
        "{head}TCP  C00002FE:0050 wlc \n  -> 0A090909:0050      Masq    1      0          0\n"
    );
    assert!(matches!(&read_servers(&with)[..], [one] if one.at.is_none()));
}
