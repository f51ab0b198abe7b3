//! What ARP, ICMP and neighbour discovery say of addresses.

use wire::checksum::Checksum;
use wire::{Icmp, Ip, Ipv4, Ipv6, MacAddress, Payload, Segment};

use super::*;

fn mac(text: &str) -> MacAddress {
    text.parse().unwrap()
}

fn lab() -> Rewrite {
    Rewrite {
        ports: vec!["80=8080".parse().unwrap(), "53=5353".parse().unwrap()],
        ..mapping(&["192.0.2.0/24=10.1.0.0/16", "2001:db8:1::/48=fd00:1::/32"])
    }
}

/// An ICMP or ICMPv6 message that quotes the first bytes of a packet.
fn quoting(from: &str, to: &str, icmp: Icmp, quoted: &str, length: usize) -> Vec<u8> {
    let mut quoted = packet(quoted);
    quoted.truncate(length);
    message(from, to, icmp, quoted)
}

fn message(from: &str, to: &str, icmp: Icmp, body: Vec<u8>) -> Vec<u8> {
    let ip = match (from.parse().unwrap(), to.parse().unwrap()) {
        (std::net::IpAddr::V4(from), std::net::IpAddr::V4(to)) => Ip::V4(Ipv4::new(from, to)),
        (std::net::IpAddr::V6(from), std::net::IpAddr::V6(to)) => Ip::V6(Ipv6::new(from, to)),
        _ => panic!("one family"),
    };
    let packet = Packet {
        ip,
        segment: Segment::Icmp(icmp),
        payload: Payload::new(body),
    };
    let mut bytes = Vec::new();
    packet.emit_frame(&wire::Link::default(), &mut bytes);
    bytes
}

fn assert_sums_are_right(frame: &[u8]) {
    let layers = Layers::decode(LinkType::ETHERNET, frame);
    assert!(layers.checksum_anomalies().is_empty(), "{frame:02x?}");
}

#[test]
fn the_quoted_packet_is_rewritten_with_its_sums() {
    // Eight bytes of the segment as RFC 792 promises, all of it, and a cut within the ports.
    let tcp = [
        "192.0.2.9.1024 > 203.0.113.5.80: S 1 win 0 ttl 60",
        "10.1.0.9.1024 > 203.0.113.5.8080: S 1 win 0 ttl 60",
    ];
    let udp = [
        "192.0.2.9.1024 > 203.0.113.5.53: udp ttl 60 \"query\"",
        "10.1.0.9.1024 > 203.0.113.5.5353: udp ttl 60 \"query\"",
    ];
    for ([before, after], length) in [
        (tcp, 28),
        (tcp, 40),
        (tcp, 24),
        (udp, 28),
        (udp, 33),
        (udp, 20),
    ] {
        for kind in [Icmp::new(3, 3), Icmp::new(11, 0)] {
            let message = quoting("203.0.113.1", "192.0.2.9", kind.clone(), before, length);
            let expected = quoting("203.0.113.1", "10.1.0.9", kind, after, length);
            let mapped = one(&lab(), &message);
            assert_eq!(mapped, expected, "{length} bytes of {before}");
            assert_sums_are_right(&mapped);
        }
    }
}

#[test]
fn icmpv6_errors_too() {
    let before = "2001:db8:1::9.1024 > 2001:db8:2::5.53: udp hlim 60 \"query\"";
    let after = "fd00:1::9.1024 > 2001:db8:2::5.5353: udp hlim 60 \"query\"";
    for length in [40, 44, 48, 53] {
        let message = quoting(
            "2001:db8:2::1",
            "2001:db8:1::9",
            Icmp::new(1, 4),
            before,
            length,
        );
        let expected = quoting("2001:db8:2::1", "fd00:1::9", Icmp::new(1, 4), after, length);
        assert_eq!(one(&lab(), &message), expected, "{length} bytes");
    }
}

#[test]
fn a_quoted_later_fragment_has_no_ports() {
    let line = "192.0.2.9 > 203.0.113.5: proto 17 ttl 60 frag 3 hex 0035003500080000";
    let message = quoting("203.0.113.1", "192.0.2.9", Icmp::new(11, 1), line, 28);
    let after = line.replace("192.0.2.9", "10.1.0.9");
    let expected = quoting("203.0.113.1", "10.1.0.9", Icmp::new(11, 1), &after, 28);
    assert_eq!(one(&lab(), &message), expected);
}

#[test]
fn a_wrong_sum_within_a_quote_stays_wrong() {
    let line = "192.0.2.9.1 > 203.0.113.5.2: udp cksum 0x0007 ttl 60 \"q\"";
    let message = quoting("203.0.113.1", "192.0.2.9", Icmp::new(3, 3), line, 99);
    let mapped = one(&lab(), &message);
    assert_sums_are_right(&mapped);
    let inner = Layers::decode_ip(&mapped[42..]);
    assert!(
        inner
            .checksum_anomalies()
            .contains(wire::decode::Anomalies::TRANSPORT_CHECKSUM)
    );
}

#[test]
fn an_echo_is_no_quote() {
    let data = packet("192.0.2.9 > 192.0.2.8: proto 1 ttl 64");
    let request = message("192.0.2.1", "192.0.2.2", Icmp::echo(8, 1, 1), data.clone());
    let mapped = one(&lab(), &request);
    assert_eq!(mapped[42..], data);
    assert_sums_are_right(&mapped);
}

#[test]
fn a_redirect_names_the_mapped_gateway() {
    let redirect = |host: &str, gateway: [u8; 4], quoted: &str| {
        let icmp = Icmp {
            rest: gateway,
            ..Icmp::new(5, 1)
        };
        quoting("203.0.113.1", host, icmp, quoted, 28)
    };
    let before = redirect(
        "192.0.2.9",
        [192, 0, 2, 254],
        "192.0.2.9 > 203.0.113.5: proto 47 ttl 60",
    );
    let after = redirect(
        "10.1.0.9",
        [10, 1, 0, 254],
        "10.1.0.9 > 203.0.113.5: proto 47 ttl 60",
    );
    assert_eq!(one(&lab(), &before), after);
}

fn solicitation(from: &str, target: &str, source_mac: [u8; 6]) -> Vec<u8> {
    let target: std::net::Ipv6Addr = target.parse().unwrap();
    let body = [
        &target.octets()[..],
        &[14, 1, 0, 0, 0, 0, 0, 0],
        &[1, 1],
        &source_mac,
    ]
    .concat();
    let mut bytes = message(from, "ff02::1:ff00:1", Icmp::new(135, 0), body);
    bytes[6..12].copy_from_slice(&source_mac);
    bytes
}

#[test]
fn neighbour_discovery_names_the_mapped_target_and_hardware_address() {
    let plan = Rewrite {
        source_mac: Some(mac("02:00:00:00:00:aa")),
        ..lab()
    };
    let before = solicitation("2001:db8:1::7", "2001:db8:1::1", [2, 0, 0, 0, 0, 9]);
    let after = solicitation("fd00:1::7", "fd00:1::1", [2, 0, 0, 0, 0, 0xaa]);
    let mapped = one(&plan, &before);
    assert_eq!(mapped, after);
    assert_sums_are_right(&mapped);
}

#[test]
fn a_v6_redirect_quotes_in_an_option() {
    let redirect = |host: &str, quoted: &str| {
        let gateway: std::net::Ipv6Addr = "fe80::1".parse().unwrap();
        let far: std::net::Ipv6Addr = "2001:db8:2::5".parse().unwrap();
        let quoted = packet(quoted);
        let length = u8::try_from(quoted.len() / 8 + 1).unwrap();
        let option = [&[4, length, 0, 0, 0, 0, 0, 0][..], &quoted].concat();
        let body = [&gateway.octets()[..], &far.octets(), &option].concat();
        message("fe80::1", host, Icmp::new(137, 0), body)
    };
    let before = redirect(
        "2001:db8:1::7",
        "2001:db8:1::7.7 > 2001:db8:2::5.53: udp hlim 9",
    );
    let after = redirect("fd00:1::7", "fd00:1::7.7 > 2001:db8:2::5.5353: udp hlim 9");
    assert_eq!(one(&lab(), &before), after);
}

fn arp(operation: u8, sender: ([u8; 6], [u8; 4]), target: ([u8; 6], [u8; 4])) -> Vec<u8> {
    let to = if operation == 1 { [0xff; 6] } else { target.0 };
    let header = [&to[..], &sender.0, &[8, 6]].concat();
    let message = [
        &[0, 1, 8, 0, 6, 4, 0, operation][..],
        &sender.0,
        &sender.1,
        &target.0,
        &target.1,
    ];
    let mut frame = [header, message.concat()].concat();
    frame.resize(60, 0);
    frame
}

#[test]
fn arp_follows_addresses_and_hardware_addresses() {
    let (asker, answerer) = ([2, 0, 0, 0, 0, 7], [2, 0, 0, 0, 0, 9]);
    let plan = Rewrite {
        mac_maps: vec![(MacAddress(asker), mac("02:00:00:00:00:aa"))],
        ..lab()
    };
    let asked = ([0; 6], [192, 0, 2, 9]);
    assert_eq!(
        one(&plan, &arp(1, (asker, [192, 0, 2, 7]), asked)),
        arp(
            1,
            ([2, 0, 0, 0, 0, 0xaa], [10, 1, 0, 7]),
            ([0; 6], [10, 1, 0, 9])
        )
    );
    let plan = Rewrite {
        source_mac: Some(mac("02:00:00:00:00:bb")),
        destination_mac: Some(mac("02:00:00:00:00:cc")),
        ..lab()
    };
    assert_eq!(
        one(
            &plan,
            &arp(2, (answerer, [192, 0, 2, 9]), (asker, [192, 0, 2, 7]))
        ),
        arp(
            2,
            ([2, 0, 0, 0, 0, 0xbb], [10, 1, 0, 9]),
            ([2, 0, 0, 0, 0, 0xcc], [10, 1, 0, 7])
        )
    );
}

#[test]
fn an_unknown_hardware_address_stays_unknown() {
    let plan = Rewrite {
        destination_mac: Some(mac("02:00:00:00:00:cc")),
        ..Rewrite::default()
    };
    let mut bytes = arp(
        1,
        ([2, 0, 0, 0, 0, 7], [192, 0, 2, 7]),
        ([0; 6], [192, 0, 2, 9]),
    );
    bytes[..6].fill(0);
    let after = one(&plan, &bytes);
    assert_eq!(after[..6], [2, 0, 0, 0, 0, 0xcc]);
    assert_eq!(after[32..38], [0; 6]);
}

#[test]
fn a_probe_for_an_unspecified_sender_stays_one() {
    let plan = mapping(&["0.0.0.0/1=128.0.0.0/1"]);
    let host = [2, 0, 0, 0, 0, 7];
    assert_eq!(
        one(
            &plan,
            &arp(1, (host, [0, 0, 0, 0]), ([0; 6], [10, 0, 0, 9]))
        ),
        arp(1, (host, [0, 0, 0, 0]), ([0; 6], [138, 0, 0, 9]))
    );
}

#[test]
fn options_that_lie_about_their_length_are_left() {
    for length in [0, 5, 255] {
        let mut bytes = solicitation("2001:db8:1::7", "2001:db8:1::1", [2, 0, 0, 0, 0, 9]);
        bytes[79] = length;
        let plan = Rewrite {
            source_mac: Some(mac("02:00:00:00:00:aa")),
            ..lab()
        };
        let sum = |frame: &[u8]| {
            let pseudo = Checksum::new().bytes(&frame[22..54]).word(58);
            pseudo.word(32).bytes(&frame[54..]).finish()
        };
        let after = one(&plan, &bytes);
        assert_eq!(after[78..], bytes[78..]);
        assert_eq!(sum(&after), sum(&bytes), "wrong by as much");
    }
}

#[test]
fn a_router_solicitation_names_the_new_hardware_address() {
    let solicitation = |source_mac: [u8; 6]| {
        let body = [&[1, 1][..], &source_mac].concat();
        let mut bytes = message("2001:db8:2::7", "ff02::2", Icmp::new(133, 0), body);
        bytes[6..12].copy_from_slice(&source_mac);
        bytes
    };
    let plan = Rewrite {
        source_mac: Some(mac("02:00:00:00:00:aa")),
        ..lab()
    };
    let mapped = one(&plan, &solicitation([2, 0, 0, 0, 0, 9]));
    assert_eq!(mapped, solicitation([2, 0, 0, 0, 0, 0xaa]));
}
