//! IPv4 with its options, IPv6 with its extension headers, and what they carry.
//!
//! Sources: RFC 791, RFC 8200, RFC 6275 (home addresses), RFC 8754 (segment routing), the protocol numbers of IANA.

use super::{Control, Reader, word};

const V4_BYTES: usize = 20;
const V6_BYTES: usize = 40;
/// IP in IP, IPv6 in IP, GRE, Ethernet in IP, MPLS in IP.
const TUNNELS: [u8; 5] = [4, 41, 47, 97, 137];

impl Reader {
    /// An IP packet of the version that it names.
    pub(super) fn ip(&mut self, bytes: &[u8]) {
        match bytes.first().map(|first| first >> 4) {
            Some(4) => self.v4(bytes),
            Some(6) => self.v6(bytes),
            _ => self.unreadable("a packet that is neither IPv4 nor IPv6"),
        }
    }

    pub(super) fn v4(&mut self, bytes: &[u8]) {
        let Some(fixed) = bytes.first_chunk::<V4_BYTES>() else {
            return self.unreadable("a cut IPv4 header");
        };
        if fixed[0] >> 4 != 4 {
            return self.unreadable("an IPv4 packet of another version");
        }
        self.address_in(fixed.get(12..16));
        self.address_in(fixed.get(16..20));
        self.to_group = fixed[16] >> 4 == 0xe;
        let header = usize::from(fixed[0] & 0xf) * 4;
        if header < V4_BYTES {
            // No kernel takes it, and there is nothing that could be read in two ways.
            return;
        }
        let Some(options) = bytes.get(V4_BYTES..header) else {
            return self.unreadable("cut IPv4 options");
        };
        self.options(options);
        let total = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
        let end = if total == 0 { bytes.len() } else { total };
        let rest = bytes.get(header..end.clamp(header, bytes.len()));
        let later = u16::from_be_bytes([fixed[6], fixed[7]]) & 0x1fff != 0;
        self.above(fixed[9], rest.unwrap_or_default(), later);
    }

    /// Options with addresses: recorded and given routes, time stamps.
    fn options(&mut self, mut options: &[u8]) {
        loop {
            match *options {
                [1, ref rest @ ..] => options = rest,
                [kind, length, ref rest @ ..] if kind != 0 && length >= 2 => {
                    let body = rest.get(..usize::from(length) - 2).unwrap_or(rest);
                    let place = std::mem::replace(&mut self.place, "an IP option");
                    match kind {
                        7 | 131 | 137 => self.addresses_in(body.get(1..), 4),
                        68 if body.get(1).is_some_and(|flags| flags & 0xf != 0) => {
                            for pair in body.get(2..).unwrap_or_default().chunks_exact(8) {
                                self.address_in(pair.get(..4));
                            }
                        }
                        _ => {}
                    }
                    self.place = place;
                    options = rest.get(body.len()..).unwrap_or_default();
                }
                _ => return,
            }
        }
    }

    pub(super) fn v6(&mut self, bytes: &[u8]) {
        let Some(fixed) = bytes.first_chunk::<V6_BYTES>() else {
            return self.unreadable("a cut IPv6 header");
        };
        if fixed[0] >> 4 != 6 {
            return self.unreadable("an IPv6 packet of another version");
        }
        self.address_in(fixed.get(8..24));
        self.address_in(fixed.get(24..40));
        self.to_group = fixed[24] == 0xff;
        let length = usize::from(u16::from_be_bytes([fixed[4], fixed[5]]));
        let rest = bytes.get(V6_BYTES..).unwrap_or_default();
        let rest = if length == 0 {
            rest
        } else {
            rest.get(..length).unwrap_or(rest)
        };
        self.extensions(fixed[6], rest);
    }

    fn extensions(&mut self, mut next: u8, mut rest: &[u8]) {
        let mut later = false;
        while matches!(next, 0 | 43 | 44 | 51 | 60 | 135 | 139 | 140) && !later {
            let (Some(&after), Some(&size)) = (rest.first(), rest.get(1)) else {
                return self.unreadable("a cut IPv6 extension header");
            };
            let length = match next {
                44 => 8,
                51 => (usize::from(size) + 2) * 4,
                _ => (usize::from(size) + 1) * 8,
            };
            let Some((header, behind)) = rest.split_at_checked(length) else {
                return self.unreadable("a cut IPv6 extension header");
            };
            match next {
                0 | 60 => self.destination_options(header.get(2..).unwrap_or_default()),
                43 => self.routing(header),
                44 => later = word(header, 2).is_some_and(|word| word >> 3 != 0),
                _ => {}
            }
            (next, rest) = (after, behind);
        }
        self.above(next, rest, later);
    }

    fn destination_options(&mut self, mut options: &[u8]) {
        loop {
            match *options {
                [0, ref rest @ ..] => options = rest,
                [kind, length, ref rest @ ..] => {
                    let body = rest.get(..usize::from(length)).unwrap_or(rest);
                    if kind == 0xc9 {
                        let place = std::mem::replace(&mut self.place, "a home address");
                        self.address_in(body.get(..16));
                        self.place = place;
                    }
                    options = rest.get(body.len()..).unwrap_or_default();
                }
                _ => return,
            }
        }
    }

    /// Routing headers: given routes, home addresses, segments.
    fn routing(&mut self, header: &[u8]) {
        let place = std::mem::replace(&mut self.place, "a routing header");
        match header.get(2) {
            Some(0 | 2) => self.addresses_in(header.get(8..), 16),
            Some(4) => {
                let segments = usize::from(header.get(4).copied().unwrap_or_default()) + 1;
                let end = (8 + segments * 16).min(header.len());
                self.addresses_in(header.get(8..end), 16);
            }
            _ => self.unreadable("a routing header of unknown type"),
        }
        self.place = place;
    }

    /// What an IP packet carries, or a later fragment of it.
    fn above(&mut self, protocol: u8, rest: &[u8], later: bool) {
        match protocol {
            2 if !later => self.group(rest),
            88 | 89 | 103 | 112 => self.control(Control::Routing),
            // A scan of protocols sends headers with nothing behind.
            _ if rest.is_empty() => {}
            tunnel if later && TUNNELS.contains(&tunnel) => {
                self.unreadable("a later fragment of a tunnel's packet");
            }
            _ if later => {}
            1 => self.icmp(rest),
            4 | 41 => self.within("IP in IP", |reader| reader.ip(rest)),
            17 => self.udp(rest),
            47 => self.within("GRE", |reader| reader.gre(rest)),
            // A header of authentication, in front of something else.
            51 => match (rest.first(), rest.get(1)) {
                (Some(&next), Some(&size)) => {
                    let behind = rest.get((usize::from(size) + 2) * 4..);
                    let place = self.place;
                    self.within(place, |reader| match behind {
                        Some(behind) => reader.above(next, behind, false),
                        None => reader.unreadable("a cut authentication header"),
                    });
                }
                _ => self.unreadable("a cut authentication header"),
            },
            58 => self.icmpv6(rest),
            97 => self.within("Ethernet in IP", |reader| match rest.get(2..) {
                Some(frame) => reader.frame(frame),
                None => reader.unreadable("a cut EtherIP header"),
            }),
            137 => self.within("MPLS", |reader| reader.mpls(rest)),
            _ => {}
        }
    }

    /// IGMP: the group, or the records of version 3.
    fn group(&mut self, message: &[u8]) {
        let place = std::mem::replace(&mut self.place, "IGMP");
        match message.first() {
            Some(0x22) => self.records(message, 4),
            _ => self.address_in(message.get(4..8)),
        }
        self.place = place;
    }

    /// The records of a report, RFC 3376 section 4.2 and RFC 3810 section 5.2: a group, and sources.
    pub(super) fn records(&mut self, message: &[u8], size: usize) {
        let mut rest = message.get(8..).unwrap_or_default();
        while let Some(sources) = word(rest, 2) {
            let length = 4 + size * (1 + usize::from(sources));
            let record = rest.get(..length).unwrap_or(rest);
            self.addresses_in(record.get(4..), size);
            rest = rest.get(record.len()..).unwrap_or_default();
        }
    }
}
