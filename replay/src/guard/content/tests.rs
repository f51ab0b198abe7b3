use super::*;
use proptest::prelude::*;

const ETHERNET: [u8; 12] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
const LAB: [u8; 4] = [192, 0, 2, 1];
const PUBLIC: [u8; 4] = [8, 8, 8, 8];

fn frame(ether_type: u16, rest: &[u8]) -> Vec<u8> {
    [&ETHERNET[..], &ether_type.to_be_bytes(), rest].concat()
}

fn v4(protocol: u8, options: &[u8], payload: &[u8], destination: [u8; 4]) -> Vec<u8> {
    let header = 20 + options.len();
    let total = u16::try_from(header + payload.len()).unwrap().to_be_bytes();
    let words = 0x40 | u8::try_from(header / 4).unwrap();
    let fixed = [words, 0, total[0], total[1], 0, 0, 0, 0, 64, protocol, 0, 0];
    [&fixed[..], &LAB, &destination, options, payload].concat()
}

fn v6(next: u8, payload: &[u8], destination: &str) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let fixed = [0x60, 0, 0, 0, length[0], length[1], next, 64];
    let to: std::net::Ipv6Addr = destination.parse().unwrap();
    let from: std::net::Ipv6Addr = "2001:db8::1".parse().unwrap();
    [&fixed[..], &from.octets(), &to.octets(), payload].concat()
}

fn udp(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap().to_be_bytes();
    [
        &from.to_be_bytes()[..],
        &to.to_be_bytes(),
        &length,
        &[0; 2],
        payload,
    ]
    .concat()
}

fn public6() -> [u8; 16] {
    "2001:4860::8"
        .parse::<std::net::Ipv6Addr>()
        .unwrap()
        .octets()
}

fn in_v4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    frame(0x0800, &v4(protocol, &[], payload, LAB))
}

fn in_v6(next: u8, payload: &[u8]) -> Vec<u8> {
    frame(0x86dd, &v6(next, payload, "2001:db8::2"))
}

#[test]
fn addresses_are_found_wherever_they_stand() {
    let inner = v4(6, &[], &[0; 20], PUBLIC);
    let inner6 = v6(6, &[0; 20], "2001:4860::8");
    let inner_frame = frame(0x0800, &inner);
    let route = [131, 7, 4, 8, 8, 8, 8, 0];
    let routing = [&[6, 2, 0, 1, 0, 0, 0, 0][..], &public6()].concat();
    let segments = [&[6, 2, 4, 0, 0, 0, 0, 0][..], &public6()].concat();
    let home = [&[6, 2, 1, 2, 0, 0, 0xc9, 16][..], &public6()].concat();
    let solicitation = [&[135, 0, 0, 0, 0, 0, 0, 0][..], &public6()].concat();
    let error = |packet: &[u8]| [&[3, 1, 0, 0, 0, 0, 0, 0][..], packet].concat();
    let mut discover = vec![0; 240];
    discover[0] = 1;
    discover[236..].copy_from_slice(&[99, 130, 83, 99]);
    discover.extend([50, 4, 8, 8, 8, 8, 255]);
    for (place, bytes) in [
        ("", frame(0x0800, &inner)),
        (
            "",
            frame(0x8100, &[&[0, 5, 0x08, 0x00], &inner[..]].concat()),
        ),
        ("IP in IP", in_v4(4, &inner)),
        ("IP in IP", in_v4(41, &inner6)),
        ("GRE", in_v4(47, &[&[0, 0, 8, 0], &inner[..]].concat())),
        (
            "GRE",
            in_v4(
                47,
                &[&[0x20, 0, 0x65, 0x58, 0, 0, 0, 7], &inner_frame[..]].concat(),
            ),
        ),
        (
            "VXLAN",
            in_v4(
                17,
                &udp(
                    7,
                    4789,
                    &[&[8, 0, 0, 0, 0, 0, 7, 0], &inner_frame[..]].concat(),
                ),
            ),
        ),
        (
            "Geneve",
            in_v4(
                17,
                &udp(
                    7,
                    6081,
                    &[&[0, 0, 0x65, 0x58, 0, 0, 7, 0], &inner_frame[..]].concat(),
                ),
            ),
        ),
        (
            "MPLS",
            frame(0x8847, &[&[0, 0, 0x11, 64], &inner[..]].concat()),
        ),
        (
            "PPPoE",
            frame(
                0x8864,
                &[&[0x11, 0, 0, 1, 0, 50, 0, 0x21], &inner[..]].concat(),
            ),
        ),
        ("an IP option", frame(0x0800, &v4(6, &route, &[0; 20], LAB))),
        ("a routing header", in_v6(43, &routing)),
        ("a routing header", in_v6(43, &segments)),
        ("a home address", in_v6(60, &home)),
        ("neighbour discovery", in_v6(58, &solicitation)),
        ("what an ICMP error quotes", in_v4(1, &error(&inner[..28]))),
        ("DHCP", in_v4(17, &udp(68, 67, &discover))),
    ] {
        let found = read(&bytes).foreign;
        let expected: [IpAddr; 2] = ["8.8.8.8".parse().unwrap(), "2001:4860::8".parse().unwrap()];
        let (address, at) = found.unwrap_or_else(|| panic!("{place}: nothing found"));
        assert!(expected.contains(&address), "{place}: {address}");
        assert_eq!(at, place);
    }
}

#[test]
fn frames_by_which_networks_are_run_are_told_by_kind() {
    let advertisement = [&[134, 0, 0, 0, 64, 0, 7, 8][..], &[0; 8]].concat();
    let mut offer = vec![0; 240];
    offer[0] = 2;
    offer[236..].copy_from_slice(&[99, 130, 83, 99]);
    let rip = [&[2, 2, 0, 0][..], &[0; 20]].concat();
    let mut arp = vec![0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 192, 0, 2, 1];
    arp.extend([0, 0, 0, 0, 0, 0, 192, 0, 2, 1]);
    for (kind, bytes) in [
        (Control::RouterAdvertisement, in_v6(58, &advertisement)),
        (
            Control::RouterAdvertisement,
            in_v4(1, &[9, 0, 0, 0, 1, 2, 0, 9]),
        ),
        (Control::Redirect, in_v4(1, &[5, 1, 0, 0, 192, 0, 2, 9])),
        (Control::DhcpAnswer, in_v4(17, &udp(67, 68, &offer))),
        (
            Control::DhcpAnswer,
            in_v6(17, &udp(547, 546, &[2, 0, 0, 1, 0, 2, 0, 0])),
        ),
        (Control::Routing, in_v4(17, &udp(520, 520, &rip))),
        (
            Control::Routing,
            frame(
                0x0800,
                &v4(17, &[], &udp(1985, 1985, &[0; 20]), [224, 0, 0, 2]),
            ),
        ),
        (Control::Routing, in_v4(89, &[2, 1, 0, 44])),
        (Control::SpanningTree, frame(38, &[0x42, 0x42, 3, 0, 0, 0])),
        (Control::Pause, frame(0x8808, &[0, 1, 0xff, 0xff])),
        (Control::Authentication, frame(0x888e, &[2, 1, 0, 0])),
        (Control::Discovery, frame(0x88cc, &[2, 7])),
        (Control::Announcement, frame(0x0806, &arp)),
    ] {
        let found = read(&bytes);
        assert_eq!(found.control, Some(kind), "{bytes:?}");
        assert_eq!(found.unreadable, None);
    }
}

#[test]
fn scans_of_such_ports_and_protocols_are_ordinary() {
    for port in [67, 520, 546, 1985, 3544, 4789, 6081, 8472] {
        for payload in [&[][..], &[0; 8], &[1, 2, 3]] {
            let found = read(&in_v4(17, &udp(40_000, port, payload)));
            assert_eq!(found, Content::default(), "{port}");
        }
    }
    for protocol in [4, 41, 47, 51, 58, 97, 137, 200] {
        assert_eq!(read(&in_v4(protocol, &[])), Content::default());
    }
    // What an error quotes runs nothing, and may end anywhere.
    let quoted = v4(17, &[], &udp(1985, 1985, &[0; 20]), [224, 0, 0, 2]);
    for length in 20..quoted.len() {
        let error = [&[3, 3, 0, 0, 0, 0, 0, 0], &quoted[..length]].concat();
        assert_eq!(read(&in_v4(1, &error)), Content::default());
    }
}

#[test]
fn what_cannot_be_read_is_said() {
    for (what, bytes) in [
        ("Ethernet", ETHERNET.to_vec()),
        ("0x894f", frame(0x894f, &[0; 40])),
        ("IPv4 header", frame(0x0800, &[0x45; 12])),
        ("IPv4 options", frame(0x0800, &[0x4f; 30])),
        ("IPv6 header", frame(0x86dd, &[0x60; 12])),
        ("extension header", in_v6(43, &[6, 9, 0, 1, 0, 0, 0, 0])),
        ("routing header", in_v6(43, &[6, 0, 77, 1, 0, 0, 0, 0])),
        ("ARP", frame(0x0806, &[0, 1, 8, 0, 6, 4])),
        ("GRE", in_v4(47, &[0x40, 0, 8, 0, 0])),
        ("802.2", frame(10, &[0x99, 0x98, 3])),
    ] {
        let found = read(&bytes).unreadable.unwrap_or_default();
        assert!(found.contains(what), "{what}: '{found}'");
    }
    let mut nested = v4(6, &[], &[0; 20], LAB);
    for _ in 0..9 {
        nested = v4(4, &[], &nested, LAB);
    }
    assert!(read(&frame(0x0800, &nested)).unreadable.is_some());
}

proptest! {
    #[test]
    fn the_short_way_finds_what_the_long_one_does(
        mut bytes in proptest::collection::vec(any::<u8>(), 34..90),
        protocol in prop_oneof![Just(6_u8), Just(17_u8)],
    ) {
        bytes[12..15].copy_from_slice(&[0x08, 0x00, 0x45]);
        bytes[23] = protocol;
        if plain(&bytes).is_some() {
            prop_assert_eq!(read(&bytes), read_all(&bytes));
        }
    }

    #[test]
    fn no_bytes_make_it_fail(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ether_type in prop_oneof![
            Just(0x0800_u16), Just(0x86dd), Just(0x8847), Just(0x8864), Just(0x8100), 0_u16..100
        ],
    ) {
        read(&frame(ether_type, &bytes));
        read(&bytes);
    }
}
