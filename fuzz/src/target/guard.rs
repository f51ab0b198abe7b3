//! The guard: frames that it looks into, and what the kernel says of the network.

use netlink_packet_core::Parseable;
use netlink_packet_route::link::LinkMessage;
use replay::guard::{Entry, Guard, Permissions};
use replay::link::{
    Family, Interface, Kind, Network, Side, name_controllers, read_entries, read_filter, read_link,
    read_own, read_queue, read_route, read_rules,
};

/// Looks into a frame.
pub fn frame(bytes: &[u8]) {
    let guard = Guard::new(Permissions::default());
    let _ = guard.check_frame(bytes.get(1..).unwrap_or_default(), 1);
}

/// A recorded message.
macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../../../replay/src/link/recorded/", $name, ".hex"))
    };
}

/// Recorded messages, each behind a byte that says what it is.
pub fn recorded() -> Vec<Vec<u8>> {
    let all = [
        (0, recorded!("macvlan")),
        (0, recorded!("vxlan")),
        (0, recorded!("veth-forwarding")),
        (0, recorded!("bond")),
        (0, recorded!("wireguard")),
        (1, recorded!("route-half")),
        (1, recorded!("route-2000")),
        (1, recorded!("route-seg6local")),
        (3, recorded!("nft-chain-out")),
        (4, recorded!("nft-fwd")),
        (4, recorded!("nft-dup-to-device")),
        (4, recorded!("nft-tee")),
        (5, recorded!("iptables")),
        (6, recorded!("ip6tables")),
        (2, recorded!("filter-mirred")),
        (2, recorded!("filter-bpf")),
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
            name_controllers(&mut network.interfaces);
        }
        1 => {
            network.routes.extend(read_route(message));
            network.own.extend(read_own(message));
        }
        2 => {
            network.detours.extend(read_filter(message, 1, Side::In));
            network.detours.extend(read_queue(message));
        }
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
        ports: Vec::new(),
        peer: Some(peer),
        lower: None,
        program: false,
        forwards: true,
        counters: replay::link::Counters::default(),
    }
}
