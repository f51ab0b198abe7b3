//! Source routes, RFC 791 section 3.1: options that name the hosts over which a packet is to go.

use std::net::Ipv4Addr;

use wire::ipv4::IpOptions;
use wire::{Ip, Packet};

/// Option type of a loose source route.
pub const LOOSE: u8 = 131;
/// Option type of a strict source route.
pub const STRICT: u8 = 137;

/// Option type of a recorded route.
pub const RECORD: u8 = 7;

/// A source route that stands in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceRoute {
    /// Where the option stands among the options, in bytes.
    at: usize,
    /// Its length in bytes.
    length: usize,
    /// Its pointer, counted from 1 as RFC 791 does.
    pointer: usize,
}

impl SourceRoute {
    /// The source route of a packet, if it has one.
    pub fn of(packet: &Packet) -> Option<SourceRoute> {
        let Ip::V4(ip) = &packet.ip else {
            return None;
        };
        let options = ip.options.as_deref()?;
        let mut at = 0;
        while let [kind, rest @ ..] = options.get(at..)? {
            let length = match (*kind, rest) {
                (0, _) => return None,
                (1, _) => 1,
                (LOOSE | STRICT, [length, pointer, ..]) => {
                    let (length, pointer) = (usize::from(*length), usize::from(*pointer));
                    let sound = length >= 3 && at + length <= options.len() && pointer >= 4;
                    return sound.then_some(SourceRoute {
                        at,
                        length,
                        pointer,
                    });
                }
                (_, [length, ..]) if *length >= 2 => usize::from(*length),
                _ => return None,
            };
            at += length;
        }
        None
    }

    /// The options that send an answer back over the route, and the first host on its way: RFC 1122 section 3.2.1.8.
    pub fn reversed(self, packet: &Packet) -> Option<(Ipv4Addr, IpOptions)> {
        let Ip::V4(header) = &packet.ip else {
            return None;
        };
        let options = header.options.as_deref()?;
        let slots = options.get(self.at + 3..self.at + self.length)?;
        let mut hops: Vec<Ipv4Addr> = slots
            .chunks_exact(4)
            .filter_map(|slot| slot.first_chunk::<4>())
            .map(|slot| Ipv4Addr::from(*slot))
            .collect();
        hops.reverse();
        let (first, rest) = hops.split_first()?;
        let kind = *options.get(self.at)?;
        let length = u8::try_from(3 + 4 * (rest.len() + 1)).ok()?;
        let mut back = vec![kind, length, 4];
        for hop in rest.iter().chain([&header.source]) {
            back.extend_from_slice(&hop.octets());
        }
        Some((*first, back.into()))
    }

    /// Whether the last host named has been reached.
    pub fn is_done(self) -> bool {
        self.pointer + 3 > self.length
    }

    /// The packet as the host that it has reached sends it on: to the next address, with its own in that one's place.
    pub fn forwarded(self, packet: &Packet) -> Option<Packet> {
        let Ip::V4(header) = &packet.ip else {
            return None;
        };
        let mut options = header.options.as_deref()?.to_vec();
        let slot = options
            .get_mut(self.at + self.pointer - 1..)?
            .first_chunk_mut::<4>()?;
        let next = Ipv4Addr::from(*slot);
        *slot = header.destination.octets();
        *options.get_mut(self.at + 2)? = u8::try_from(self.pointer + 4).ok()?;
        let mut ip = header.clone();
        ip.destination = next;
        ip.ttl = ip.ttl.checked_sub(1).filter(|ttl| *ttl > 0)?;
        ip.options = Some(options.into());
        Some(Packet {
            ip: Ip::V4(ip),
            ..packet.clone()
        })
    }
}

/// The byte of an IPv4 header at which its options make no sense, counted from its beginning.
pub fn fault(packet: &Packet) -> Option<u8> {
    let Ip::V4(ip) = &packet.ip else {
        return None;
    };
    let options = ip.options.as_deref()?;
    let place = |at: usize| u8::try_from(wire::ipv4::HEADER_BYTES + at).ok();
    let mut at = 0;
    while at < options.len() {
        let rest = options.get(at..)?;
        at += match rest {
            [0, ..] => return None,
            [1, ..] => 1,
            [kind, length, tail @ ..] => {
                let size = usize::from(*length);
                if size < 2 || at + size > options.len() {
                    return place(at + 1);
                }
                let routes = matches!(*kind, LOOSE | STRICT | RECORD);
                if routes && (size < 3 || tail.first().is_none_or(|pointer| *pointer < 4)) {
                    return place(at + 2);
                }
                size
            }
            _ => return place(at),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{Flags, Ipv4, Payload, Segment, Tcp};

    #[test]
    fn a_packet_goes_on_to_the_address_it_names() {
        let options = [LOOSE, 7, 4, 10, 0, 0, 5, 0];
        let ip = Ipv4 {
            options: Some(options.as_slice().into()),
            ..Ipv4::new([198, 51, 100, 7].into(), [192, 0, 2, 1].into())
        };
        let packet = Packet {
            ip: Ip::V4(ip),
            segment: Segment::Tcp(Tcp::new(1, 2, Flags::SYN)),
            payload: Payload::EMPTY,
        };
        let route = SourceRoute::of(&packet).unwrap();
        assert!(!route.is_done());
        let on = route.forwarded(&packet).unwrap();
        assert_eq!(on.destination(), std::net::IpAddr::from([10, 0, 0, 5]));
        assert_eq!(on.ttl(), 63);
        assert!(SourceRoute::of(&on).unwrap().is_done());
    }
}
