//! Packets as text (tcpdump -A): each byte that can be printed is itself, all others are dots.
//!
//! Not enough to make bytes of, but enough to know that it is one: the addresses stand in their place.

use std::net::IpAddr;

use crate::said::{Said, What};

/// Where source and destination stand in a header, and what it begins with.
const V4: (usize, char) = (12, 'E');
const V6: (usize, char) = (8, '`');
/// How each ARP message of Ethernet and IPv4 begins.
const ARP: &str = "........";

/// Whether a line is the beginning of that packet's bytes as text.
pub(super) fn is_of(line: &str, said: &Said) -> bool {
    if matches!(said.what, What::Arp(_)) {
        return line.starts_with(ARP) && !line.contains(' ');
    }
    let (Some(source), Some(destination)) = (said.source.numeric(), said.destination.numeric())
    else {
        return false;
    };
    let ((start, first), octets) = match (source, destination) {
        (IpAddr::V4(from), IpAddr::V4(to)) => (V4, [from.octets(), to.octets()].concat()),
        (IpAddr::V6(from), IpAddr::V6(to)) => (V6, [from.octets(), to.octets()].concat()),
        _ => return false,
    };
    let letters: Vec<char> = line.chars().collect();
    if letters.first() != Some(&first) {
        return false;
    }
    for (at, octet) in (start..).zip(octets) {
        match (letters.get(at), octet) {
            // It ends the line.
            (None, b'\n') => return true,
            (Some(letter), 0x20..=0x7e | b'\t' | b'\r') if *letter == char::from(octet) => {}
            (Some('.'), 0..=8 | 11 | 12 | 14..=0x1f | 0x7f..) => {}
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::said::End;

    #[test]
    fn the_addresses_tell() {
        let end = |text: &str| End {
            text: text.to_owned(),
            ..End::default()
        };
        let said = |from: &str, to: &str| Said {
            source: end(from),
            destination: end(to),
            ..Said::default()
        };
        let said5 = said("192.0.51.100.53", "53.0.0.2.33");
        assert!(is_of("E..0..@.@...\u{2e}.3d5...5..!..V.", &said5));
        assert!(!is_of("E..0..@.@.....3e5...5..!..V.", &said5));
        assert!(is_of("E..0..@.@...", &said("10.0.0.1.1", "10.0.0.2.2")));
        assert!(!is_of("Each line of it is prose.", &said5));
    }
}
