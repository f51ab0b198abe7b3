//! Packets on their way, each kept once.
//!
//! Sensors and the queue hold a [`Passing`]: which packet, and its time to live where they meet it. A place is used again
//! when nobody holds it any more, so a flood allocates nothing per packet.

use wire::Packet;

use crate::activity::{Cause, Sent};

/// A packet at some point of its way: its slot, its time to live and its length, in one word, since it is handed from one
/// function to the next some ten times for every packet, and a word goes in a register.
#[derive(Clone, Copy, Debug)]
pub struct Passing(u64);

/// Where the time to live and the length stand in the word.
const TTL_AT: u32 = 32;
const BYTES_AT: u32 = 40;
/// The greatest length that it can say, far beyond what an IP packet holds.
const MOST_BYTES: u64 = (1 << (u64::BITS - BYTES_AT)) - 1;

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
    #[inline]
    fn new(slot: u32, ttl: u8, bytes: usize) -> Passing {
        let bytes = u64::try_from(bytes).map_or(MOST_BYTES, |bytes| bytes.min(MOST_BYTES));
        Passing(u64::from(slot) | u64::from(ttl) << TTL_AT | bytes << BYTES_AT)
    }

    #[inline]
    fn slot(self) -> usize {
        crate::seed::low32(self.0) as usize
    }

    /// Its length from the network header on, in bytes.
    #[inline]
    pub fn bytes(self) -> usize {
        usize::try_from(self.0 >> BYTES_AT).unwrap_or(usize::MAX)
    }

    /// Time to live here.
    #[inline]
    pub fn ttl(self) -> u8 {
        let [ttl, ..] = (self.0 >> TTL_AT).to_le_bytes();
        ttl
    }

    /// The same packet where it has so many hops left.
    #[must_use]
    #[inline]
    pub fn with_ttl(self, ttl: u8) -> Passing {
        Passing(self.0 & !(0xff << TTL_AT) | u64::from(ttl) << TTL_AT)
    }

    /// The same packet, some hops further on.
    #[must_use]
    #[inline]
    pub fn after_hops(self, hops: u8) -> Passing {
        self.with_ttl(self.ttl().saturating_sub(hops))
    }
}

impl Pool {
    /// Puts a packet in, with one holder: whoever called.
    pub fn insert(&mut self, mut sent: Sent) -> Passing {
        self.exchange(&mut sent.packet, sent.cause)
    }

    /// The same for a packet in whose place any other may stand afterwards. Each is moved once: a copy on the way would have
    /// to wait until the one before it is in memory.
    #[inline]
    pub fn exchange(&mut self, packet: &mut Packet, cause: Cause) -> Passing {
        let (ttl, bytes) = (packet.ttl(), packet.total_bytes());
        let slot = match self.free.pop() {
            Some(slot) => {
                if let Some(Slot(sent)) = self.slots.get_mut(slot as usize) {
                    std::mem::swap(&mut sent.packet, packet);
                    sent.cause = cause;
                }
                if let Some(holders) = self.holders.get_mut(slot as usize) {
                    *holders = 1;
                }
                slot
            }
            None => {
                let packet = packet.clone();
                self.slots.push(Slot(Sent { packet, cause }));
                self.holders.push(1);
                u32::try_from(self.slots.len() - 1)
                    .expect("fewer than 2^32 packets are on their way at once")
            }
        };
        Passing::new(slot, ttl, bytes)
    }

    /// The packet, with the time to live that it has there.
    #[inline]
    pub fn at(&mut self, passing: Passing) -> &Sent {
        let Slot(sent) = self
            .slots
            .get_mut(passing.slot())
            .expect("a packet that is held is in the pool");
        sent.packet.set_ttl(passing.ttl());
        sent
    }

    /// Reads a little of a packet that is soon to be read as a whole: the processor goes on while it waits for memory.
    #[inline]
    pub fn touch(&self, passing: Passing) -> u32 {
        let slot = self.slots.get(passing.slot());
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
        if let Some(holders) = self.holders.get_mut(passing.slot()) {
            *holders += 1;
        }
    }

    /// A holder lets go.
    #[inline]
    pub fn release(&mut self, passing: Passing) {
        if let Some(holders) = self.holders.get_mut(passing.slot()) {
            *holders -= 1;
            if *holders == 0 {
                self.free.push(crate::seed::low32(passing.0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activity::ActivityId;
    use wire::{Flags, Ip, Ipv4, Payload, Segment, Tcp};

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
        assert_eq!((third.slot(), pool.slots.len()), (first.slot(), 2));
        assert_eq!(pool.at(second).packet.ports(), Some((2, 80)));
    }

    #[test]
    fn a_word_says_where_a_packet_is_and_how_long() {
        let (there, long) = (
            Passing::new(u32::MAX, 7, 1500),
            Passing::new(3, 255, usize::MAX),
        );
        assert_eq!(
            (there.slot(), there.ttl(), there.bytes()),
            (u32::MAX as usize, 7, 1500)
        );
        assert_eq!(
            (long.slot(), long.ttl(), long.bytes()),
            (3, 255, usize::try_from(MOST_BYTES).unwrap())
        );
        assert_eq!(there.after_hops(9).with_ttl(2).bytes(), 1500);
    }

    #[test]
    fn a_packet_fills_two_lines_of_a_cache() {
        assert_eq!(std::mem::size_of::<Slot>(), 128);
    }

    #[test]
    fn each_holder_sees_its_own_time_to_live() {
        let mut pool = Pool::default();
        let here = pool.insert(sent(1));
        let there = here.with_ttl(51);
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
