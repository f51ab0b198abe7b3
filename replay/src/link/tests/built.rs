//! Messages as a kernel would send them that has what this one may lack, built by the layout that its headers give:
//! linux/rtnetlink.h, if_link.h, pkt_cls.h, pkt_sched.h, lwtunnel.h, mpls.h, tc_act/tc_mirred.h.

use super::*;

/// An attribute: a `struct nlattr`, its value, up to a multiple of four bytes.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap();
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn number(kind: u16, value: u32) -> Vec<u8> {
    attribute(kind, &value.to_ne_bytes())
}

fn text(kind: u16, value: &str) -> Vec<u8> {
    attribute(kind, format!("{value}\0").as_bytes())
}

/// A link that is up: a `struct ifinfomsg`, its name, and what it is with data of that kind.
fn built_link(index: u32, kind: &str, data: &[u8], more: &[Vec<u8>]) -> Interface {
    const ETHER: u16 = 1;
    const UP: u32 = 1;
    let mut message = vec![0, 0];
    message.extend(ETHER.to_ne_bytes());
    message.extend([index, UP, 0].map(u32::to_ne_bytes).concat());
    // IFLA_IFNAME, IFLA_MTU, IFLA_LINKINFO with IFLA_INFO_KIND and IFLA_INFO_DATA.
    message.extend(text(3, &format!("{kind}{index}")));
    message.extend(number(4, 1500));
    let mut info = text(1, kind);
    if !data.is_empty() {
        info.extend(attribute(2, data));
    }
    message.extend(attribute(18, &info));
    message.extend(more.concat());
    link(&message)
}

/// IFLA_LINK and IFLA_MASTER.
fn on(lower: u32) -> Vec<u8> {
    number(5, lower)
}

fn of(controller: u32) -> Vec<u8> {
    number(10, controller)
}

/// A pair whose far end, 102, is a port of what is given, with a network card, 105, beside it.
fn lab(above: Interface, more: Vec<Interface>) -> Network {
    let near = built_link(101, "veth", &[], &[on(102)]);
    let far = built_link(102, "veth", &[], &[on(101), of(above.index)]);
    let mut interfaces = vec![near, far, above];
    interfaces.extend(more);
    name_controllers(&mut interfaces);
    Network {
        interfaces,
        ..Network::default()
    }
}

fn card(index: u32, controller: Option<u32>) -> Interface {
    let mut card = built_link(
        index,
        "",
        &[],
        &controller.map(of).into_iter().collect::<Vec<_>>(),
    );
    card.kind = Kind::Physical;
    card
}

#[test]
fn what_several_interfaces_make_up_leads_out_where_one_of_them_does() {
    for kind in ["bridge", "bond", "team", "vrf"] {
        let above = || built_link(103, kind, &[], &[]);
        let alone = lab(above(), vec![card(105, None)]);
        assert_eq!(refused("veth101", &alone), None, "{kind}");
        let with = lab(above(), vec![card(105, Some(103))]);
        // Only a bridge hands on what arrives at one port; what is for its host may be forwarded from all of them.
        let expected = (kind == "bridge").then_some(Rule::NoWayOut);
        assert_eq!(refused("veth101", &with), expected, "{kind}");
        let mut forwarding = with.clone();
        forwarding.interfaces[2].forwards = true;
        assert_eq!(
            refused("veth101", &forwarding),
            Some(Rule::NoWayOut),
            "{kind}"
        );
        assert_eq!(
            refused(&format!("{kind}103"), &with),
            Some(Rule::LabInterface)
        );
    }
    for kind in ["failover", "openvswitch", "batadv", "rmnet", "invented"] {
        let above = built_link(103, kind, &[], &[]);
        assert_eq!(
            refused("veth101", &lab(above, vec![])),
            Some(Rule::NoWayOut),
            "{kind}"
        );
    }
}

#[test]
fn a_ring_hands_on_what_arrives_at_a_port_though_ports_do_not_name_it() {
    // IFLA_HSR_SLAVE1, IFLA_HSR_SLAVE2, IFLA_HSR_INTERLINK.
    for (own, other) in [(1, 2), (2, 1), (8, 2)] {
        let data = [number(own, 102), number(other, 105)].concat();
        let ring = built_link(103, "hsr", &data, &[]);
        assert_eq!(ring.ports.len(), 2);
        let mut network = lab(ring, vec![card(105, None)]);
        network.interfaces[1].controller = None;
        name_controllers(&mut network.interfaces);
        assert_eq!(refused("veth101", &network), Some(Rule::NoWayOut), "{own}");
        network.interfaces[3].kind = Kind::Dummy;
        assert_eq!(refused("veth101", &network), None, "{own}");
    }
}

#[test]
fn what_stands_on_the_other_end_takes_what_arrives_there() {
    for kind in [
        "vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "macsec", "invented",
    ] {
        let upper = built_link(103, kind, &[], &[on(102)]);
        let mut network = lab(upper, vec![card(105, None)]);
        network.interfaces[1].controller = None;
        assert_eq!(refused("veth101", &network), None, "{kind} keeps it");
        let mut forwarding = network.clone();
        forwarding.interfaces[2].forwards = true;
        assert_eq!(
            refused("veth101", &forwarding),
            Some(Rule::NoWayOut),
            "{kind}"
        );
        // IFLA_LINK_NETNSID: what it stands on is elsewhere, and has that number there.
        let away = built_link(103, kind, &[], &[on(102), number(37, 0)]);
        assert_eq!(away.lower, None);
    }
}

#[test]
fn what_takes_packets_out_of_others_counts_as_arriving_there() {
    for kind in [
        "geneve",
        "vxlan",
        "wireguard",
        "gretap",
        "pfcp",
        "bareudp",
        "amt",
        "gtp",
    ] {
        let tunnel = built_link(103, kind, &[], &[]);
        let mut network = lab(tunnel, vec![card(105, None)]);
        network.interfaces[1].controller = None;
        assert_eq!(refused("veth101", &network), None, "{kind}");
        network.interfaces[2].forwards = true;
        assert_eq!(refused("veth101", &network), Some(Rule::NoWayOut), "{kind}");
    }
}

#[test]
fn only_taps_pairs_dummies_and_loopback_take_frames() {
    for kind in ["dummy", "veth", "tun"] {
        let network = Network {
            interfaces: vec![built_link(101, kind, &[], &[])],
            ..Network::default()
        };
        assert_eq!(refused(&format!("{kind}101"), &network), None, "{kind}");
    }
    for kind in [
        "netkit",
        "ifb",
        "nlmon",
        "vcan",
        "netdevsim",
        "invented",
        "",
    ] {
        let network = Network {
            interfaces: vec![built_link(101, kind, &[], &[])],
            ..Network::default()
        };
        let name = format!("{kind}101");
        assert_eq!(refused(&name, &network), Some(Rule::LabInterface), "{kind}");
    }
}

/// An action: its kind, and options.
fn action(kind: &str, options: &[u8]) -> Vec<u8> {
    // TCA_ACT_KIND and TCA_ACT_OPTIONS.
    [text(1, kind), attribute(2, options)].concat()
}

/// What mirred does, TCA_EGRESS_REDIR to TCA_INGRESS_MIRROR, and to which interface.
fn mirred(does: u32, index: u32) -> Vec<u8> {
    // TCA_MIRRED_PARMS: a `struct tc_mirred`.
    let words = [0, 0, 0, 0, 0, does, index].map(u32::to_ne_bytes).concat();
    action("mirred", &attribute(2, &words))
}

/// A filter: a `struct tcmsg`, its kind, and its options, where its first action stands under that number.
fn filter(kind: &str, place: u16, action: &[u8]) -> Vec<u8> {
    let mut message = vec![0; 20];
    message.extend(text(1, kind));
    message.extend(attribute(2, &attribute(place, &attribute(1, action))));
    message
}

fn targets(message: &[u8]) -> Vec<Target> {
    let found = read_filter(message, 2, Side::In);
    found.into_iter().map(|detour| detour.target).collect()
}

/// Kinds of filters, and where they keep actions: TCA_FLOWER_ACT, TCA_U32_ACT, TCA_MATCHALL_ACT and so on.
const FILTERS: [(&str, u16); 8] = [
    ("flower", 3),
    ("u32", 7),
    ("matchall", 2),
    ("basic", 3),
    ("cgroup", 1),
    ("flow", 9),
    ("fw", 4),
    ("route", 6),
];

#[test]
fn each_kind_of_filter_is_read_with_what_mirred_does() {
    for (kind, place) in FILTERS {
        for (does, expected) in [
            (1, Target::Leaves(5)),
            (2, Target::Leaves(5)),
            (3, Target::Arrives(5)),
            (4, Target::Arrives(5)),
        ] {
            let message = filter(kind, place, &mirred(does, 5));
            assert_eq!(targets(&message), [expected], "{kind} {does}");
        }
        assert_eq!(targets(&filter(kind, place, &action("gact", &[]))), []);
        let unknown = filter(kind, place, &action("tunnel_key", &[]));
        assert!(
            matches!(&targets(&unknown)[..], [Target::Unreadable(what)] if what.contains("tunnel_key"))
        );
    }
}

#[test]
fn filters_that_cannot_be_followed_may_send_anywhere() {
    for kind in ["bpf", "tcindex", "rsvp", "invented"] {
        let message = filter(kind, 1, &action("gact", &[]));
        assert!(
            matches!(&targets(&message)[..], [Target::Unreadable(_)]),
            "{kind}"
        );
    }
    // TCA_MIRRED_BLOCKID: to all interfaces of a block.
    let block = action("mirred", &[attribute(2, &[0; 28]), number(4, 7)].concat());
    let message = filter("matchall", 2, &block);
    assert!(matches!(&targets(&message)[..], [Target::Unreadable(what)] if what.contains("block")));
    let cut = action("mirred", &attribute(2, &[0; 8]));
    assert!(matches!(
        &targets(&filter("flower", 3, &cut))[..],
        [Target::Unreadable(_)]
    ));
}

#[test]
fn a_queue_that_has_what_it_drops_filtered_may_send_anywhere() {
    // TCA_RED_EARLY_DROP_BLOCK and TCA_RED_MARK_BLOCK.
    let queue = |kind: &str, block: Vec<u8>| {
        let mut message = vec![0; 20];
        message[4] = 2;
        message.extend(text(1, kind));
        message.extend(attribute(2, &block));
        read_queue(&message).map(|detour| (detour.at, detour.side))
    };
    for block in [5, 6] {
        assert_eq!(queue("red", number(block, 10)), Some((Some(2), Side::Out)));
        assert_eq!(queue("red", number(block, 0)), None);
        assert_eq!(queue("choke", number(block, 10)), None);
    }
}

/// A route: a `struct rtmsg` of a family and kind, and its attributes.
fn route(family: u8, length: u8, kind: u8, attributes: &[Vec<u8>]) -> Option<Route> {
    let mut message = vec![family, length, 0, 0, 254, 3, 0, kind, 0, 0, 0, 0];
    message.extend(attributes.concat());
    read_route(&message)
}

const INET: u8 = 2;
const INET6: u8 = 10;
const MPLS: u8 = 28;
/// RTNL_FAMILY_IPMR and RTNL_FAMILY_IP6MR.
const ROUTERS: [(u8, u8, usize); 2] = [(128, 32, 4), (129, 128, 16)];
const UNICAST: u8 = 1;
const LOCAL: u8 = 2;
const MULTICAST: u8 = 5;
/// RTA_DST, RTA_IIF, RTA_OIF, RTA_MULTIPATH, RTA_ENCAP_TYPE, RTA_NH_ID.
const DST: u16 = 1;
const IIF: u16 = 3;
const OIF: u16 = 4;
const PATHS: u16 = 9;
const ENCAP_TYPE: u16 = 21;
const NH_ID: u16 = 30;

#[test]
fn multicasts_go_from_an_interface_to_others() {
    for (family, length, size) in ROUTERS {
        let group = vec![0xff; size];
        // A `struct rtnexthop`: its length, flags, hops, the interface.
        let hop = |index: u8| vec![8, 0, 0, 1, index, 0, 0, 0];
        let attributes = [
            attribute(DST, &group),
            number(IIF, 4),
            attribute(PATHS, &[hop(5), hop(6)].concat()),
        ];
        let route = route(family, length, MULTICAST, &attributes).unwrap();
        assert_eq!(route.takes, Takes::Multicasts(4));
        assert!(route.leads_through(5) && route.leads_through(6) && !route.leads_through(7));
    }
}

#[test]
fn labels_need_no_address() {
    let label = attribute(DST, &[0, 0x06, 0x41, 0]);
    let route = route(MPLS, 20, UNICAST, &[label, number(OIF, 5)]).unwrap();
    assert_eq!(route.takes, Takes::Labels);
    assert!(route.leads_through(5) && !route.leads_through(6));
}

#[test]
fn a_next_hop_that_is_kept_elsewhere_may_be_a_router_anywhere() {
    let to = attribute(DST, &[10, 0, 0, 0]);
    let alone = route(INET, 8, UNICAST, &[to.clone(), number(NH_ID, 7)]).unwrap();
    assert!(alone.beyond && alone.leads_through(5));
    // Where the kernel says what it is.
    let told = route(INET, 8, UNICAST, &[to, number(NH_ID, 7), number(OIF, 5)]).unwrap();
    assert!(told.leads_through(5) && !told.leads_through(6));
}

#[test]
fn capsules_go_where_nobody_knows_from_what_is_within() {
    // LWTUNNEL_ENCAP_*: MPLS, IP, IP6, SEG6, BPF, RPL, IOAM6, XFRM, and one to come.
    for encapsulation in [1_u16, 2, 4, 5, 6, 8, 9, 10, 99] {
        let attributes = [
            attribute(DST, &[10, 9, 0, 0]),
            number(OIF, 5),
            attribute(ENCAP_TYPE, &encapsulation.to_ne_bytes()),
        ];
        let leads = route(INET, 16, UNICAST, &attributes).unwrap();
        assert_eq!(leads.destination.prefix_len(), 0, "{encapsulation}");
        assert!(
            leads.beyond && leads.takes == Takes::Usual,
            "{encapsulation}"
        );
        // What is for the machine itself goes through it, too.
        let local = route(INET, 16, LOCAL, &attributes).unwrap();
        assert_eq!(local.takes, Takes::Segments, "{encapsulation}");
    }
    assert_eq!(route(INET6, 0, LOCAL, &[number(OIF, 1)]), None);
}
