use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::decode::{Layers, LinkType};
use crate::ethernet::{Framing, MacAddress};
use crate::field::Field;
use crate::icmp::Icmp;
use crate::ipv4::Ipv4;
use crate::ipv6::Ipv6;
use crate::packet::{Ip, Segment};
use crate::payload::Payload;
use crate::tcp::{Flags, Options, Tcp, TcpOption};
use crate::udp::Udp;

fn bytes_of(packet: &Packet) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet.emit(&mut bytes);
    bytes
}

fn again(packet: &Packet) -> Option<Packet> {
    Packet::from_layers(&Layers::decode(LinkType::RAW, &bytes_of(packet)))
}

fn error(line: &str) -> String {
    line.parse::<Frame>().unwrap_err().to_string()
}

#[test]
fn ordinary_lines_are_printed_as_they_are_written() {
    for line in [
        "192.0.2.57.1057 > 198.51.100.21.21: S 1484414 win 8192 <mss 536,nop,nop,sackOK> ttl 128 id 7 DF",
        "192.0.2.57.1057 > 198.51.100.21.21: P. 1484415 ack 3037133698 win 8760 ttl 128 id 9 tos 0x10 DF \"USER guest\\r\\n\"",
        "192.0.2.1.1 > 192.0.2.2.2: S 0 win 0 <mss 1460,nop,wscale 6,nop,nop,timestamp 5 0,sackOK,eol,eol> ttl 64",
        "2001:db8::1.53 > 2001:db8::2.1024: udp hlim 64 zeros 12",
        "::ffff:192.0.2.1.53 > 2001:db8::2.1024: udp len 9 cksum 0x0000 hlim 3 class 0x02 flow 0xfffff",
        "192.0.2.1 > 192.0.2.57: icmp 8/0 echo 1 2 ttl 255 id 1 hex ff0a0b",
        "192.0.2.1 > 192.0.2.57: icmp 3/4 rest 00000240 ttl 255 id 1",
        "192.0.2.1 > 192.0.2.57: proto 17 ttl 64 id 5 MF frag 185 zeros 8",
        "192.0.2.1.0 > 192.0.2.57.0: FS+0xe00 0 win 0 <hex 0200> offset 3 cksum 0x1234 ttl 64 evil ip-len 3 ip-proto 6 ip-cksum 0x0001 ip-options 0102",
    ] {
        let packet: Packet = line
            .parse()
            .unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(packet.to_string(), line);
    }
}

#[test]
fn a_line_is_the_packet_it_says() {
    let line = "192.0.2.57.1057 > 198.51.100.21.21: S 1484414 win 8192 <mss 536,nop,nop,sackOK> ttl 128 id 7 DF";
    let mut ip = Ipv4::new(
        Ipv4Addr::new(192, 0, 2, 57),
        Ipv4Addr::new(198, 51, 100, 21),
    );
    (ip.ttl, ip.identification, ip.flags) = (128, 7, crate::ipv4::DONT_FRAGMENT);
    let mut tcp = Tcp::new(1057, 21, Flags::SYN);
    (tcp.sequence, tcp.window) = (1_484_414, 8192);
    use TcpOption::{Mss, NoOperation, SackPermitted};
    tcp.options = Options::new([Mss(536), NoOperation, NoOperation, SackPermitted]);
    let (ip, segment) = (Ip::V4(ip), Segment::Tcp(tcp));
    let packet = Packet {
        ip,
        segment,
        payload: Payload::EMPTY,
    };
    assert_eq!(line.parse(), Ok(packet));
}

#[test]
fn a_link_header_may_stand_in_front() {
    for line in [
        "[02:00:00:00:00:01 > 02:00:00:00:00:02] 192.0.2.1 > 192.0.2.2: proto 47 ttl 64",
        "[vlan 5 snap] 192.0.2.1 > 192.0.2.2: proto 47 ttl 64",
    ] {
        assert_eq!(line.parse::<Frame>().unwrap().to_string(), line);
    }
}

#[test]
fn a_mistake_is_named_with_its_place() {
    let head = "192.0.2.1.1 > 192.0.2.2.2: S 0";
    assert_eq!(
        error(""),
        "column 1: the line ends where a packet is wanted"
    );
    assert_eq!(
        error(&format!("{head} win 65536")),
        "column 36: 65536 is more than the field holds, 65535"
    );
    assert_eq!(
        error(&format!("{head} hlim 4")),
        "column 32: 'hlim' is no field of this packet"
    );
    assert_eq!(
        error(&format!("{head} id 4 id 5")),
        "column 37: 'id' is given twice"
    );
    assert_eq!(
        error(&format!("{head} \"text")),
        "column 32: no \" closes what begins here"
    );
    assert_eq!(
        error(&format!("{head} <mss x>")),
        "column 37: 'x' stands where a number is wanted"
    );
    assert_eq!(
        error(&format!("{head} <nop,mss>")),
        "column 40: the line ends where a number is wanted"
    );
    assert_eq!(
        error("192.0.2.1.1 > ::1.2: S 0"),
        "column 15: one address is IPv4, the other IPv6"
    );
    assert_eq!(
        error("192.0.2.1 > 192.0.2.2: udp"),
        "column 1: '192.0.2.1' stands where an address, a dot and a port is wanted"
    );
    assert!(
        error("192.0.2.1.1 > 192.0.2.2.2: X 0")
            .starts_with("column 28: 'X' stands where TCP flags")
    );
    assert_eq!(
        error("[vlan x] 192.0.2.1 > 192.0.2.2: proto 1"),
        "column 7: 'x' stands where a number is wanted"
    );
}

#[test]
fn long_payloads_are_cut_for_people() {
    let packet: Packet = format!("192.0.2.1.1 > 192.0.2.2.2: . 0 \"{}\"", "x".repeat(60))
        .parse()
        .unwrap();
    assert!(format!("{packet:#}").ends_with("x\"... (60 bytes)"));
    assert!(packet.to_string().ends_with("x\""));
}

#[test]
fn a_wrong_field_is_forced_and_a_right_one_computed() {
    for line in [
        "192.0.2.1.7 > 192.0.2.2.9: . 1 ack 0 win 0 offset 3 ttl 64 \"text\"",
        "192.0.2.1.7 > 192.0.2.2.9: . 1 ack 0 win 0 cksum 0x0007 ttl 64 ip-cksum 0x0001",
        "192.0.2.1.7 > 192.0.2.2.9: udp len 3 cksum 0x0000 ttl 64 \"text\"",
        "192.0.2.1.7 > 192.0.2.2.9: udp ttl 64 ip-len 900 \"text\"",
        "192.0.2.1 > 192.0.2.2: proto 1 ttl 64 hex 0800",
        "192.0.2.1 > 192.0.2.2: proto 6 ttl 64 id 1 frag 2 \"text\"",
        "2001:db8::1.7 > 2001:db8::2.9: S+0x200 1 win 0 <hex 02000000> hlim 64",
    ] {
        let packet: Packet = line.parse().unwrap();
        assert_eq!(again(&packet).unwrap().to_string(), line);
    }
}

fn any_field<T: Arbitrary + Clone + 'static>() -> impl Strategy<Value = Field<T>> {
    option::of(any::<T>()).prop_map(|value| value.map_or(Field::Computed, Field::Forced))
}

fn any_ip() -> impl Strategy<Value = Ip> {
    let v4 = (
        any::<([u8; 4], [u8; 4])>(),
        any::<(u8, u16, u8, u16, u8)>(),
        (any_field(), any_field(), any_field()),
        option::of(vec(any::<u8>(), 0..45)),
    )
        .prop_map(
            |((from, to), (tos, identification, flags, fragment_offset, ttl), forced, options)| {
                let (total_length, protocol, checksum) = forced;
                let (source, destination) = (Ipv4Addr::from(from), Ipv4Addr::from(to));
                let options = options.map(Into::into);
                Ip::V4(Ipv4 {
                    source,
                    destination,
                    tos,
                    total_length,
                    identification,
                    flags,
                    fragment_offset,
                    ttl,
                    protocol,
                    checksum,
                    options,
                })
            },
        );
    let v6 = (
        any::<([u16; 8], [u16; 8])>(),
        any::<(u8, u32, u8)>(),
        (any_field(), any_field()),
    )
        .prop_map(
            |(
                (from, to),
                (traffic_class, flow_label, hop_limit),
                (payload_length, next_header),
            )| {
                let (source, destination) = (Ipv6Addr::from(from), Ipv6Addr::from(to));
                Ip::V6(Ipv6 {
                    source,
                    destination,
                    traffic_class,
                    flow_label,
                    payload_length,
                    next_header,
                    hop_limit,
                })
            },
        );
    prop_oneof![v4, v6]
}

fn any_options() -> impl Strategy<Value = Options> {
    let list = vec(
        prop_oneof![
            Just(TcpOption::NoOperation),
            Just(TcpOption::SackPermitted),
            any::<u16>().prop_map(TcpOption::Mss),
            any::<u8>().prop_map(TcpOption::WindowScale),
            any::<(u32, u32)>().prop_map(|(value, echo)| TcpOption::Timestamps(value, echo)),
            any::<u8>().prop_map(|kind| TcpOption::Unknown(kind, &[1, 2])),
            Just(TcpOption::Sack(&[0; 8])),
            Just(TcpOption::EndOfList),
        ],
        0..6,
    )
    .prop_map(Options::new);
    prop_oneof![
        list,
        vec(any::<u8>(), 0..41).prop_map(|bytes| Options::from_bytes(&bytes))
    ]
}

fn any_segment() -> impl Strategy<Value = Segment> {
    let tcp = (
        any::<(u16, u16, u32, u32, u16, u16, u16)>(),
        (any_field(), any_field()),
        any_options(),
    )
        .prop_map(
            |(
                (source, destination, sequence, acknowledgment, flags, window, urgent),
                forced,
                options,
            )| {
                let ((data_offset, checksum), flags) = (forced, Flags(flags));
                Segment::Tcp(Tcp {
                    source,
                    destination,
                    sequence,
                    acknowledgment,
                    data_offset,
                    flags,
                    window,
                    checksum,
                    urgent,
                    options,
                })
            },
        );
    let udp = (any::<(u16, u16)>(), any_field(), any_field()).prop_map(
        |((source, destination), length, checksum)| {
            Segment::Udp(Udp {
                source,
                destination,
                length,
                checksum,
            })
        },
    );
    let icmp = (any::<(u8, u8, [u8; 4])>(), any_field()).prop_map(
        |((icmp_type, code, rest), checksum)| {
            Segment::Icmp(Icmp {
                icmp_type,
                code,
                checksum,
                rest,
            })
        },
    );
    prop_oneof![tcp, udp, icmp, any::<u8>().prop_map(Segment::Raw)]
}

fn any_payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        Just(Payload::EMPTY),
        (0usize..2000).prop_map(Payload::zeros),
        vec(any::<u8>(), 0..40).prop_map(Payload::new),
        "[ -~\\r\\n\\t]{0,40}".prop_map(|text| Payload::new(text.into_bytes())),
    ]
}

fn any_packet() -> impl Strategy<Value = Packet> {
    (any_ip(), any_segment(), any_payload()).prop_map(|(ip, segment, payload)| Packet {
        ip,
        segment,
        payload,
    })
}

fn any_link() -> impl Strategy<Value = Link> {
    (
        any::<(bool, [u8; 6], [u8; 6])>(),
        any::<Option<u16>>(),
        any::<bool>(),
    )
        .prop_map(|((macs, source, destination), vlan, snap)| Link {
            source: MacAddress(if macs { source } else { [0; 6] }),
            destination: MacAddress(if macs { destination } else { [0; 6] }),
            vlan,
            framing: if snap {
                Framing::LlcSnap
            } else {
                Framing::EthernetII
            },
        })
}

/// A packet as a sender means it: nothing forced, no bits beyond their fields, lists of whole words.
fn plain(packet: Packet) -> Packet {
    let mut packet = packet;
    match &mut packet.ip {
        Ip::V4(ip) => {
            let mut clean = Ipv4::new(ip.source, ip.destination);
            (clean.tos, clean.ttl, clean.identification) = (ip.tos, ip.ttl, ip.identification);
            clean.flags = ip.flags & crate::ipv4::DONT_FRAGMENT;
            *ip = clean;
        }
        Ip::V6(ip) => {
            ip.flow_label &= 0xf_ffff;
            (ip.payload_length, ip.next_header) = (Field::Computed, Field::Computed);
        }
    }
    match &mut packet.segment {
        Segment::Tcp(tcp) => {
            tcp.flags = Flags(tcp.flags.0 & 0xfff);
            (tcp.data_offset, tcp.checksum) = (Field::Computed, Field::Computed);
            let mut bytes = tcp.options.as_bytes().to_vec();
            bytes.truncate(bytes.len() / 4 * 4);
            tcp.options = Options::from_bytes(&bytes);
        }
        Segment::Udp(udp) => (udp.length, udp.checksum) = (Field::Computed, Field::Computed),
        Segment::Icmp(icmp) => icmp.checksum = Field::Computed,
        Segment::Raw(protocol) => *protocol = 200 + *protocol % 50,
    }
    packet
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(link in any_link(), packet in any_packet()) {
        prop_assert_eq!(packet.to_string().parse::<Packet>(), Ok(packet.clone()), "{}", packet);
        let frame = Frame { link, packet };
        prop_assert_eq!(frame.to_string().parse::<Frame>(), Ok(frame.clone()), "{}", frame);
    }

    #[test]
    fn no_line_is_a_panic(line in "[ -~]{0,80}", tail in "[a-z0-9<>\", x-]{0,30}") {
        let _ = line.parse::<Frame>();
        let _ = format!("192.0.2.1.1 > 192.0.2.2.2: S 0 {tail}").parse::<Frame>();
    }

    #[test]
    fn a_plain_packet_is_reconstructed(packet in any_packet().prop_map(plain)) {
        prop_assert_eq!(again(&packet), Some(packet));
    }

    #[test]
    fn what_is_reconstructed_makes_the_same_bytes(packet in any_packet()) {
        let bytes = bytes_of(&packet);
        if let Some(again) = again(&packet) {
            let again = bytes_of(&again);
            // A total length that is too short ends the packet there.
            prop_assert_eq!(bytes.get(..again.len()), Some(again.as_slice()), "{}", packet);
        }
    }

    #[test]
    fn any_bytes_are_reconstructed_or_not(bytes in vec(any::<u8>(), 0..80)) {
        let _ = Packet::from_layers(&Layers::decode(LinkType::RAW, &bytes));
    }
}
