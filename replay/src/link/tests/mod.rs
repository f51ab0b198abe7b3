//! What is read from messages that kernels have sent, and what the guard makes of them.

use netlink_packet_core::Parseable;
use netlink_packet_route::link::LinkMessage;

use super::*;
use crate::error::ReplayError;
use crate::guard::{Entry, Guard, Permissions, Rule};

/// A recorded message.
macro_rules! recorded {
    ($name:literal) => {
        bytes(include_str!(concat!("../recorded/", $name, ".hex")))
    };
}

mod built;
mod rules;

fn bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .collect();
    let pairs = digits.chunks(2);
    let bytes = pairs.map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap());
    bytes.collect()
}

fn link(message: &[u8]) -> Interface {
    read_link(&LinkMessage::parse(message).unwrap())
}

/// The kinds of interfaces that the kernel at hand may lack.
fn all() -> Vec<(&'static str, Interface)> {
    [
        ("bond", recorded!("bond")),
        ("bridge", recorded!("bridge")),
        ("geneve", recorded!("geneve")),
        ("ipvlan", recorded!("ipvlan")),
        ("ipvtap", recorded!("ipvtap")),
        ("macsec", recorded!("macsec")),
        ("macvlan", recorded!("macvlan")),
        ("netkit", recorded!("netkit")),
        ("vlan", recorded!("vlan")),
        ("vrf", recorded!("vrf")),
        ("vxlan", recorded!("vxlan")),
        ("wireguard", recorded!("wireguard")),
        ("xfrm", recorded!("xfrm")),
    ]
    .map(|(kind, message)| (kind, link(&message)))
    .into()
}

/// A pair, whose far end is in a bridge with that interface, or below it.
fn beside(mut interface: Interface, bridged: bool) -> Network {
    let plain = link(&recorded!("tap"));
    let named = |index: u32, name: &str, kind: Kind| Interface {
        index,
        name: name.to_owned(),
        kind,
        up: true,
        lower: None,
        controller: None,
        ..plain.clone()
    };
    let mut near = named(101, "near", Kind::Veth);
    let mut far = named(102, "far", Kind::Veth);
    (near.peer, far.peer) = (Some(102), Some(101));
    (interface.index, interface.up) = (104, true);
    "other".clone_into(&mut interface.name);
    interface.lower = None;
    if bridged {
        (far.controller, interface.controller) = (Some(103), Some(103));
    } else {
        far.controller = Some(104);
    }
    Network {
        interfaces: vec![
            near,
            far,
            named(103, "bridge0", Kind::Virtual("bridge".to_owned())),
            interface,
        ],
        ..Network::default()
    }
}

fn refused(name: &str, network: &Network) -> Option<Rule> {
    match Guard::new(Permissions::default()).admit(name, Entry::Sent, network) {
        Ok(_) => None,
        Err(ReplayError::Refused(refusal)) => Some(refusal.rule),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn kinds_are_read_as_the_kernel_names_them() {
    for (kind, interface) in all() {
        assert_eq!(interface.kind, Kind::Virtual(kind.to_owned()));
    }
    assert_eq!(link(&recorded!("tap")).kind, Kind::Tap);
    let port = link(&recorded!("bond-port"));
    assert_eq!(port.kind, Kind::Dummy);
    assert!(port.up && port.ethernet);
    let far = link(&recorded!("veth-forwarding"));
    assert!(far.kind == Kind::Veth && far.forwards && far.peer.is_some() && !far.program);
    assert_eq!(link(&recorded!("macvlan")).lower, Some(far.index));
}

#[test]
fn interfaces_that_this_kernel_may_lack_take_no_frames_by_themselves() {
    for (kind, interface) in all() {
        let network = beside(interface, true);
        assert_eq!(
            refused("other", &network),
            Some(Rule::LabInterface),
            "{kind}"
        );
    }
}

#[test]
fn a_bridge_with_one_of_them_leads_out_unless_what_is_behind_is_seen() {
    for (kind, interface) in all() {
        // These pass on to what they consist of, of which there is nothing here.
        let within = ["bond", "bridge", "vrf"].contains(&kind);
        let expected = (!within).then_some(Rule::NoWayOut);
        assert_eq!(
            refused("near", &beside(interface, true)),
            expected,
            "{kind}"
        );
    }
}

#[test]
fn the_port_of_something_unknown_leads_out() {
    for (kind, interface) in all() {
        let known = ["bond", "bridge", "vrf"].contains(&kind);
        let expected = (!known).then_some(Rule::NoWayOut);
        assert_eq!(
            refused("near", &beside(interface, false)),
            expected,
            "{kind}"
        );
    }
}

#[test]
fn routes_are_read_with_the_interface_that_they_lead_through() {
    let half = read_route(&recorded!("route-half")).unwrap();
    assert_eq!(half.destination.to_string(), "128.0.0.0/1");
    assert!(half.beyond && half.leads_through(5) && !half.leads_through(2));
    let public = read_route(&recorded!("route-2000")).unwrap();
    assert_eq!(public.destination.to_string(), "2000::/3");
    assert!(!public.beyond && public.leads_through(5));
}

#[test]
fn routes_that_take_packets_apart_or_put_them_into_others_are_told() {
    let local = read_route(&recorded!("route-seg6local")).unwrap();
    assert_eq!(local.destination.to_string(), "2001:db8:1::d2/128");
    assert_eq!(local.takes, Takes::Segments);
    let within = read_route(&recorded!("route-seg6")).unwrap();
    assert_eq!(within.destination.to_string(), "::/0");
    assert!(within.beyond && within.takes == Takes::Usual && within.leads_through(3));
}

#[test]
fn filters_are_read_with_what_they_redirect_to() {
    let found = read_filter(&recorded!("filter-mirred"), 2, Side::In);
    let expected = Detour {
        at: Some(2),
        side: Side::In,
        by: "a filter (tc)",
        target: Target::Leaves(5),
    };
    assert_eq!(found, [expected]);
    let found = read_filter(&recorded!("filter-bpf"), 2, Side::Out);
    assert!(
        matches!(&found[..], [Detour { target: Target::Unreadable(what), .. }] if what.contains("eBPF"))
    );
}

#[test]
fn damaged_messages_are_taken_for_the_worst_or_for_none() {
    let filter = recorded!("filter-mirred");
    let route = recorded!("route-half");
    for cut in 0..filter.len() {
        let _ = read_filter(&filter[..cut], 2, Side::In);
        let _ = LinkMessage::parse(&recorded!("macvlan")[..cut.max(16)])
            .map(|message| read_link(&message));
    }
    for cut in 0..route.len() {
        let read = read_route(&route[..cut]);
        assert!(read.is_none_or(|route| route.destination.prefix_len() <= 1));
    }
}

#[test]
fn a_local_route_makes_addresses_the_machines_own_and_one_for_everything_all_of_them() {
    // struct rtmsg: family, lengths, type of service, table, protocol, scope, type; flags.
    let local = |family, kind| read_own(&[family, 0, 0, 0, 100, 3, 254, kind, 0, 0, 0, 0]);
    const LOCAL: u8 = 2;
    const UNICAST: u8 = 1;
    assert_eq!(local(2, LOCAL), Some("0.0.0.0/0".parse().unwrap()));
    assert_eq!(local(10, LOCAL), Some("::/0".parse().unwrap()));
    assert_eq!(local(2, UNICAST), None);
}
