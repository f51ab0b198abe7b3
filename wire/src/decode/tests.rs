use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;
use crate::ethernet::{Framing, Link, MacAddress};
use crate::field::Field;
use crate::icmp::{self, Icmp};
use crate::ipv4::Ipv4;
use crate::ipv6::Ipv6;
use crate::packet::{Ip, Packet, Segment};
use crate::payload::Payload;
use crate::tcp::{Flags, Options, Tcp};
use crate::udp::Udp;

const A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const B: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);

fn tcp() -> Packet {
    Packet {
        ip: Ip::V4(Ipv4::new(A, B)),
        segment: Segment::Tcp(Tcp::new(1024, 80, Flags::SYN)),
        payload: Payload::EMPTY,
    }
}

fn frame(packet: &Packet, link: &Link) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet.emit_frame(link, &mut bytes);
    bytes
}

fn any_link() -> impl Strategy<Value = Link> {
    (
        any::<[u8; 6]>(),
        any::<[u8; 6]>(),
        any::<Option<u16>>(),
        any::<bool>(),
    )
        .prop_map(|(source, destination, vlan, snap)| Link {
            source: MacAddress(source),
            destination: MacAddress(destination),
            vlan,
            framing: if snap {
                Framing::LlcSnap
            } else {
                Framing::EthernetII
            },
        })
}

fn any_ip() -> impl Strategy<Value = Ip> {
    let v4 = (
        any::<[u8; 4]>(),
        any::<[u8; 4]>(),
        any::<(u8, u16, u8)>(),
        0u8..8,
        proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)),
    )
        .prop_map(
            |(source, destination, (tos, identification, ttl), flags, options)| {
                Ip::V4(Ipv4 {
                    tos,
                    identification,
                    ttl,
                    flags,
                    options: options.map(Into::into),
                    ..Ipv4::new(source.into(), destination.into())
                })
            },
        );
    let v6 = (any::<[u8; 16]>(), any::<[u8; 16]>(), any::<(u8, u8)>()).prop_map(
        |(source, destination, (traffic_class, hop_limit))| {
            Ip::V6(Ipv6 {
                traffic_class,
                hop_limit,
                ..Ipv6::new(Ipv6Addr::from(source), Ipv6Addr::from(destination))
            })
        },
    );
    prop_oneof![v4, v6]
}

fn any_segment() -> impl Strategy<Value = Segment> {
    prop_oneof![
        (
            any::<(u16, u16, u32, u32, u16, u16)>(),
            0u16..0x200,
            proptest::collection::vec(any::<u8>(), 0..40)
        )
            .prop_map(
                |(
                    (source, destination, sequence, acknowledgment, window, urgent),
                    flags,
                    options,
                )| {
                    Segment::Tcp(Tcp {
                        sequence,
                        acknowledgment,
                        window,
                        urgent,
                        options: Options::from_bytes(&options),
                        ..Tcp::new(source, destination, Flags(flags))
                    })
                }
            ),
        any::<(u16, u16)>().prop_map(|(a, b)| Segment::Udp(Udp::new(a, b))),
        any::<(u8, u8, [u8; 4])>().prop_map(|(icmp_type, code, rest)| {
            Segment::Icmp(Icmp {
                rest,
                ..Icmp::new(icmp_type, code)
            })
        }),
    ]
}

proptest! {
    #[test]
    fn what_was_emitted_is_decoded(
        link in any_link(),
        ip in any_ip(),
        segment in any_segment(),
        payload in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let packet = Packet { ip, segment, payload: Payload::new(payload) };
        let bytes = frame(&packet, &link);
        let layers = Layers::decode(LinkType::ETHERNET, &bytes);
        prop_assert_eq!(layers.stop, None);
        prop_assert_eq!(layers.anomalies, Anomalies::NONE);
        prop_assert_eq!(layers.checksum_anomalies(), Anomalies::NONE);
        prop_assert_eq!(layers.link.source, Some(link.source));
        prop_assert_eq!(layers.link.vlan, link.vlan.map(|tag| tag & 0xfff));
        prop_assert_eq!(layers.link.framing, link.framing);
        prop_assert_eq!(layers.addresses(), Some((packet.source(), packet.destination())));
        prop_assert_eq!(layers.ttl(), Some(packet.ttl()));
        prop_assert_eq!(layers.ports(), packet.ports());
        prop_assert_eq!(layers.payload, packet.payload.to_vec());
        prop_assert_eq!(layers.payload_length, packet.payload.len());
        match (&layers.transport, &packet.segment) {
            (Transport::Tcp(view), Segment::Tcp(tcp)) => {
                prop_assert_eq!(
                    (view.sequence, view.acknowledgment, view.flags, view.window, view.urgent),
                    (tcp.sequence, tcp.acknowledgment, tcp.flags, tcp.window, tcp.urgent)
                );
                prop_assert!(view.options.starts_with(tcp.options.as_bytes()));
            }
            (Transport::Icmp(view) | Transport::Icmpv6(view), Segment::Icmp(icmp)) => {
                prop_assert_eq!(
                    (view.icmp_type, view.code, view.rest),
                    (icmp.icmp_type, icmp.code, icmp.rest)
                );
            }
            (Transport::Udp(_), Segment::Udp(_)) => {}
            (read, made) => prop_assert!(false, "{:?} of {:?}", read, made),
        }
    }

    #[test]
    fn no_bytes_panic(kind in 0usize..12, bytes in proptest::collection::vec(any::<u8>(), 0..200), more in 0usize..100) {
        let link_type = LinkType::SUPPORTED.get(kind).copied().unwrap_or(LinkType(105));
        let layers = Layers::decode_cut(link_type, &bytes, bytes.len() + more);
        layers.quoted();
        layers.checksum_anomalies();
    }

    #[test]
    fn no_damage_panics(
        link in any_link(),
        ip in any_ip(),
        segment in any_segment(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let packet = Packet { ip, segment, payload: Payload::zeros(30) };
        let mut bytes = frame(&packet, &link);
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let whole = bytes.len();
        let cut = &bytes[..cut.index(whole + 1)];
        for layers in [
            Layers::decode(LinkType::ETHERNET, cut),
            Layers::decode_cut(LinkType::ETHERNET, cut, whole),
        ] {
            layers.quoted();
            layers.checksum_anomalies();
        }
    }

    /// A second opinion: etherparse, also lax, sees the same.
    #[test]
    fn etherparse_agrees(
        ip in any_ip(),
        segment in any_segment(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let packet = Packet { ip, segment, payload: Payload::zeros(20) };
        let mut bytes = frame(&packet, &Link::default());
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let ours = Layers::decode(LinkType::ETHERNET, &bytes);
        let Ok(theirs) = etherparse::LaxSlicedPacket::from_ethernet(&bytes) else {
            return Ok(());
        };
        if theirs.stop_err.is_some() || ours.stop.is_some() {
            return Ok(());
        }
        match &theirs.transport {
            Some(etherparse::TransportSlice::Tcp(tcp)) => {
                prop_assert_eq!(ours.ports(), Some((tcp.source_port(), tcp.destination_port())));
                prop_assert_eq!(ours.payload, tcp.payload());
            }
            Some(etherparse::TransportSlice::Udp(udp)) => {
                prop_assert_eq!(ours.ports(), Some((udp.source_port(), udp.destination_port())));
            }
            Some(etherparse::TransportSlice::Icmpv4(icmp)) => {
                prop_assert_eq!(ours.payload, &icmp.slice()[8..]);
            }
            _ => {}
        }
    }
}

#[test]
fn several_vlan_tags_are_followed() {
    let mut bytes = frame(&tcp(), &Link::default());
    bytes.splice(12..12, [0x88, 0xa8, 0, 5, 0x81, 0x00, 0, 7]);
    let layers = Layers::decode(LinkType::ETHERNET, &bytes);
    assert_eq!((layers.link.tags, layers.link.vlan), (2, Some(5)));
    assert_eq!(layers.ports(), Some((1024, 80)));
}

#[test]
fn other_link_types_lead_to_the_same_packet() {
    let mut ip = Vec::new();
    tcp().emit(&mut ip);
    let sll = [
        &[0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0],
        ip.as_slice(),
    ]
    .concat();
    let sll2 = [
        &[8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0],
        ip.as_slice(),
    ]
    .concat();
    let null = [&[2, 0, 0, 0], ip.as_slice()].concat();
    let looped = [&[0, 0, 0, 2], ip.as_slice()].concat();
    for (link_type, bytes) in [
        (LinkType::LINUX_SLL, &sll),
        (LinkType::LINUX_SLL2, &sll2),
        (LinkType::NULL, &null),
        (LinkType::NULL, &looped),
        (LinkType::LOOP, &looped),
        (LinkType::RAW, &ip),
        (LinkType::IPV4, &ip),
    ] {
        let layers = Layers::decode(link_type, bytes);
        assert_eq!(layers.ports(), Some((1024, 80)), "{link_type}");
        assert!(layers.anomalies.is_empty() && layers.stop.is_none());
        for cut in 0..bytes.len() {
            Layers::decode(link_type, &bytes[..cut]);
        }
    }
}

#[test]
fn what_is_too_long_for_a_length_of_802_3_says_its_ether_type() {
    let link = Link {
        framing: Framing::LlcSnap,
        ..Link::default()
    };
    for (bytes, framing) in [(1492, Framing::LlcSnap), (1493, Framing::EthernetII)] {
        let packet = Packet {
            payload: Payload::zeros(bytes - 40),
            ..tcp()
        };
        let frame = frame(&packet, &link);
        let layers = Layers::decode(LinkType::ETHERNET, &frame);
        assert_eq!(layers.link.framing, framing, "{bytes}");
        assert_eq!(layers.payload.len(), bytes - 40);
        assert!(layers.anomalies.is_empty() && layers.stop.is_none());
    }
}

#[test]
fn padding_is_no_payload_and_no_anomaly() {
    let mut bytes = frame(&tcp(), &Link::default());
    bytes.resize(60, 0);
    let layers = Layers::decode(LinkType::ETHERNET, &bytes);
    assert_eq!(
        (layers.payload.len(), layers.anomalies),
        (0, Anomalies::NONE)
    );
    bytes.resize(90, 0);
    let layers = Layers::decode(LinkType::ETHERNET, &bytes);
    assert!(layers.anomalies.contains(Anomalies::TRAILING_BYTES));
}

#[test]
fn first_fragments_keep_their_ports_and_later_ones_have_none() {
    let mut packet = tcp();
    packet.payload = Payload::zeros(16);
    for (flags, offset, ports) in [(1, 0, Some((1024, 80))), (1, 5, None), (0, 9, None)] {
        if let Ip::V4(ip) = &mut packet.ip {
            (ip.flags, ip.fragment_offset) = (flags, offset);
        }
        let bytes = frame(&packet, &Link::default());
        let layers = Layers::decode(LinkType::ETHERNET, &bytes);
        assert_eq!(layers.ports(), ports);
        assert_eq!(
            matches!(layers.transport, Transport::Fragment),
            ports.is_none()
        );
    }
}

#[test]
fn ipv6_extension_headers_are_followed() {
    let packet = Packet {
        ip: Ip::V6(Ipv6 {
            next_header: Field::Forced(0),
            ..Ipv6::new(Ipv6Addr::LOCALHOST, Ipv6Addr::UNSPECIFIED)
        }),
        segment: Segment::Raw(0),
        // Hop-by-hop, then a fragment header that says "first, more follow", then UDP.
        payload: Payload::new([
            44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0, 0, 9, 0, 53, 4, 0, 0, 100, 0, 0, 1, 2,
        ]),
    };
    let bytes = frame(&packet, &Link::default());
    let layers = Layers::decode(LinkType::ETHERNET, &bytes);
    assert_eq!(layers.ports(), Some((53, 1024)));
    assert!(layers.anomalies.is_empty());
    match layers.network {
        Network::V6(ip) => {
            assert_eq!((ip.extensions, ip.fragment), (2, Some((0, true))));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn lengths_that_lie_are_named() {
    let mut packet = tcp();
    if let Ip::V4(ip) = &mut packet.ip {
        ip.total_length = Field::Forced(1500);
    }
    let bytes = frame(&packet, &Link::default());
    let lie = Layers::decode(LinkType::ETHERNET, &bytes);
    assert!(lie.anomalies.contains(Anomalies::IP_LENGTH_BEYOND));
    assert_eq!(lie.ports(), Some((1024, 80)));
    let cut = Layers::decode_cut(LinkType::ETHERNET, &bytes, 1514);
    assert_eq!(cut.anomalies, Anomalies::CUT);
    assert_eq!(cut.payload_length, 1460);
    if let Segment::Tcp(tcp) = &mut packet.segment {
        tcp.data_offset = Field::Forced(2);
    }
    let bytes = frame(&packet, &Link::default());
    let layers = Layers::decode(LinkType::ETHERNET, &bytes);
    assert!(layers.anomalies.contains(Anomalies::TCP_HEADER_LENGTH));
    assert_eq!(
        layers.stop.map(|stop| (stop.layer, stop.reason)),
        Some((Layer::Tcp, StopReason::BadHeaderLength(2)))
    );
    assert_eq!(layers.ports(), Some((1024, 80)));
}

#[test]
fn a_capture_that_keeps_the_flags_of_tcp_is_read() {
    let bytes = frame(&tcp(), &Link::default());
    let cut = bytes.get(..14 + 20 + 14).unwrap();
    let layers = Layers::decode_cut(LinkType::ETHERNET, cut, bytes.len());
    let Transport::Tcp(tcp) = &layers.transport else {
        panic!("{layers:?}");
    };
    assert_eq!((tcp.source, tcp.destination, tcp.window), (1024, 80, 0));
    assert!(layers.stop.is_some() && layers.payload.is_empty());
    // Of a packet that is no longer, so few bytes are no header.
    let layers = Layers::decode(LinkType::ETHERNET, cut);
    assert!(matches!(layers.transport, Transport::None));
}

#[test]
fn an_icmp_error_tells_whose_packet_it_quotes() {
    let mut quoted = Vec::new();
    let mut cause = tcp();
    if let Segment::Tcp(tcp) = &mut cause.segment {
        tcp.sequence = 77;
    }
    cause.emit(&mut quoted);
    quoted.truncate(28);
    let error = Packet {
        ip: Ip::V4(Ipv4::new(B, A)),
        segment: Segment::Icmp(Icmp::new(icmp::UNREACHABLE, icmp::HOST)),
        payload: Payload::new(quoted),
    };
    let bytes = frame(&error, &Link::default());
    let quote = Layers::decode(LinkType::ETHERNET, &bytes).quoted().unwrap();
    assert_eq!((quote.source, quote.destination), (A.into(), B.into()));
    assert_eq!((quote.ports, quote.sequence), (Some((1024, 80)), Some(77)));
    assert_eq!(quote.flags, None);
}

#[test]
fn arp_names_both_addresses() {
    let mut bytes = vec![0xff; 12];
    bytes.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    bytes.extend([
        2, 0, 0, 0, 0, 1, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 9,
    ]);
    match Layers::decode(LinkType::ETHERNET, &bytes).network {
        Network::Arp(arp) => {
            assert_eq!((arp.operation, arp.sender), (1, A));
            assert_eq!(arp.target, Ipv4Addr::new(192, 0, 2, 9));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn wrong_checksums_are_found_when_asked_for() {
    let mut packet = tcp();
    if let Segment::Tcp(tcp) = &mut packet.segment {
        tcp.checksum = Field::Forced(1);
    }
    let bytes = frame(&packet, &Link::default());
    let layers = Layers::decode(LinkType::ETHERNET, &bytes);
    assert_eq!(layers.anomalies, Anomalies::NONE);
    assert_eq!(layers.checksum_anomalies(), Anomalies::TRANSPORT_CHECKSUM);
    let names: Vec<_> = layers.checksum_anomalies().names().collect();
    assert_eq!(names, ["transport-checksum"]);
}
