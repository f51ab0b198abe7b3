use super::*;
use crate::guard::{Permissions, hears_more};
use crate::link::{Counters, Detour, Kind, Route, Side, Takes, Target, Ways};

fn interface(index: u32, name: &str, kind: Kind) -> Interface {
    Interface {
        index,
        name: name.to_owned(),
        kind,
        ethernet: true,
        up: true,
        mac: None,
        mtu: 1500,
        controller: None,
        ports: Vec::new(),
        peer: None,
        forwards: false,
        lower: None,
        program: false,
        counters: Counters::default(),
    }
}

fn route(destination: &str, through: u32) -> Route {
    Route {
        destination: destination.parse().unwrap(),
        takes: Takes::Usual,
        through: Ways::Known(vec![through]),
        beyond: true,
    }
}

/// A machine with a network card, a pair, a tap, a dummy, and some others.
fn machine() -> Network {
    let bridge = || Kind::Virtual("bridge".to_owned());
    let mut interfaces = vec![
        interface(1, "lo", Kind::Loopback),
        interface(2, "eth0", Kind::Physical),
        interface(3, "near", Kind::Veth),
        interface(4, "far", Kind::Veth),
        interface(5, "tap0", Kind::Tap),
        interface(6, "dummy0", Kind::Dummy),
        interface(7, "br0", bridge()),
        interface(8, "tun0", Kind::Virtual("tun".to_owned())),
        interface(9, "eth1", Kind::Physical),
    ];
    (interfaces[2].peer, interfaces[3].peer) = (Some(4), Some(3));
    Network {
        interfaces,
        routes: vec![route("0.0.0.0/0", 2)],
        ..Network::default()
    }
}

fn guard(physical: Option<&str>) -> Guard {
    Guard::new(Permissions {
        physical: physical.map(str::to_owned),
        ..Permissions::default()
    })
}

fn broken(name: &str, entry: Entry, all: &Network) -> Option<Rule> {
    match guard(None).admit(name, entry, all) {
        Ok(admission) => {
            assert!(!admission.leads_out());
            None
        }
        Err(ReplayError::Refused(refusal)) => {
            assert!(
                refusal.to_string().contains("--allow-physical"),
                "{refusal}"
            );
            Some(refusal.rule)
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn interfaces_of_a_lab_are_admitted_and_no_others() {
    let all = machine();
    for name in ["lo", "near", "far", "tap0", "dummy0"] {
        assert_eq!(broken(name, Entry::Sent, &all), None, "{name}");
    }
    for name in ["eth0", "eth1", "br0", "tun0"] {
        assert_eq!(
            broken(name, Entry::Sent, &all),
            Some(Rule::LabInterface),
            "{name}"
        );
    }
    assert_eq!(broken("tap0", Entry::Written, &all), None);
}

#[test]
fn a_name_makes_no_tap() {
    let mut all = machine();
    "tap9".clone_into(&mut all.interfaces[1].name);
    assert_eq!(broken("tap9", Entry::Sent, &all), Some(Rule::LabInterface));
}

#[test]
fn what_carries_the_default_route_is_a_way_out() {
    let mut all = machine();
    all.routes.push(route("0.0.0.0/0", 3));
    assert_eq!(broken("near", Entry::Sent, &all), Some(Rule::NoWayOut));
}

#[test]
fn a_bridge_with_a_network_card_is_a_way_out() {
    let mut all = machine();
    (
        all.interfaces[3].controller,
        all.interfaces[4].controller,
        all.interfaces[8].controller,
    ) = (Some(7), Some(7), Some(7));
    // To `near`, and out of its other end into the bridge; not so the other way round.
    assert_eq!(broken("near", Entry::Sent, &all), Some(Rule::NoWayOut));
    assert_eq!(broken("far", Entry::Sent, &all), None);
    // What is written into a tap arrives on it; what is sent through it reaches its program.
    assert_eq!(broken("tap0", Entry::Written, &all), Some(Rule::NoWayOut));
    assert_eq!(broken("tap0", Entry::Sent, &all), None);
    all.interfaces[8].controller = None;
    assert_eq!(
        broken("near", Entry::Sent, &all),
        None,
        "a bridge of a lab alone"
    );
}

#[test]
fn forwarding_is_a_way_out_where_there_is_one() {
    let mut all = machine();
    all.interfaces[3].forwards = true;
    assert_eq!(broken("near", Entry::Sent, &all), Some(Rule::NoWayOut));
    assert_eq!(broken("far", Entry::Sent, &all), None);
    // In a namespace of its own nothing leads out.
    all.interfaces
        .retain(|interface| matches!(interface.kind, Kind::Loopback | Kind::Veth));
    assert_eq!(broken("near", Entry::Sent, &all), None);
}

#[test]
fn a_forwarding_bridge_is_a_way_out() {
    let mut all = machine();
    (all.interfaces[3].controller, all.interfaces[6].forwards) = (Some(7), true);
    assert_eq!(broken("near", Entry::Sent, &all), Some(Rule::NoWayOut));
}

#[test]
fn a_physical_interface_is_named_twice() {
    let all = machine();
    let admission = guard(Some("eth1"))
        .admit("eth1", Entry::Sent, &all)
        .unwrap();
    assert!(admission.leads_out());
    assert!(guard(None).limits(admission.leads_out()).pps < 10_000.0);
    for (allowed, name) in [("eth1", "eth0"), ("eth0", "near")] {
        let error = guard(Some(allowed)).admit(name, Entry::Sent, &all);
        assert!(
            matches!(error, Err(ReplayError::Refused(_))),
            "{allowed} {name}"
        );
    }
}

#[test]
fn what_cannot_take_frames_is_named() {
    let mut all = machine();
    all.interfaces[5].up = false;
    all.interfaces[4].ethernet = false;
    let admit = |name: &str| {
        guard(None)
            .admit(name, Entry::Sent, &all)
            .unwrap_err()
            .to_string()
    };
    assert!(admit("dummy0").contains("ip link set dummy0 up"));
    assert!(admit("tap0").contains("Ethernet"));
    assert!(admit("veth7").contains("near, far"), "{}", admit("veth7"));
}

#[test]
fn what_stands_on_the_other_end_is_looked_at_too() {
    let stands = |kind: &str| {
        let mut all = machine();
        let mut upper = interface(10, "upper", Kind::Virtual(kind.to_owned()));
        upper.lower = Some(4);
        all.interfaces.push(upper);
        all
    };
    for kind in ["macvlan", "macvtap", "ipvlan", "vlan"] {
        let mut all = stands(kind);
        assert_eq!(broken("near", Entry::Sent, &all), None, "{kind}");
        // It forwards, or is bridged with a card.
        all.interfaces[9].forwards = true;
        assert_eq!(broken("near", Entry::Sent, &all), Some(Rule::NoWayOut));
        let mut all = stands(kind);
        (all.interfaces[9].controller, all.interfaces[8].controller) = (Some(7), Some(7));
        assert_eq!(broken("near", Entry::Sent, &all), Some(Rule::NoWayOut));
    }
}

#[test]
fn a_bridge_leads_on_through_what_is_bridged_with_it() {
    let mut all = machine();
    // far and one end of another pair are bridged; the other end stands in a second bridge, with a card.
    for (index, name, peer) in [(10, "a", 11), (11, "b", 10)] {
        let mut end = interface(index, name, Kind::Veth);
        end.peer = Some(peer);
        all.interfaces.push(end);
    }
    all.interfaces
        .push(interface(12, "br1", Kind::Virtual("bridge".to_owned())));
    (all.interfaces[3].controller, all.interfaces[9].controller) = (Some(7), Some(7));
    all.interfaces[10].controller = Some(12);
    assert_eq!(broken("near", Entry::Sent, &all), None);
    all.interfaces[8].controller = Some(12);
    assert_eq!(broken("near", Entry::Sent, &all), Some(Rule::NoWayOut));
}

#[test]
fn controllers_that_nobody_knows_are_ways_out() {
    for (kind, leads) in [("openvswitch", true), ("failover", true), ("bond", false)] {
        let mut all = machine();
        all.interfaces[6].kind = Kind::Virtual(kind.to_owned());
        all.interfaces[3].controller = Some(7);
        let expected = leads.then_some(Rule::NoWayOut);
        assert_eq!(broken("near", Entry::Sent, &all), expected, "{kind}");
    }
}

#[test]
fn forwarding_goes_by_the_routes() {
    // A second pair, whose other end is in another namespace, and no card.
    let lab = |routes: &[&str]| {
        let mut all = machine();
        all.interfaces
            .retain(|one| matches!(one.kind, Kind::Loopback | Kind::Veth));
        all.interfaces.push(interface(10, "uplink", Kind::Veth));
        all.interfaces[2].forwards = true;
        all.routes = routes.iter().map(|net| route(net, 10)).collect();
        all
    };
    for routes in [
        &["10.0.0.0/8"][..],
        &["0.0.0.0/1", "128.0.0.0/1"],
        &["2000::/3"],
    ] {
        let all = lab(routes);
        assert_eq!(broken("near", Entry::Sent, &all), Some(Rule::NoWayOut));
        assert_eq!(broken("uplink", Entry::Sent, &all), Some(Rule::NoWayOut));
        assert_eq!(
            broken("far", Entry::Sent, &all),
            None,
            "nothing forwards there"
        );
    }
    let mut all = lab(&["10.1.2.0/24"]);
    assert_eq!(broken("near", Entry::Sent, &all), None, "a router of a lab");
    all.interfaces[3].controller = Some(7);
    let bridge = interface(7, "br0", Kind::Virtual("bridge".to_owned()));
    all.interfaces.push(bridge);
    all.interfaces.push(interface(9, "eth1", Kind::Physical));
    all.interfaces[5].controller = Some(7);
    assert_eq!(broken("near", Entry::Sent, &all), Some(Rule::NoWayOut));
}

#[test]
fn what_a_bridge_or_a_vlan_carries_its_ports_carry() {
    for (kind, standing) in [("bridge", false), ("vlan", true), ("macvlan", true)] {
        let mut all = machine();
        all.routes.clear();
        let mut above = interface(10, "above", Kind::Virtual(kind.to_owned()));
        // A pair whose other end is elsewhere, below what has the route.
        let mut uplink = interface(11, "uplink", Kind::Veth);
        if standing {
            above.lower = Some(11);
        } else {
            uplink.controller = Some(10);
        }
        all.interfaces.extend([above, uplink]);
        assert_eq!(broken("uplink", Entry::Sent, &all), None, "{kind}");
        all.routes.push(route("0.0.0.0/0", 10));
        let rule = Some(Rule::NoWayOut);
        assert_eq!(broken("uplink", Entry::Sent, &all), rule, "{kind}");
        assert_eq!(broken("near", Entry::Sent, &all), None, "{kind}");
        // Bridged with the pair of the lab.
        let bridge = interface(12, "br1", Kind::Virtual("bridge".to_owned()));
        all.interfaces.push(bridge);
        all.interfaces[3].controller = Some(if standing { 12 } else { 10 });
        if standing {
            all.interfaces[10].controller = Some(12);
        }
        assert_eq!(broken("near", Entry::Sent, &all), rule, "{kind}");
    }
}

#[test]
fn filters_and_programs_lead_elsewhere() {
    let filtered = |at, side, target| {
        let mut all = machine();
        all.detours = vec![Detour {
            at: Some(at),
            side,
            by: "a filter (tc)",
            target,
        }];
        all
    };
    let program = || Target::Unreadable("an eBPF program".to_owned());
    for (name, entry, at, side) in [
        ("near", Entry::Sent, 3, Side::Out),
        ("near", Entry::Sent, 4, Side::In),
        ("tap0", Entry::Written, 5, Side::In),
        ("lo", Entry::Sent, 1, Side::In),
    ] {
        for target in [Target::Leaves(2), Target::Leaves(9), program()] {
            let all = filtered(at, side, target);
            assert_eq!(broken(name, entry, &all), Some(Rule::NoWayOut), "{name}");
        }
        let inside = filtered(at, side, Target::Leaves(6));
        assert_eq!(broken(name, entry, &inside), None, "into a dummy");
    }
    let not_passed = filtered(3, Side::In, program());
    assert_eq!(broken("near", Entry::Sent, &not_passed), None);
    let mut all = filtered(4, Side::In, Target::Arrives(6));
    all.interfaces[5].forwards = true;
    assert_eq!(broken("near", Entry::Sent, &all), Some(Rule::NoWayOut));
}

#[test]
fn an_admission_is_withdrawn_when_a_way_out_appears() {
    let mut all = machine();
    let admission = guard(None).admit("near", Entry::Sent, &all).unwrap();
    assert_eq!(admission.withdrawn(&all, false), None);
    all.interfaces[3].forwards = true;
    let refusal = admission.withdrawn(&all, false).unwrap();
    assert!(refusal.what.contains("far, which forwards"), "{refusal}");
    // Whoever has allowed a card has allowed that.
    let admission = guard(Some("eth1"))
        .admit("eth1", Entry::Sent, &all)
        .unwrap();
    assert_eq!(admission.withdrawn(&all, false), None);
}

#[test]
fn rules_for_all_interfaces_count_wherever_packets_arrive() {
    let ruled = |side, target| {
        let mut all = machine();
        all.detours = vec![Detour {
            at: None,
            side,
            by: "a rule of nftables",
            target,
        }];
        all
    };
    for (name, entry) in [("near", Entry::Sent), ("tap0", Entry::Written)] {
        for target in [
            Target::Leaves(2),
            Target::Unreadable("a rule of iptables".to_owned()),
        ] {
            let all = ruled(Side::In, target);
            assert_eq!(broken(name, entry, &all), Some(Rule::NoWayOut), "{name}");
        }
        let inside = ruled(Side::In, Target::Leaves(6));
        assert_eq!(broken(name, entry, &inside), None, "into a dummy");
    }
    // What is sent to a program arrives nowhere.
    let all = ruled(Side::In, Target::Leaves(2));
    assert_eq!(broken("tap0", Entry::Sent, &all), None);
}

#[test]
fn tunnels_take_packets_out_of_those_that_a_host_hears() {
    for (kind, leads) in [
        ("vxlan", true),
        ("gretap", true),
        ("sit", true),
        ("ifb", false),
    ] {
        let mut all = machine();
        all.interfaces
            .push(interface(10, "tunnel0", Kind::Virtual(kind.to_owned())));
        assert_eq!(broken("near", Entry::Sent, &all), None, "{kind}");
        let mut bridged = all.clone();
        (
            bridged.interfaces[9].controller,
            bridged.interfaces[8].controller,
        ) = (Some(7), Some(7));
        let expected = leads.then_some(Rule::NoWayOut);
        assert_eq!(broken("near", Entry::Sent, &bridged), expected, "{kind}");
        all.interfaces[9].forwards = true;
        assert_eq!(broken("near", Entry::Sent, &all), expected, "{kind}");
        all.interfaces[9].up = false;
        assert_eq!(broken("near", Entry::Sent, &all), None, "{kind} is down");
    }
}

#[test]
fn routes_by_labels_and_segments_need_no_forwarding() {
    let by = |takes, through| {
        let mut all = machine();
        all.routes = vec![Route {
            takes,
            ..route("10.1.0.0/16", through)
        }];
        all
    };
    for (takes, through, leads) in [
        (Takes::Labels, 2, true),
        (Takes::Labels, 6, false),
        (Takes::Segments, 4, true),
        (Takes::Multicasts(4), 2, true),
        (Takes::Multicasts(5), 2, false),
        (Takes::Usual, 2, false),
    ] {
        let expected = leads.then_some(Rule::NoWayOut);
        let all = by(takes, through);
        assert_eq!(broken("near", Entry::Sent, &all), expected, "{takes:?}");
    }
}

/// A datagram from 192.0.2.1, to hardware and IP addresses.
fn datagram(hardware: [u8; 6], to: [u8; 4]) -> Vec<u8> {
    let mut frame = hardware.to_vec();
    frame.extend([
        2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0,
    ]);
    frame.extend([192, 0, 2, 1]);
    frame.extend(to);
    frame.extend([0, 7, 0, 7, 0, 8, 0, 0]);
    frame
}

#[test]
fn what_this_machine_would_answer_is_refused_where_answers_can_leave() {
    const FAR: [u8; 6] = [2, 0, 0, 0, 0, 0xf];
    let mut all = machine();
    all.interfaces[3].mac = Some(wire::MacAddress(FAR));
    all.own = ["192.0.2.254/32".parse().unwrap()].into();
    let minding = |all: &Network, physical: Option<&str>| {
        let mut guard = guard(physical);
        let admission = guard.admit("near", Entry::Sent, all).unwrap();
        guard.mind(admission.hearing(all));
        guard
    };
    let guard = minding(&all, None);
    let own = [192, 0, 2, 254];
    let refusal = guard.check_frame(&datagram(FAR, own), 7).unwrap_err();
    assert_eq!(refusal.rule, Rule::NoWayOut);
    for part in [
        "frame 7",
        "192.0.2.254",
        "default route leads through eth0",
        "--allow-physical",
    ] {
        assert!(refusal.to_string().contains(part), "{part}: {refusal}");
    }
    assert!(guard.check_frame(&datagram([0xff; 6], own), 1).is_err());
    // Nobody hears it, or nobody has that address.
    assert!(
        guard
            .check_frame(&datagram([2, 0, 0, 0, 0, 9], own), 1)
            .is_ok()
    );
    assert!(guard.check_frame(&datagram(FAR, [192, 0, 2, 7]), 1).is_ok());
    // A rule takes what is for others.
    let before = all.clone();
    all.detours.push(Detour {
        at: None,
        side: Side::In,
        by: "a rule of nftables",
        target: Target::Machine,
    });
    let refusal = minding(&all, None).check_frame(&datagram(FAR, [192, 0, 2, 7]), 1);
    assert!(
        refusal
            .unwrap_err()
            .what
            .contains("a rule of nftables lets this machine answer")
    );
    assert!(hears_more(&before, &all) && !hears_more(&all, &before));
    all.detours.clear();
    // With no way out it may be heard.
    all.routes.clear();
    all.interfaces
        .retain(|one| matches!(one.kind, Kind::Veth | Kind::Tap | Kind::Dummy));
    let guard = minding(&all, None);
    assert!(guard.check_frame(&datagram(FAR, own), 1).is_ok());
    assert!(guard.is_answered(&datagram(FAR, own)));
    // A way out that appears is one for answers, too.
    let admission = guard.admit("near", Entry::Sent, &all).unwrap();
    all.routes.push(route("0.0.0.0/0", 5));
    assert_eq!(admission.withdrawn(&all, false), None);
    let refusal = admission.withdrawn(&all, true).unwrap();
    assert!(refusal.what.contains("answers them"), "{refusal}");
}

#[test]
fn a_machine_hears_more_with_another_address_and_not_with_one_of_a_link() {
    let before = machine();
    let with = |address: &str| {
        let mut now = before.clone();
        now.own.insert(address.parse().unwrap());
        hears_more(&before, &now)
    };
    assert!(with("10.9.9.9/32") && with("2001:db8::9/128") && !with("fe80::9/128"));
    let mut now = before.clone();
    now.interfaces[3].mac = Some(wire::MacAddress([2, 0, 0, 0, 0, 0xf]));
    assert!(hears_more(&before, &now));
    now = before.clone();
    now.interfaces.push(interface(99, "new", Kind::Veth));
    assert!(!hears_more(&before, &now));
}

#[test]
fn an_end_that_is_moved_out_of_sight_withdraws_the_admission() {
    let mut all = machine();
    let admission = guard(None).admit("near", Entry::Sent, &all).unwrap();
    assert_eq!(admission.withdrawn(&all, false), None);
    let near = all.interfaces.iter_mut().find(|one| one.name == "near");
    near.unwrap().peer = None;
    let refusal = admission.withdrawn(&all, false).unwrap();
    assert!(refusal.what.contains("the other end of near"), "{refusal}");
}
