//! Messages that hold addresses: ICMP with what it quotes, neighbour discovery, DHCP.
//!
//! Sources: RFC 792, RFC 1256, RFC 4443, RFC 4861, RFC 3810, RFC 2132, RFC 8415, the port numbers of IANA.

use super::{Control, Reader, word};

/// Options of DHCP that are lists of addresses, RFC 2132.
const DHCP_ADDRESSES: [u8; 33] = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 16, 21, 28, 32, 33, 41, 42, 44, 45, 48, 49, 50, 54, 65, 68, 69,
    70, 71, 72, 73, 74, 75, 76, 118,
];
/// What stands in front of DHCP's options, RFC 2131 section 3.
const DHCP_COOKIE: [u8; 4] = [99, 130, 83, 99];
/// Routing protocols that speak to a group by UDP: LDP, OLSR, HSRP, GLBP, Babel.
const ROUTING_PORTS: [u16; 5] = [646, 698, 1985, 3222, 6696];

impl Reader {
    pub(super) fn icmp(&mut self, message: &[u8]) {
        match message.first() {
            Some(5) => {
                self.control(Control::Redirect);
                let place = std::mem::replace(&mut self.place, "an ICMP redirect");
                self.address_in(message.get(4..8));
                self.place = place;
                self.quote(message);
            }
            Some(9) => {
                self.control(Control::RouterAdvertisement);
                let place = std::mem::replace(&mut self.place, "a router advertisement");
                for router in message.get(8..).unwrap_or_default().chunks_exact(8) {
                    self.address_in(router.get(..4));
                }
                self.place = place;
            }
            Some(3 | 4 | 11 | 12) => self.quote(message),
            _ => {}
        }
    }

    pub(super) fn icmpv6(&mut self, message: &[u8]) {
        let place = std::mem::replace(&mut self.place, "neighbour discovery");
        match message.first() {
            Some(1..=4) => self.quote(message),
            Some(130..=132) => self.address_in(message.get(8..24)),
            Some(133) => self.discovery(message.get(8..)),
            Some(134) => {
                self.control(Control::RouterAdvertisement);
                self.discovery(message.get(16..));
            }
            Some(135 | 136) => {
                self.address_in(message.get(8..24));
                self.discovery(message.get(24..));
            }
            Some(137) => {
                self.control(Control::Redirect);
                self.addresses_in(message.get(8..40), 16);
                self.discovery(message.get(40..));
            }
            Some(143) => self.records(message, 16),
            _ => {}
        }
        self.place = place;
    }

    /// Options of neighbour discovery: prefixes, quoted packets, routes, name servers.
    fn discovery(&mut self, options: Option<&[u8]>) {
        let mut rest = options.unwrap_or_default();
        while let &[kind, words, ..] = rest {
            let length = usize::from(words) * 8;
            let (Some(option), true) = (rest.get(..length), words > 0) else {
                return;
            };
            match kind {
                3 => self.address_in(option.get(16..32)),
                4 => self.quote(option),
                24 => {
                    let mut prefix = [0; 16];
                    let given = option.get(8..).unwrap_or_default();
                    for (to, from) in prefix.iter_mut().zip(given) {
                        *to = *from;
                    }
                    self.address_in(Some(&prefix));
                }
                25 => self.addresses_in(option.get(8..), 16),
                _ => {}
            }
            rest = rest.get(length..).unwrap_or_default();
        }
    }

    /// The packet behind eight bytes, as far as it is there.
    fn quote(&mut self, message: &[u8]) {
        let quoted = std::mem::replace(&mut self.quoted, true);
        let packet = message.get(8..).unwrap_or_default();
        self.within("what an ICMP error quotes", |reader| reader.ip(packet));
        self.quoted = quoted;
    }

    pub(super) fn udp(&mut self, datagram: &[u8]) {
        let (Some(from), Some(to)) = (word(datagram, 0), word(datagram, 2)) else {
            // Ports that are cut off lead nowhere.
            return;
        };
        let payload = datagram.get(8..).unwrap_or_default();
        match (from, to) {
            (67 | 68, _) | (_, 67 | 68) => self.dhcp(payload),
            (546 | 547, _) | (_, 546 | 547) => self.dhcpv6(payload),
            // RIP and RIPng: responses of version 1 or 2, of which each entry has 20 bytes.
            (_, 520 | 521) if matches!(payload, [2, 1 | 2, ..] if payload.len() >= 24) => {
                self.control(Control::Routing);
            }
            (_, port) if ROUTING_PORTS.contains(&port) && self.to_group => {
                self.control(Control::Routing);
            }
            _ => self.in_udp(from, to, payload),
        }
    }

    fn dhcp(&mut self, message: &[u8]) {
        if message.get(236..240) != Some(&DHCP_COOKIE) {
            return;
        }
        if message.first() == Some(&2) {
            self.control(Control::DhcpAnswer);
        }
        let place = std::mem::replace(&mut self.place, "DHCP");
        self.addresses_in(message.get(12..28), 4);
        let mut options = message.get(240..).unwrap_or_default();
        loop {
            match *options {
                [0, ref rest @ ..] => options = rest,
                [kind, length, ref rest @ ..] if kind != 255 => {
                    let body = rest.get(..usize::from(length)).unwrap_or(rest);
                    if DHCP_ADDRESSES.contains(&kind) {
                        self.addresses_in(Some(body), 4);
                    }
                    if let (121, Some(router)) = (kind, body.rchunks_exact(4).next()) {
                        self.address_in(Some(router));
                    }
                    options = rest.get(body.len()..).unwrap_or_default();
                }
                _ => break,
            }
        }
        self.place = place;
    }

    fn dhcpv6(&mut self, message: &[u8]) {
        let place = std::mem::replace(&mut self.place, "DHCP");
        match message.first() {
            // Messages of relays, with two addresses in front.
            Some(&kind @ (12 | 13)) => {
                if kind == 13 {
                    self.control(Control::DhcpAnswer);
                }
                self.addresses_in(message.get(2..34), 16);
                self.dhcpv6_options(message.get(34..), 0);
            }
            Some(&kind @ 1..=11) => {
                let known = [0, 1, 2, 3, 6, 8]
                    .iter()
                    .any(|option| word(message, 4) == Some(*option));
                // Advertise, reply, reconfigure; others than DHCP send to such ports, too.
                if matches!(kind, 2 | 7 | 10) && known {
                    self.control(Control::DhcpAnswer);
                }
                self.dhcpv6_options(message.get(4..), 0);
            }
            _ => {}
        }
        self.place = place;
    }

    /// Options: addresses and prefixes in associations, name servers.
    fn dhcpv6_options(&mut self, options: Option<&[u8]>, depth: u8) {
        let mut rest = options.unwrap_or_default();
        while let (Some(kind), Some(length)) = (word(rest, 0), word(rest, 2)) {
            let body = rest.get(4..).unwrap_or_default();
            let body = body.get(..usize::from(length)).unwrap_or(body);
            match kind {
                3 | 25 if depth < 2 => self.dhcpv6_options(body.get(12..), depth + 1),
                4 if depth < 2 => self.dhcpv6_options(body.get(4..), depth + 1),
                5 => self.address_in(body.get(..16)),
                26 => self.address_in(body.get(9..25)),
                12 => self.address_in(body.get(..16)),
                22 | 23 | 27 | 31 => self.addresses_in(Some(body), 16),
                // What a relay hands on.
                9 if depth < 2 => {
                    let depth = depth + 1;
                    self.dhcpv6_options(body.get(4..), depth);
                }
                _ => {}
            }
            rest = rest.get(4 + body.len()..).unwrap_or_default();
        }
    }
}
