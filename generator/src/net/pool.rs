//! Packets on their way, each kept once.
//!
//! Sensors and the queue hold a [`Passing`]: which packet, and its time to live where they meet it. A place is used again
//! when nobody holds it any more, so a flood allocates nothing per packet.

use crate::activity::Sent;

/// A packet at some point of its way.
#[derive(Clone, Copy, Debug)]
pub struct Passing {
    slot: u32,
    /// Its length from the network header on, in bytes.
    pub bytes: u32,
    /// Time to live here.
    pub ttl: u8,
}

/// The packets on their way.
#[derive(Debug, Default)]
pub struct Pool {
    slots: Vec<Slot>,
    /// How many hold the packet of each slot: apart from it, so that who holds one need not fetch it.
    holders: Vec<u32>,
    free: Vec<u32>,
}

/// Aligned as the lines of processors' caches, so that as few of them as can be are fetched for a packet.
#[derive(Debug)]
#[repr(align(64))]
struct Slot(Sent);

impl Passing {
    /// The same packet where it has so many hops left.
    #[must_use]
    pub fn with_ttl(self, ttl: u8) -> Passing {
        Passing { ttl, ..self }
    }

    /// The same packet, some hops further on.
    #[must_use]
    pub fn after_hops(self, hops: u8) -> Passing {
        Passing {
            ttl: self.ttl.saturating_sub(hops),
            ..self
        }
    }
}

impl Pool {
    /// Puts a packet in, with one holder: whoever called.
    #[inline]
    pub fn insert(&mut self, sent: Sent) -> Passing {
        let ttl = sent.packet.ttl();
        let bytes = u32::try_from(sent.packet.total_bytes()).unwrap_or(u32::MAX);
        let slot = match self.free.pop() {
            Some(slot) => {
                if let Some(room) = self.slots.get_mut(slot as usize) {
                    *room = Slot(sent);
                }
                if let Some(holders) = self.holders.get_mut(slot as usize) {
                    *holders = 1;
                }
                slot
            }
            None => {
                self.slots.push(Slot(sent));
                self.holders.push(1);
                u32::try_from(self.slots.len() - 1)
                    .expect("fewer than 2^32 packets are on their way at once")
            }
        };
        Passing { slot, bytes, ttl }
    }

    /// The packet, with the time to live that it has there.
    #[inline]
    pub fn at(&mut self, passing: Passing) -> &Sent {
        let Slot(sent) = self
            .slots
            .get_mut(passing.slot as usize)
            .expect("a packet that is held is in the pool");
        sent.packet.set_ttl(passing.ttl);
        sent
    }

    /// Reads a little of a packet that is soon to be read as a whole: the processor goes on while it waits for memory.
    #[inline]
    pub fn touch(&self, passing: Passing) -> u32 {
        let slot = self.slots.get(passing.slot as usize);
        slot.map_or(0, |Slot(sent)| {
            u32::from(sent.packet.ttl()) ^ u32::from(sent.packet.payload.is_empty())
        })
    }

    /// How many packets are held.
    pub fn held(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// One more holds the packet.
    #[inline]
    pub fn hold(&mut self, passing: Passing) {
        if let Some(holders) = self.holders.get_mut(passing.slot as usize) {
            *holders += 1;
        }
    }

    /// A holder lets go.
    #[inline]
    pub fn release(&mut self, passing: Passing) {
        if let Some(holders) = self.holders.get_mut(passing.slot as usize) {
            *holders -= 1;
            if *holders == 0 {
                self.free.push(passing.slot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activity::{ActivityId, Cause};
    use wire::{Flags, Ip, Ipv4, Packet, Payload, Segment, Tcp};

    fn sent(port: u16) -> Sent {
        let ip = Ip::V4(Ipv4::new([192, 0, 2, 1].into(), [192, 0, 2, 2].into()));
        let packet = Packet {
            ip,
            segment: Segment::Tcp(Tcp::new(port, 80, Flags::SYN)),
            payload: Payload::EMPTY,
        };
        Sent {
            packet,
            cause: Cause::stimulus(ActivityId::BACKGROUND),
        }
    }

    #[test]
    fn a_place_is_used_again_when_the_last_holder_lets_go() {
        let mut pool = Pool::default();
        let first = pool.insert(sent(1));
        pool.hold(first);
        pool.release(first);
        let second = pool.insert(sent(2));
        assert_eq!(pool.at(first).packet.ports(), Some((1, 80)));
        pool.release(first);
        let third = pool.insert(sent(3));
        assert_eq!((third.slot, pool.slots.len()), (first.slot, 2));
        assert_eq!(pool.at(second).packet.ports(), Some((2, 80)));
    }

    #[test]
    fn a_packet_fills_two_lines_of_a_cache() {
        assert_eq!(std::mem::size_of::<Slot>(), 128);
    }

    #[test]
    fn each_holder_sees_its_own_time_to_live() {
        let mut pool = Pool::default();
        let here = pool.insert(sent(1));
        let there = Passing { ttl: 51, ..here };
        assert_eq!(
            (
                pool.at(here).packet.ttl(),
                pool.at(there).packet.ttl(),
                pool.at(here).packet.ttl()
            ),
            (64, 51, 64)
        );
    }
}
