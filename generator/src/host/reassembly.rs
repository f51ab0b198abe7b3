//! Reassembly of fragments, RFC 791 section 3.2 and RFC 8200 section 4.5, in bounded memory.
//!
//! Where fragments overlap, stacks keep one or the other: see [`Overlap`].

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use wire::fragment::FRAGMENT_HEADER;
use wire::{Field, Ip, Layers, Packet, Segment, Timestamp, ipv4};

use super::stack::Overlap;
use crate::activity::{Cause, Sent};

/// Packets that a host puts together at once; the oldest gives way.
const MAX_PACKETS: usize = 256;
/// Bytes of one packet.
const MAX_BYTES: usize = 65_535;

/// Source, destination, identification and protocol.
type Key = (IpAddr, IpAddr, u32, u8);

/// Packets of which some fragments have arrived.
#[derive(Debug)]
pub struct Reassembly {
    overlap: Overlap,
    timeout: u64,
    partial: BTreeMap<Key, Partial>,
    order: VecDeque<(Timestamp, Key)>,
}

#[derive(Debug)]
struct Partial {
    first: Option<Sent>,
    pieces: Vec<(usize, Vec<u8>)>,
    total: Option<usize>,
    template: Ip,
    cause: Cause,
}

impl Reassembly {
    /// Nothing yet.
    pub fn new(overlap: Overlap, timeout: u64) -> Self {
        Reassembly {
            overlap,
            timeout,
            partial: BTreeMap::new(),
            order: VecDeque::new(),
        }
    }

    /// The time at which the oldest packet is given up.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.order.front().map(|(at, _)| *at)
    }

    /// Takes in a fragment; returns the packet when it is whole.
    pub fn take(&mut self, sent: &Sent, now: Timestamp) -> Option<Sent> {
        let (key, offset, more, data) = fragment(&sent.packet)?;
        if offset + data.len() > MAX_BYTES {
            return None;
        }
        if !self.partial.contains_key(&key) {
            if self.partial.len() >= MAX_PACKETS
                && let Some((_, oldest)) = self.order.pop_front()
            {
                self.partial.remove(&oldest);
            }
            self.order.push_back((now.plus_nanos(self.timeout), key));
        }
        let partial = self.partial.entry(key).or_insert_with(|| Partial {
            first: None,
            pieces: Vec::new(),
            total: None,
            template: sent.packet.ip.clone(),
            cause: sent.cause,
        });
        if offset == 0 {
            partial.first = Some(sent.clone());
        }
        if !more {
            partial.total = Some(offset + data.len());
        }
        partial.pieces.push((offset, data));
        let whole = partial.whole(self.overlap, key.3)?;
        let cause = partial.cause;
        self.forget(key);
        Some(Sent {
            packet: whole,
            cause,
        })
    }

    /// The packet that is given up by `now`, if one is: its first fragment, where that arrived, is what an error quotes.
    pub fn give_up(&mut self, now: Timestamp) -> Option<Option<Sent>> {
        let (at, key) = *self.order.front()?;
        if at > now {
            return None;
        }
        self.order.pop_front();
        Some(self.partial.remove(&key).and_then(|partial| partial.first))
    }

    fn forget(&mut self, key: Key) {
        self.partial.remove(&key);
        self.order.retain(|(_, other)| *other != key);
    }
}

impl Partial {
    fn whole(&self, overlap: Overlap, protocol: u8) -> Option<Packet> {
        let total = self.total?;
        let mut bytes = vec![0; total];
        let mut filled = vec![false; total];
        for (offset, data) in &self.pieces {
            for (n, byte) in data.iter().enumerate() {
                let at = offset + n;
                let (Some(room), Some(taken)) = (bytes.get_mut(at), filled.get_mut(at)) else {
                    continue;
                };
                if !*taken || overlap == Overlap::Last {
                    *room = *byte;
                }
                *taken = true;
            }
        }
        filled.iter().all(|filled| *filled).then_some(())?;
        let mut ip = self.template.clone();
        match &mut ip {
            Ip::V4(ip) => {
                ip.flags &= !ipv4::MORE_FRAGMENTS;
                ip.fragment_offset = 0;
                ip.total_length = Field::Computed;
                ip.checksum = Field::Computed;
                ip.protocol = Field::Computed;
            }
            Ip::V6(ip) => {
                ip.payload_length = Field::Computed;
                ip.next_header = Field::Computed;
            }
        }
        let raw = Packet {
            ip,
            segment: Segment::Raw(protocol),
            payload: wire::Payload::new(bytes),
        };
        let mut bytes = Vec::with_capacity(raw.total_bytes());
        raw.emit(&mut bytes);
        Packet::from_layers(&Layers::decode_ip(&bytes)).or(Some(raw))
    }
}

/// Whether a packet is a fragment.
pub fn is_fragment(packet: &Packet) -> bool {
    match &packet.ip {
        Ip::V4(ip) => ip.fragment_offset != 0 || ip.flags & ipv4::MORE_FRAGMENTS != 0,
        Ip::V6(_) => matches!(packet.segment, Segment::Raw(FRAGMENT_HEADER)),
    }
}

/// What a fragment is part of, where it belongs, whether more follow, and its data.
fn fragment(packet: &Packet) -> Option<(Key, usize, bool, Vec<u8>)> {
    let ends = (packet.source(), packet.destination());
    match &packet.ip {
        Ip::V4(ip) => {
            let mut bytes = Vec::with_capacity(packet.total_bytes());
            packet.emit(&mut bytes);
            let data = bytes.split_off(ip.header_bytes().min(bytes.len()));
            let protocol = ip.protocol.or(|| packet.segment.protocol(false));
            let key = (ends.0, ends.1, u32::from(ip.identification), protocol);
            let more = ip.flags & ipv4::MORE_FRAGMENTS != 0;
            Some((key, usize::from(ip.fragment_offset) * 8, more, data))
        }
        Ip::V6(_) => {
            let bytes = packet.payload.to_vec();
            let (header, data) = bytes.split_first_chunk::<8>()?;
            let [next, _, high, low, a, b, c, d] = *header;
            let offset = u16::from_be_bytes([high, low]);
            let key = (ends.0, ends.1, u32::from_be_bytes([a, b, c, d]), next);
            Some((
                key,
                usize::from(offset & !7),
                offset & 1 != 0,
                data.to_vec(),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activity::ActivityId;
    use wire::{Ipv4, Payload, Udp};

    fn whole() -> Sent {
        let ip = Ipv4 {
            identification: 5,
            ..Ipv4::new([192, 0, 2, 1].into(), [192, 0, 2, 2].into())
        };
        let packet = Packet {
            ip: Ip::V4(ip),
            segment: Segment::Udp(Udp::new(1000, 2000)),
            payload: Payload::new((0..100u8).collect::<Vec<u8>>()),
        };
        Sent {
            packet,
            cause: Cause::stimulus(ActivityId::BACKGROUND),
        }
    }

    fn pieces() -> Vec<Sent> {
        let Sent { packet, cause } = whole();
        let pieces = packet.fragments(60, 0).unwrap();
        pieces
            .into_iter()
            .map(|packet| Sent { packet, cause })
            .collect()
    }

    #[test]
    fn fragments_in_any_order_make_the_packet() {
        for backwards in [false, true] {
            let mut pieces = pieces();
            if backwards {
                pieces.reverse();
            }
            let mut reassembly = Reassembly::new(Overlap::First, 30);
            let made: Vec<_> = pieces
                .iter()
                .filter_map(|piece| reassembly.take(piece, Timestamp::ZERO))
                .collect();
            assert_eq!(
                made.iter().map(|sent| &sent.packet).collect::<Vec<_>>(),
                [&whole().packet]
            );
            assert_eq!(reassembly.deadline(), None);
        }
    }

    #[test]
    fn what_stays_in_parts_is_given_up_with_its_first_fragment() {
        let mut reassembly = Reassembly::new(Overlap::First, 30);
        let pieces = pieces();
        for piece in pieces.iter().take(2) {
            assert!(reassembly.take(piece, Timestamp::ZERO).is_none());
        }
        assert!(reassembly.give_up(Timestamp::from_nanos(29)).is_none());
        let given_up = reassembly.give_up(Timestamp::from_nanos(30)).unwrap();
        assert_eq!(
            given_up.map(|sent| sent.packet),
            pieces.into_iter().next().map(|sent| sent.packet)
        );
    }
}
