//! Which addresses belong into a lab.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use wire::decode::Network;
use wire::{Layers, LinkType};

/// The first address of an Ethernet frame that does not belong into a lab, of the IP header or of an ARP message. A frame
/// without addresses, or whose header is too damaged to hold them, goes nowhere by them.
#[inline]
pub(super) fn foreign(frame: &[u8]) -> Option<IpAddr> {
    let addresses = match plain_ipv4(frame) {
        Some(pair) => pair.map(IpAddr::V4),
        None => decoded(frame)?,
    };
    addresses.into_iter().find(|address| !belongs(*address))
}

/// The addresses of an untagged IPv4 packet, which stand at fixed places. Most frames are such; to decode one takes
/// longer than all else that happens to it on the way to the kernel.
#[inline]
fn plain_ipv4(frame: &[u8]) -> Option<[Ipv4Addr; 2]> {
    match frame.get(12..34)? {
        &[
            0x08,
            0x00,
            first,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
        ] if first >> 4 == 4 => Some([Ipv4Addr::new(a, b, c, d), Ipv4Addr::new(e, f, g, h)]),
        _ => None,
    }
}

fn decoded(frame: &[u8]) -> Option<[IpAddr; 2]> {
    match &Layers::decode(LinkType::ETHERNET, frame).network {
        Network::V4(ip) => Some([ip.source.into(), ip.destination.into()]),
        Network::V6(ip) => Some([ip.source.into(), ip.destination.into()]),
        Network::Arp(arp) => Some([arp.sender.into(), arp.target.into()]),
        Network::None => None,
    }
}

fn belongs(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => belongs_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => belongs_v4(mapped),
            None => belongs_v6(address),
        },
    }
}

/// Sources: the registries of special-purpose addresses, <https://www.iana.org/assignments/iana-ipv4-special-registry>,
/// and of multicast, RFC 5771 and RFC 2365.
fn belongs_v4(address: Ipv4Addr) -> bool {
    match address.octets() {
        // Nobody yet, as DHCP says it; the whole link.
        [0, 0, 0, 0] | [255, 255, 255, 255] => true,
        // Private, RFC 1918.
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => true,
        // Loopback, link-local.
        [127, ..] | [169, 254, ..] => true,
        // Documentation, RFC 5737.
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        // Benchmarks, RFC 2544.
        [198, 18 | 19, ..] => true,
        // Multicast on the link, and within an organisation.
        [224, 0, 0, _] | [239, ..] => true,
        _ => false,
    }
}

/// Sources: <https://www.iana.org/assignments/iana-ipv6-special-registry>; scopes of multicast: RFC 7346.
fn belongs_v6(address: Ipv6Addr) -> bool {
    let [first, second, third, ..] = address.segments();
    match (first, second) {
        // Documentation, RFC 3849 and RFC 9637; benchmarks, RFC 5180.
        (0x2001, 0x0db8) | (0x3fff, 0..=0x0fff) => true,
        (0x2001, 0x0002) => third == 0,
        // Unique local, link-local.
        (0xfc00..=0xfdff | 0xfe80..=0xfebf, _) => true,
        // Multicast, up to the scope of an organisation.
        (0xff00..=0xffff, _) => first & 0x000f <= 8,
        _ => address.is_unspecified() || address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_of_labs_belong_and_others_do_not() {
        let yes = "0.0.0.0 255.255.255.255 10.1.2.3 172.16.0.1 172.31.255.255 192.168.9.9 127.0.0.1 169.254.3.4 \
            192.0.2.255 198.51.100.0 203.0.113.77 198.18.0.0 198.19.255.255 224.0.0.251 239.255.255.250 \
            :: ::1 fe80::1 fd00::5 2001:db8::1 2001:2::9 3fff:fff::1 ff02::fb ff05::2 ::ffff:10.0.0.1";
        let no = "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 172.15.0.1 172.32.0.1 192.0.3.1 192.167.0.1 198.17.255.255 \
            198.20.0.0 100.64.0.1 224.0.1.1 232.1.1.1 0.0.0.1 255.255.255.254 2001:db9::1 2001:4860::8 2001:2:1::1 \
            3fff:1000::1 ff0e::1 fec0::1 64:ff9b::1 ::ffff:8.8.8.8 2002::1";
        for text in yes.split_whitespace() {
            assert!(belongs(text.parse().unwrap()), "{text}");
        }
        for text in no.split_whitespace() {
            assert!(!belongs(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn both_addresses_and_those_of_arp_are_looked_at() {
        let frame = |text: &str| {
            let mut bytes = Vec::new();
            text.parse::<wire::Frame>().unwrap().emit(&mut bytes);
            bytes
        };
        for (text, expected) in [
            ("192.0.2.1.5 > 192.0.2.2.6: S 0", None),
            ("192.0.2.1.5 > 8.8.8.8.6: S 0", Some("8.8.8.8")),
            ("9.9.9.9.5 > 192.0.2.2.6: S 0", Some("9.9.9.9")),
        ] {
            let bytes = frame(text);
            assert_eq!(
                foreign(&bytes),
                expected.map(|text| text.parse().unwrap()),
                "{text}"
            );
        }
        let mut arp = [0; 42];
        arp[12..22].copy_from_slice(&[0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1]);
        arp[28..32].copy_from_slice(&[10, 0, 0, 1]);
        arp[38..42].copy_from_slice(&[8, 8, 4, 4]);
        assert_eq!(foreign(&arp), Some("8.8.4.4".parse().unwrap()));
    }

    proptest! {
        #[test]
        fn addresses_at_their_places_are_those_that_decoding_finds(
            mut frame in proptest::collection::vec(any::<u8>(), 0..60),
            words: u8,
        ) {
            if let Some(room) = frame.get_mut(12..15) {
                room.copy_from_slice(&[0x08, 0x00, 0x40 | words & 0x0f]);
            }
            if let Some(plain) = plain_ipv4(&frame) {
                prop_assert_eq!(Some(plain.map(IpAddr::V4)), decoded(&frame));
            }
        }
    }
}
