//! Which addresses belong into a lab.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(super) fn belongs(address: IpAddr) -> bool {
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
}
