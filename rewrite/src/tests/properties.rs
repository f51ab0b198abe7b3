//! What holds for any frame.

use std::net::IpAddr;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use wire::checksum::Checksum;
use wire::decode::{Anomalies, Network};
use wire::{
    Field, Flags, Framing, Icmp, Ip, Ipv4, Ipv6, Link, MacAddress, Options, Payload, Segment, Tcp,
    Udp,
};

use super::*;
use crate::{Checksums, Cut, Oversize, Vlan};

/// Addresses of the blocks that the maps below know, and others.
fn any_v4() -> impl Strategy<Value = [u8; 4]> {
    prop_oneof![
        any::<u8>().prop_map(|host| [192, 0, 2, host]),
        any::<u8>().prop_map(|host| [198, 51, 100, host]),
        any::<u8>().prop_map(|host| [224, 0, 0, host]),
        Just([255; 4]),
        any::<[u8; 2]>().prop_map(|[a, b]| [203, 0, a, b]),
    ]
}

fn any_v6() -> impl Strategy<Value = [u16; 8]> {
    let host = any::<[u16; 4]>();
    (
        prop_oneof![Just(0x2001u16), Just(0xff02), Just(0x3fff)],
        host,
    )
        .prop_map(|(first, [a, b, c, d])| [first, 0xdb8, 1, 0, a, b, c, d])
}

/// A sum: right, or wrong. Both zeros of one's complement are one sum, so that one of them is enough.
fn any_sum() -> impl Strategy<Value = Field<u16>> {
    option::of(1u16..0xffff).prop_map(|sum| sum.map_or(Field::Computed, Field::Forced))
}

fn any_ip() -> impl Strategy<Value = Ip> {
    let v4 = (
        any_v4(),
        any_v4(),
        any::<u16>(),
        option::of(vec(any::<u8>(), 0..40)),
    )
        .prop_map(|(source, destination, identification, options)| {
            Ip::V4(Ipv4 {
                identification,
                flags: if identification & 1 == 0 { 0b010 } else { 0 },
                options: options.map(Into::into),
                ..Ipv4::new(source.into(), destination.into())
            })
        });
    let v6 = (any_v6(), any_v6())
        .prop_map(|(source, destination)| Ip::V6(Ipv6::new(source.into(), destination.into())));
    prop_oneof![2 => v4, 1 => v6]
}

fn any_segment() -> impl Strategy<Value = Segment> {
    let ports = (75u16..85, 75u16..85);
    prop_oneof![
        (ports.clone(), any::<u32>(), vec(any::<u8>(), 0..40)).prop_map(
            |(ports, sequence, options)| {
                Segment::Tcp(Tcp {
                    sequence,
                    options: Options::from_bytes(&options),
                    ..Tcp::new(ports.0, ports.1, Flags::SYN)
                })
            }
        ),
        ports.prop_map(|(from, to)| Segment::Udp(Udp::new(from, to))),
        any::<[u8; 4]>().prop_map(|rest| Segment::Icmp(Icmp {
            rest,
            ..Icmp::new(128, 0)
        })),
        Just(Segment::Raw(47)),
    ]
}

fn any_packet(payload: usize) -> impl Strategy<Value = Packet> {
    let payload = vec(any::<u8>(), 0..payload);
    (any_ip(), any_segment(), payload).prop_map(|(ip, segment, payload)| Packet {
        ip,
        segment,
        payload: Payload::new(payload),
    })
}

/// An error that quotes the first bytes of a packet of the same family.
fn any_error() -> impl Strategy<Value = Packet> {
    let kinds = prop_oneof![Just(3u8), Just(5), Just(11)];
    (any_ip(), any_packet(30), kinds, 0usize..100).prop_map(|(ip, quoted, kind, length)| {
        let mut bytes = Vec::new();
        quoted.emit(&mut bytes);
        bytes.truncate(length);
        Packet {
            ip,
            segment: Segment::Icmp(Icmp::new(kind, 0)),
            payload: Payload::new(bytes),
        }
    })
}

fn with_sums(mut packet: Packet, header: Field<u16>, segment: Field<u16>) -> Packet {
    if let Ip::V4(ip) = &mut packet.ip {
        ip.checksum = header;
    }
    match &mut packet.segment {
        Segment::Tcp(tcp) => tcp.checksum = segment,
        Segment::Udp(udp) => udp.checksum = segment,
        Segment::Icmp(icmp) => icmp.checksum = segment,
        Segment::Raw(_) => {}
    }
    packet
}

fn any_link() -> impl Strategy<Value = Link> {
    (1u8..9, 1u8..9, option::of(any::<u16>()), any::<bool>()).prop_map(|(from, to, vlan, snap)| {
        Link {
            source: MacAddress([2, 0, 0, 0, 0, from]),
            destination: MacAddress([2, 0, 0, 0, 0, to]),
            vlan,
            framing: if snap {
                Framing::LlcSnap
            } else {
                Framing::EthernetII
            },
        }
    })
}

fn any_content() -> impl Strategy<Value = Packet> {
    prop_oneof![2 => any_packet(200), 1 => any_error()]
}

/// A frame whose sums are right, or not.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    (any_link(), any_content(), any_sum(), any_sum()).prop_map(|(link, packet, header, segment)| {
        bytes_of(&link, &with_sums(packet, header, segment))
    })
}

fn bytes_of(link: &Link, packet: &Packet) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet.emit_frame(link, &mut bytes);
    bytes
}

const THERE: [&str; 4] = [
    "192.0.2.0/24=10.1.2.0/24",
    "198.51.100.0/24=172.16.0.0/24",
    "224.0.0.0/24=239.1.1.0/24",
    "2001:db8:1::/48=fd00:1:2::/48",
];

fn hardware(numbers: [(u8, u8); 2]) -> Vec<(MacAddress, MacAddress)> {
    let of = |number| MacAddress([2, 0, 0, 0, 0, number]);
    numbers.map(|(from, to)| (of(from), of(to))).into()
}

fn there() -> Rewrite {
    Rewrite {
        ports: vec!["75-80=1075-1080".parse().unwrap()],
        mac_maps: hardware([(1, 101), (2, 102)]),
        ..mapping(&THERE)
    }
}

fn back() -> Rewrite {
    let mut plan = there();
    for map in &mut plan.addresses {
        (map.from, map.to) = (map.to, map.from);
    }
    plan.ports = vec!["1075-1080=75-80".parse().unwrap()];
    plan.mac_maps = hardware([(101, 1), (102, 2)]);
    plan
}

fn nowhere() -> Rewrite {
    let mut plan = there();
    for map in &mut plan.addresses {
        map.to = map.from;
    }
    plan.ports = vec!["0-65535=0-65535".parse().unwrap()];
    plan.mac_maps = hardware([(1, 1), (2, 2)]);
    plan
}

fn any_plan() -> impl Strategy<Value = Rewrite> {
    let sizes = (
        68usize..2000,
        prop_oneof![
            Just(Oversize::Refuse),
            Just(Oversize::Fragment),
            Just(Oversize::Truncate),
            Just(Oversize::Skip)
        ],
        prop_oneof![Just(Cut::Pad), Just(Cut::Send), Just(Cut::Skip)],
    );
    let vlan = prop_oneof![
        Just(Vlan::Keep),
        Just(Vlan::Remove),
        (0u16..4095).prop_map(Vlan::Set)
    ];
    let plans = prop_oneof![Just(there()), Just(nowhere()), Just(Rewrite::default())];
    (plans, vlan, any::<(bool, bool)>(), sizes).prop_map(
        |(plan, vlan, (fix, forced), (mtu, oversize, cut))| Rewrite {
            vlan,
            checksums: if fix {
                Checksums::Fix
            } else {
                Checksums::Adjust
            },
            source_mac: forced.then_some(MacAddress([2, 0, 0, 0, 1, 1])),
            mtu,
            oversize,
            cut,
            unique: forced,
            ..plan
        },
    )
}

/// What the sum over a segment and its pseudo header comes to: by how much the checksum is wrong.
fn wrong_by(frame: &[u8]) -> Option<u16> {
    let layers = Layers::decode(LinkType::ETHERNET, frame);
    let (protocol, segment) = match layers.transport {
        wire::decode::Transport::Tcp(tcp) => (6, tcp.segment),
        wire::decode::Transport::Udp(udp) => (17, udp.segment),
        _ => return None,
    };
    let length = u16::try_from(segment.len()).unwrap();
    let sum = match layers.addresses()? {
        (IpAddr::V4(from), IpAddr::V4(to)) => Checksum::new().pseudo_v4(from, to, protocol, length),
        (IpAddr::V6(from), IpAddr::V6(to)) => Checksum::new().pseudo_v6(from, to, protocol, length),
        _ => return None,
    };
    Some(sum.bytes(segment).finish())
}

/// A second opinion: etherparse works out the same sums.
fn etherparse_agrees(packet: &[u8]) -> bool {
    let Ok(headers) = etherparse::PacketHeaders::from_ip_slice(packet) else {
        return false;
    };
    let mut transport = headers.transport.clone();
    let payload = headers.payload.slice();
    match (&headers.net, &mut transport) {
        (Some(etherparse::NetHeaders::Ipv4(ip, _)), transport) => {
            if let Some(transport) = transport {
                transport.update_checksum_ipv4(ip, payload).unwrap();
            }
            ip.calc_header_checksum() == ip.header_checksum && *transport == headers.transport
        }
        (Some(etherparse::NetHeaders::Ipv6(ip, _)), Some(transport)) => {
            transport.update_checksum_ipv6(ip, payload).unwrap();
            Some(&*transport) == headers.transport.as_ref()
        }
        _ => true,
    }
}

proptest! {
    #[test]
    fn a_map_to_itself_changes_nothing(bytes in any_frame()) {
        prop_assert_eq!(one(&nowhere(), &bytes), bytes);
    }

    #[test]
    fn there_and_back_is_where_it_began(bytes in any_frame()) {
        prop_assert_eq!(one(&back(), &one(&there(), &bytes)), bytes);
    }

    #[test]
    fn all_frames_go_where_their_addresses_go(packet in any_content()) {
        let rewriter = Rewriter::new(there()).unwrap();
        let bytes = one(&there(), &bytes_of(&Link::default(), &packet));
        let layers = Layers::decode(LinkType::ETHERNET, &bytes);
        let expected = [packet.source(), packet.destination()].map(|at| rewriter.map_address(at, 0));
        prop_assert_eq!(layers.addresses(), Some(expected.into()));
        let ports = packet.ports().map(|(from, to)| (rewriter.map_port(from), rewriter.map_port(to)));
        prop_assert_eq!(layers.ports(), ports);
    }

    #[test]
    fn right_sums_stay_right(
        link in any_link(),
        packet in any_packet(200),
        plan in any_plan(),
        captured in any::<prop::sample::Index>(),
    ) {
        let bytes = bytes_of(&link, &packet);
        // So that no header is cut.
        let headers = bytes.len() - packet.payload.len();
        let captured = headers + captured.index(packet.payload.len() + 1);
        let record = Record { bytes: &bytes[..captured], ..whole(&bytes) };
        // A packet that is sent without its end has a sum over what is not there.
        let plan = Rewrite { cut: if plan.cut == Cut::Send { Cut::Pad } else { plan.cut }, mtu: plan.mtu.max(200), ..plan };
        let frames = match rewritten(&plan, &record) {
            Err(RewriteError::Oversize { .. }) => return Ok(()),
            frames => frames.unwrap(),
        };
        for frame in &frames {
            let layers = Layers::decode(LinkType::ETHERNET, frame);
            prop_assert!(layers.stop.is_none_or(|_| matches!(layers.transport, wire::decode::Transport::Other(_))));
            prop_assert_eq!(layers.anomalies, Anomalies::NONE);
            prop_assert_eq!(layers.checksum_anomalies(), Anomalies::NONE);
            if frames.len() == 1 && link.framing == Framing::EthernetII {
                let tags = usize::from(layers.link.tags);
                prop_assert!(etherparse_agrees(&frame[14 + 4 * tags..]), "{}", said(frame));
            }
        }
    }

    #[test]
    fn quoted_sums_stay_right(packet in any_error()) {
        let before = bytes_of(&Link::default(), &packet);
        let after = one(&there(), &before);
        let layers = Layers::decode(LinkType::ETHERNET, &after);
        prop_assert_eq!(layers.checksum_anomalies(), Anomalies::NONE);
        if let Network::V4(_) = Layers::decode_ip(layers.payload).network && layers.quoted().is_some() {
            let quoted = Layers::decode_ip(layers.payload);
            prop_assert!(!quoted.checksum_anomalies().contains(Anomalies::IP_CHECKSUM) || quoted.stop.is_some());
        }
    }

    #[test]
    fn wrong_sums_stay_wrong_by_as_much(link in any_link(), packet in any_packet(60), sum in 1u16..0xffff) {
        let bytes = bytes_of(&link, &with_sums(packet, Field::Computed, Field::Forced(sum)));
        let (before, after) = (wrong_by(&bytes), wrong_by(&one(&there(), &bytes)));
        prop_assert_eq!(before.map(|sum| sum % 0xffff), after.map(|sum| sum % 0xffff));
    }

    #[test]
    fn no_bytes_panic_and_all_frames_fit(
        plan in any_plan(),
        kind in 0usize..12,
        bytes in vec(any::<u8>(), 0..300),
        more in prop_oneof![Just(0usize), 0usize..3000, Just(usize::MAX / 2)],
        pass in any::<u32>(),
    ) {
        let link_type = LinkType::SUPPORTED.get(kind).copied().unwrap_or(LinkType(105));
        let record = Record { link_type, original_length: bytes.len() + more, ..whole(&bytes) };
        check_any(plan, &record, pass)?;
    }

    #[test]
    fn no_damage_panics(
        plan in any_plan(),
        mut bytes in any_frame(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        length in any::<prop::sample::Index>(),
        pass in any::<u32>(),
    ) {
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let captured = length.index(bytes.len() + 1);
        check_any(plan.clone(), &Record { bytes: &bytes[..captured], ..whole(&bytes) }, pass)?;
        check_any(plan, &whole(&bytes[..captured]), pass)?;
    }

    #[test]
    fn fragments_make_the_whole(
        link in any_link(),
        packet in any_packet(1),
        length in 0usize..3000,
        mtu in 140usize..1500,
        sum in any_sum(),
        first in option::of((0u16..4000, any::<bool>())),
    ) {
        let mut packet = with_sums(packet, Field::Computed, sum);
        // An 802.3 length ends at 1500.
        let length = if link.framing == Framing::LlcSnap { length / 3 } else { length };
        let pattern: Vec<u8> = (0..=250).cycle().take(length).collect();
        packet.payload = Payload::new(pattern);
        if let (Ip::V4(ip), Some((offset, more))) = (&mut packet.ip, first) {
            ip.fragment_offset = offset;
            if more {
                // All but the last hold a multiple of eight bytes.
                let odd = (packet.segment.header_bytes() + packet.payload.len()) % 8;
                packet.payload = packet.payload.slice(odd, usize::MAX);
                ip.flags |= u8::from(packet.payload.len() >= odd);
            }
        }
        let bytes = bytes_of(&link, &packet);
        let plan = Rewrite { mtu, oversize: Oversize::Fragment, ..Rewrite::default() };
        let frames = rewritten(&plan, &whole(&bytes)).unwrap();
        check_fragments(&bytes, &frames, mtu)?;
    }
}

fn check_any(plan: Rewrite, record: &Record<'_>, pass: u32) -> Result<(), TestCaseError> {
    let mut plan = plan;
    if plan.unique {
        plan.addresses.clear();
        plan.passes = pass.max(1);
    }
    let mtu = plan.mtu;
    let mut rewriter = Rewriter::new(plan).unwrap();
    match rewriter.rewrite(record, pass) {
        Ok(rewritten) => {
            for frame in rewritten.frames() {
                let tags = crate::vlan::tag_bytes(frame);
                prop_assert!((14..=14 + tags + mtu).contains(&frame.len()));
            }
        }
        Err(RewriteError::UnsupportedLinkType(link_type)) => {
            prop_assert!(!link_type.is_supported())
        }
        Err(error) => {
            let beyond = matches!(error, RewriteError::Oversize { .. });
            prop_assert!(beyond, "{}", error);
        }
    }
    let counts = rewriter.counts();
    prop_assert!(counts.frames + counts.skipped.total() <= 1 + counts.fragments);
    Ok(())
}

/// Puts fragments together and compares with the packet that they were.
fn check_fragments(bytes: &[u8], frames: &[Vec<u8>], mtu: usize) -> Result<(), TestCaseError> {
    let whole = Layers::decode(LinkType::ETHERNET, bytes);
    let header = |layers: &Layers<'_>| match layers.network {
        Network::V4(ip) => Some((
            ip.source.into(),
            ip.destination.into(),
            ip.identification,
            ip.ttl,
            ip.tos,
        )),
        Network::V6(ip) => Some((
            IpAddr::V6(ip.source),
            IpAddr::V6(ip.destination),
            0,
            ip.hop_limit,
            ip.traffic_class,
        )),
        _ => None,
    };
    let mut payload = Vec::new();
    let (mut next, last_more) = place(&whole);
    for (index, frame) in frames.iter().enumerate() {
        let layers = Layers::decode(LinkType::ETHERNET, frame);
        prop_assert!(frame.len() <= 14 + 4 * usize::from(layers.link.tags) + mtu);
        prop_assert_eq!(layers.link, whole.link);
        prop_assert!(!layers.checksum_anomalies().contains(Anomalies::IP_CHECKSUM));
        prop_assert_eq!(header(&layers), header(&whole));
        let (offset, more) = place(&layers);
        prop_assert_eq!(offset, next);
        prop_assert_eq!(more, last_more || index + 1 < frames.len());
        let content = content(&layers, frame);
        next += u16::try_from(content.len() / 8).unwrap();
        prop_assert!(content.len().is_multiple_of(8) || index + 1 == frames.len());
        payload.extend_from_slice(content);
    }
    prop_assert_eq!(payload, content(&whole, bytes));
    Ok(())
}

/// Fragment offset, and whether more fragments follow.
fn place(layers: &Layers<'_>) -> (u16, bool) {
    match layers.network {
        Network::V4(ip) => (ip.fragment_offset, ip.flags & 1 != 0),
        Network::V6(ip) => ip.fragment.unwrap_or_default(),
        _ => (0, false),
    }
}

/// What stands behind the network header and the fragment header.
fn content<'a>(layers: &Layers<'_>, frame: &'a [u8]) -> &'a [u8] {
    let llc = if layers.link.framing == Framing::LlcSnap {
        8
    } else {
        0
    };
    let network = 14 + 4 * usize::from(layers.link.tags) + llc;
    let header = match layers.network {
        Network::V4(ip) => ip.header.len(),
        Network::V6(ip) => 40 + 8 * usize::from(ip.extensions),
        _ => 0,
    };
    &frame[network + header..]
}
