//! Fragments of packets, RFC 791 section 3.2 and RFC 8200 section 4.5.

use crate::field::Field;
use crate::ipv4;
use crate::ipv6;
use crate::packet::{Ip, Packet, Segment};
use crate::payload::Payload;

/// Next header number of the IPv6 fragment header.
pub const FRAGMENT_HEADER: u8 = 44;
/// Bytes of the IPv6 fragment header.
const FRAGMENT_HEADER_BYTES: usize = 8;

impl Packet {
    /// The fragments as which the packet crosses a link of that MTU, in order; the packet itself where it fits.
    ///
    /// An IPv6 packet takes `identification` for its fragment header; an IPv4 packet has its own. Options of an IPv4
    /// header are copied to every fragment. A packet that is a fragment already is divided further. `None` where the
    /// MTU has no room for eight bytes beyond the headers, or where the packet is an IPv6 fragment.
    pub fn fragments(&self, mtu: usize, identification: u32) -> Option<Vec<Packet>> {
        if self.total_bytes() <= mtu {
            return Some(vec![self.clone()]);
        }
        let mut bytes = Vec::with_capacity(self.total_bytes());
        self.emit(&mut bytes);
        match &self.ip {
            Ip::V4(ip) => {
                let header = ip.header_bytes();
                let data: std::sync::Arc<[u8]> = bytes.get(header..)?.into();
                let protocol = ip.protocol.or(|| self.segment.protocol(false));
                let piece = room(mtu, header)?;
                let cut = |start: usize, end: usize, last: bool| {
                    let more = !last || ip.flags & ipv4::MORE_FRAGMENTS != 0;
                    let offset = u16::try_from(start / 8)
                        .ok()?
                        .checked_add(ip.fragment_offset)?;
                    let mut ip = ip.clone();
                    ip.flags = ip.flags & !ipv4::MORE_FRAGMENTS
                        | if more { ipv4::MORE_FRAGMENTS } else { 0 };
                    ip.fragment_offset = offset;
                    ip.total_length = Field::Computed;
                    ip.checksum = Field::Computed;
                    ip.protocol = Field::Computed;
                    Some(Packet {
                        ip: Ip::V4(ip),
                        segment: Segment::Raw(protocol),
                        payload: Payload::new(data.clone()).slice(start, end - start),
                    })
                };
                pieces(data.len(), piece, cut)
            }
            Ip::V6(ip) => {
                if matches!(self.segment, Segment::Raw(FRAGMENT_HEADER)) {
                    return None;
                }
                let data = bytes.get(ipv6::HEADER_BYTES..)?;
                let next = ip.next_header.or(|| self.segment.protocol(true));
                let piece = room(mtu, ipv6::HEADER_BYTES + FRAGMENT_HEADER_BYTES)?;
                let cut = |start: usize, end: usize, last: bool| {
                    let offset = u16::try_from(start / 8).ok().filter(|n| *n < 1 << 13)?;
                    let [high, low] = (offset << 3 | u16::from(!last)).to_be_bytes();
                    let mut body = vec![next, 0, high, low];
                    body.extend_from_slice(&identification.to_be_bytes());
                    body.extend_from_slice(data.get(start..end)?);
                    let mut ip = ip.clone();
                    ip.payload_length = Field::Computed;
                    ip.next_header = Field::Computed;
                    Some(Packet {
                        ip: Ip::V6(ip),
                        segment: Segment::Raw(FRAGMENT_HEADER),
                        payload: Payload::new(body),
                    })
                };
                pieces(data.len(), piece, cut)
            }
        }
    }
}

/// Bytes of data that a fragment holds behind `header` bytes: as many eights as fit.
fn room(mtu: usize, header: usize) -> Option<usize> {
    let room = mtu.checked_sub(header)? / 8 * 8;
    (room > 0).then_some(room)
}

/// Cuts `length` bytes into pieces of that size, the last one being the rest.
fn pieces(
    length: usize,
    piece: usize,
    cut: impl Fn(usize, usize, bool) -> Option<Packet>,
) -> Option<Vec<Packet>> {
    (0..length)
        .step_by(piece)
        .map(|start| {
            let end = (start + piece).min(length);
            cut(start, end, end == length)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Layers;
    use crate::ipv4::Ipv4;
    use crate::ipv6::Ipv6;
    use crate::udp::Udp;

    fn datagram(ip: Ip, bytes: usize) -> Packet {
        let payload: Vec<u8> = (0..bytes).map(|n| n.to_le_bytes()[0]).collect();
        Packet {
            ip,
            segment: Segment::Udp(Udp::new(1000, 2000)),
            payload: Payload::new(payload),
        }
    }

    fn data(fragments: &[Packet], skip: usize) -> Vec<u8> {
        fragments
            .iter()
            .flat_map(|f| f.payload.to_vec().split_off(skip))
            .collect()
    }

    #[test]
    fn the_pieces_of_a_datagram_make_it_up_again() {
        let ip = Ipv4 {
            identification: 77,
            ..Ipv4::new([192, 0, 2, 1].into(), [192, 0, 2, 2].into())
        };
        let whole = datagram(Ip::V4(ip), 3000);
        let fragments = whole.fragments(1500, 0).unwrap();
        assert_eq!(fragments.len(), 3);
        let mut bytes = Vec::new();
        whole.emit(&mut bytes);
        assert_eq!(data(&fragments, 0), bytes.split_off(20));
        for (fragment, (offset, more)) in
            fragments.iter().zip([(0, true), (185, true), (370, false)])
        {
            let Ip::V4(ip) = &fragment.ip else {
                panic!("IPv4 stays IPv4")
            };
            assert_eq!(
                (ip.fragment_offset, ip.flags & 1 != 0, ip.identification),
                (offset, more, 77)
            );
            assert!(fragment.total_bytes() <= 1500);
            let mut bytes = Vec::new();
            fragment.emit(&mut bytes);
            assert!(Layers::decode_ip(&bytes).stop.is_none());
        }
        assert_eq!(
            fragments.first().and_then(Packet::ports),
            Some((1000, 2000))
        );
        assert_eq!(fragments.get(1).and_then(Packet::ports), None);
    }

    #[test]
    fn a_fragment_is_divided_further_with_its_offset() {
        let ip = Ipv4::new([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let whole = datagram(Ip::V4(ip), 2000);
        let twice: Vec<Packet> = whole
            .fragments(1500, 0)
            .unwrap()
            .iter()
            .flat_map(|fragment| fragment.fragments(576, 0).unwrap())
            .collect();
        let mut bytes = Vec::new();
        whole.emit(&mut bytes);
        assert_eq!(data(&twice, 0), bytes.split_off(20));
        let more: Vec<bool> = twice
            .iter()
            .map(|f| matches!(&f.ip, Ip::V4(ip) if ip.flags & 1 != 0))
            .collect();
        assert_eq!(more.iter().filter(|more| !**more).count(), 1);
    }

    #[test]
    fn an_ipv6_packet_gets_a_fragment_header() {
        let ip = Ipv6::new(
            "2001:db8::1".parse().unwrap(),
            "2001:db8::2".parse().unwrap(),
        );
        let whole = datagram(Ip::V6(ip), 2000);
        let fragments = whole.fragments(1280, 9).unwrap();
        let mut bytes = Vec::new();
        whole.emit(&mut bytes);
        assert_eq!(data(&fragments, 8), bytes.split_off(40));
        assert!(fragments.iter().all(|f| f.total_bytes() <= 1280));
    }

    #[test]
    fn an_mtu_without_room_is_refused() {
        let ip = Ipv4::new([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        assert!(datagram(Ip::V4(ip), 2000).fragments(24, 0).is_none());
    }
}
