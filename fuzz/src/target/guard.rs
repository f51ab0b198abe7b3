//! The guard: frames that it looks into, and what the kernel says of the network.

use netlink_packet_core::Parseable;
use netlink_packet_route::link::LinkMessage;
use replay::guard::{Entry, Guard, Permissions};
use replay::link::{
    Family, Interface, Kind, Network, Side, read_entries, read_filter, read_link, read_own,
    read_route, read_rules,
};

/// Looks into a frame.
pub fn frame(bytes: &[u8]) {
    let guard = Guard::new(Permissions::default());
    let _ = guard.check_frame(bytes.get(1..).unwrap_or_default(), 1);
}

/// Recorded messages, each behind a byte that says what it is.
pub fn recorded() -> Vec<Vec<u8>> {
    let all = [
        (
            0,
            include_str!("../../../replay/src/link/recorded/macvlan.hex"),
        ),
        (
            0,
            include_str!("../../../replay/src/link/recorded/vxlan.hex"),
        ),
        (
            0,
            include_str!("../../../replay/src/link/recorded/veth-forwarding.hex"),
        ),
        (
            0,
            include_str!("../../../replay/src/link/recorded/bond.hex"),
        ),
        (
            0,
            include_str!("../../../replay/src/link/recorded/wireguard.hex"),
        ),
        (
            1,
            include_str!("../../../replay/src/link/recorded/route-half.hex"),
        ),
        (
            1,
            include_str!("../../../replay/src/link/recorded/route-2000.hex"),
        ),
        (
            1,
            include_str!("../../../replay/src/link/recorded/route-seg6local.hex"),
        ),
        (
            3,
            include_str!("../../../replay/src/link/recorded/nft-chain-out.hex"),
        ),
        (
            4,
            include_str!("../../../replay/src/link/recorded/nft-fwd.hex"),
        ),
        (
            4,
            include_str!("../../../replay/src/link/recorded/nft-dup-to-device.hex"),
        ),
        (
            4,
            include_str!("../../../replay/src/link/recorded/nft-tee.hex"),
        ),
        (
            5,
            include_str!("../../../replay/src/link/recorded/iptables.hex"),
        ),
        (
            6,
            include_str!("../../../replay/src/link/recorded/ip6tables.hex"),
        ),
        (
            2,
            include_str!("../../../replay/src/link/recorded/filter-mirred.hex"),
        ),
        (
            2,
            include_str!("../../../replay/src/link/recorded/filter-bpf.hex"),
        ),
    ];
    all.map(|(kind, text)| {
        let digits: Vec<u8> = text
            .chars()
            .filter_map(|digit| digit.to_digit(16))
            .filter_map(|digit| u8::try_from(digit).ok())
            .collect();
        let pairs = digits.chunks_exact(2);
        let bytes = pairs.map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit));
        std::iter::once(kind).chain(bytes).collect()
    })
    .into()
}

/// Reads a message, and decides about a network that it is part of.
pub fn netlink(bytes: &[u8]) {
    let Some((kind, message)) = bytes.split_first() else {
        return;
    };
    let mut network = Network::default();
    let known = [lab(1, "near", 2), lab(2, "far", 1)];
    let whole = || vec![message.to_vec()];
    match kind % 7 {
        0 => {
            let parsed = LinkMessage::parse(message);
            network
                .interfaces
                .extend(parsed.map(|message| read_link(&message)));
        }
        1 => {
            network.routes.extend(read_route(message));
            network.own.extend(read_own(message));
        }
        2 => network.detours.extend(read_filter(message, 1, Side::In)),
        3 => {
            let _ = read_rules(&whole(), &whole(), &known);
        }
        4 => network.detours.extend(read_rules(&[], &whole(), &known)),
        5 => network
            .detours
            .extend(read_entries(Family::Four, message, &known)),
        _ => network
            .detours
            .extend(read_entries(Family::Six, message, &known)),
    }
    network.interfaces.extend(known);
    let guard = Guard::new(Permissions::default());
    let names: Vec<String> = network
        .interfaces
        .iter()
        .map(|one| one.name.clone())
        .collect();
    for name in names {
        for entry in [Entry::Sent, Entry::Written] {
            let _ = guard.admit(&name, entry, &network);
        }
    }
}

/// One end of a pair that forwards.
fn lab(index: u32, name: &str, peer: u32) -> Interface {
    Interface {
        index,
        name: name.to_owned(),
        kind: Kind::Veth,
        ethernet: true,
        up: true,
        mac: None,
        mtu: 1500,
        controller: None,
        peer: Some(peer),
        lower: None,
        program: false,
        forwards: true,
        counters: replay::link::Counters::default(),
    }
}
