//! Link headers, and what stands right behind them.
//!
//! Sources: IEEE 802 numbers of IANA, <https://www.iana.org/assignments/ieee-802-numbers>.

use super::{Control, Reader, word};

/// Bytes of the two hardware addresses.
const ADDRESSES: usize = 12;
/// Values up to this are the length of an 802.3 frame.
const LONGEST: u16 = 1500;
/// An ARP message for IPv4 over Ethernet, RFC 826.
const ARP_BYTES: usize = 28;

impl Reader {
    pub(super) fn frame(&mut self, frame: &[u8]) {
        match (word(frame, ADDRESSES), frame.get(ADDRESSES + 2..)) {
            (Some(ether_type), Some(rest)) => self.typed(ether_type, rest),
            _ => self.unreadable("a cut Ethernet header"),
        }
    }

    /// What stands behind an EtherType.
    pub(super) fn typed(&mut self, ether_type: u16, rest: &[u8]) {
        match ether_type {
            0x0800 => self.v4(rest),
            0x86dd => self.v6(rest),
            // Reverse ARP has the same form.
            0x0806 | 0x8035 => self.arp(rest),
            0x8100 | 0x88a8 | 0x9100 | 0x9200 => match (word(rest, 2), rest.get(4..)) {
                (Some(inner), Some(rest)) => {
                    let place = self.place;
                    self.within(place, |reader| reader.typed(inner, rest));
                }
                _ => self.unreadable("a cut VLAN tag"),
            },
            0x8847 | 0x8848 => self.within("MPLS", |reader| reader.mpls(rest)),
            0x8864 => self.within("PPPoE", |reader| match rest.get(6..) {
                Some(rest) => reader.ppp(rest),
                None => reader.unreadable("a cut PPPoE header"),
            }),
            0x8863 => self.control(Control::Dialling),
            0x8808 => self.control(Control::Pause),
            0x8809 => self.control(Control::Bundling),
            0x888e => self.control(Control::Authentication),
            0x88cc => self.control(Control::Discovery),
            length @ ..=LONGEST => self.llc(rest.get(..usize::from(length)).unwrap_or(rest)),
            other => self.unreadable(format!("the unknown EtherType {other:#06x}")),
        }
    }

    fn llc(&mut self, body: &[u8]) {
        match body {
            &[0xaa, 0xaa, 3, 0, 0, 0, a, b, ref rest @ ..] => {
                let ether_type = u16::from_be_bytes([a, b]);
                if ether_type <= LONGEST {
                    return self.unreadable("an 802.2 header within another");
                }
                self.typed(ether_type, rest);
            }
            // Cisco's: spanning tree for each VLAN; discovery, VTP, DTP, UDLD and others.
            [0xaa, 0xaa, 3, 0, 0, 0x0c, 1, 0x0b, ..] => self.control(Control::SpanningTree),
            [0xaa, 0xaa, 3, 0, 0, 0x0c, ..] => self.control(Control::Discovery),
            [0x06, 0x06, 3, rest @ ..] => self.v4(rest),
            [0x42, 0x42, 3, ..] => self.control(Control::SpanningTree),
            [0xfe, 0xfe, 3, ..] => self.control(Control::Routing),
            // NetBIOS, IPX, XID and test frames have no addresses of IP.
            [0xf0, _, ..]
            | [0xe0, 0xe0, ..]
            | [0xff, 0xff, ..]
            | [0x00, _, 0xaf | 0xbf | 0xe3, ..] => {}
            _ => self.unreadable("an unknown 802.2 header"),
        }
    }

    fn arp(&mut self, bytes: &[u8]) {
        let Some(message) = bytes.get(..ARP_BYTES) else {
            return self.unreadable("a cut ARP message");
        };
        // Of other hardware than Ethernet the places differ.
        if message.get(..6) != Some(&[0, 1, 8, 0, 6, 4]) {
            return self.unreadable("ARP for something else than IPv4 over Ethernet");
        }
        let (sender, target) = (message.get(14..18), message.get(24..28));
        self.address_in(sender);
        self.address_in(target);
        if sender == target && sender != Some(&[0; 4]) {
            self.control(Control::Announcement);
        }
    }
}
