//! Copies: the same packet seen again, because a mirror port copies both ways or two sensors feed one capture.
//!
//! A packet whose bytes above the link header, but for the time to live and the sums that depend on it, were seen
//! within a millisecond is a copy: no retransmission comes so soon, and each packet of a sender differs from the one
//! before in its identification, its numbers or its checksum. So is one that comes later from another line of a bond, or
//! from another queue, with the same identification and time to live: who sends something again gives it another
//! identification (RFC 6864 section 4.3), and what goes round in a loop has less to live. A sender that repeats one packet
//! without any difference at a high rate (a flood made from a template) is told apart by count: mirrors make few copies,
//! and bonds one.
//!
//! Not seen: copies of copies that arrive later than a millisecond, late copies of packets without an identification, and
//! copies that a translator has rewritten.

use wire::Layers;
use wire::decode::{Network, Transport};

use crate::address::Address;

/// Copies come within so long of the first.
const WITHIN_NANOS: u64 = 1_000_000;
/// Copies of a packet with an identification of its own come within so long: as long as buffers of switches hold a frame,
/// and a quarter of the soonest retransmission (RFC 6298 section 2.4, Linux: 200 ms).
const LATE_NANOS: u64 = 50_000_000;
/// More of one packet than this are no copies: a mirror sees a packet at most at each end of each of two hops.
const MOST: u64 = 3;
/// Packets that are remembered. At a million packets a second a millisecond holds a thousand.
const SLOTS: usize = 2048;

/// Of its digest the last two bits count the copies, the eight before are its time to live: 16 bytes, four to a line of the
/// cache.
#[derive(Clone, Copy, Default)]
struct Sighting {
    hash: u64,
    nanos: u64,
}

impl Sighting {
    /// Bits of its digest that are none.
    const COUNTED: u64 = 0x3ff;

    fn copies(self) -> u64 {
        self.hash & MOST
    }

    /// Whether it is one of the same packet, and if so, whether that had as long to live.
    fn is_of(self, hash: u64) -> (bool, bool) {
        let differs = (self.hash ^ hash) & !MOST;
        (differs & !Self::COUNTED == 0, differs == 0)
    }
}

/// The packets of the last moment.
pub(crate) struct Copies {
    seen: Box<[Sighting]>,
}

impl Copies {
    pub(crate) fn new() -> Self {
        Copies {
            seen: vec![Sighting::default(); SLOTS].into(),
        }
    }

    /// Whether the packet was seen a moment ago; remembers it.
    #[inline]
    pub(crate) fn is_copy(&mut self, layers: &Layers<'_>, nanos: u64) -> bool {
        let Some(hash) = hash(layers) else {
            return false;
        };
        let at = usize::try_from(hash >> 52).unwrap_or(0) % SLOTS;
        let Some(slot) = self.seen.get_mut(at) else {
            return false;
        };
        let (same, unchanged) = slot.is_of(hash);
        let age = nanos.abs_diff(slot.nanos);
        if same && age < WITHIN_NANOS && slot.copies() < MOST {
            slot.hash += 1;
            return true;
        }
        let again = unchanged && age < LATE_NANOS && is_identified(layers);
        let late = again && slot.copies() == 0;
        // From the third on it is no copy: somebody sends the same.
        let copies = if again && !late { MOST } else { 0 };
        *slot = Sighting {
            hash: hash & !MOST | if late { 1 } else { copies },
            nanos,
        };
        late
    }
}

/// Whether its sender gives each packet a number, by which one that is sent again differs.
fn is_identified(layers: &Layers<'_>) -> bool {
    matches!(&layers.network, Network::V4(ip) if ip.identification != 0)
}

#[inline]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b ^ 0xd6e8_feb8_6659_fd93);
    // Both halves matter, and each fits.
    #[expect(clippy::cast_possible_truncation, reason = "the halves of 128 bits")]
    let (low, high) = (product as u64, (product >> 64) as u64);
    low ^ high
}

/// A digest of what copies have in common. Checksums of transport headers stand for the payload.
#[inline]
fn hash(layers: &Layers<'_>) -> Option<u64> {
    let (ends, rest) = match &layers.network {
        Network::V4(ip) => halves(ip.header.first_chunk()?),
        Network::V6(ip) => {
            let (from, to) = (Address::from(ip.source), Address::from(ip.destination));
            let rest = u64::from(ip.flow_label) << 24 | u64::from(ip.payload_length);
            (
                mix(from.bits(), to.bits().rotate_left(17)),
                rest ^ u64::from(ip.fragment.map_or(0, |(offset, _)| offset)) << 48,
            )
        }
        Network::Arp(arp) => {
            let ends = u64::from(arp.sender.to_bits()) << 32 | u64::from(arp.target.to_bits());
            return Some(mix(ends, u64::from(arp.operation)));
        }
        Network::None => return None,
    };
    let segment = match &layers.transport {
        Transport::Tcp(tcp) => tcp.segment,
        Transport::Udp(udp) => udp.segment,
        Transport::Icmp(icmp) | Transport::Icmpv6(icmp) => icmp.segment,
        Transport::None | Transport::Fragment | Transport::Other(_) => layers.payload,
    };
    let head = mix(ends, rest);
    let hash = match segment.first_chunk() {
        Some(header) => mix_header(head, header),
        None => segment
            .iter()
            .fold(head, |hash, byte| mix(hash, u64::from(*byte))),
    };
    Some(hash.max(1) & !Sighting::COUNTED | time_to_live(layers) << 2)
}

fn time_to_live(layers: &Layers<'_>) -> u64 {
    match &layers.network {
        Network::V4(ip) => u64::from(ip.ttl),
        _ => 0,
    }
}

/// Both addresses, and what else no router changes of an IPv4 header: lengths, identification, fragment, protocol.
#[inline]
fn halves(header: &[u8; 20]) -> (u64, u64) {
    let &[_, _, a, b, c, d, e, f, _, protocol, _, _, ref ends @ ..] = header;
    (
        u64::from_be_bytes(*ends),
        u64::from_be_bytes([a, b, c, d, e, f, 0, protocol]),
    )
}

/// The fixed part of a TCP header, or as many bytes of another.
#[inline]
fn mix_header(head: u64, header: &[u8; 20]) -> u64 {
    let &[a, b, c, d, e, f, g, h, ref rest @ ..] = header;
    let &[i, j, k, l, m, n, o, p, q, r, s, t] = rest;
    let first = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    let second = u64::from_be_bytes([i, j, k, l, m, n, o, p]);
    let third = u64::from(u32::from_be_bytes([q, r, s, t]));
    mix(head ^ first, second ^ third.rotate_left(24))
}

#[cfg(test)]
mod tests {
    use crate::trace::findings;
    use crate::{Config, Detector};

    /// How many copies are counted of a datagram that comes so often, 20 milliseconds apart.
    fn copies(times: usize, rest: &str) -> u64 {
        let trace = format!(
            "0.0 repeat {times} every 0.02\n\
             0.0 192.0.2.1.4000 > 192.0.2.10.5000: udp {rest}\n\
             end"
        );
        let report = crate::trace::run(Detector::new(Config::default(), &[]), &trace);
        let other = report.counters.frames - report.counters.understood;
        assert!(findings(&trace).is_empty());
        other
    }

    #[test]
    fn a_bonds_second_line_may_be_late() {
        assert_eq!(copies(2, "ttl 57 id 77 zeros 9"), 1);
    }

    #[test]
    fn who_numbers_nothing_may_have_sent_it_again() {
        assert_eq!(copies(2, "ttl 57 id 0 zeros 9"), 0);
    }

    #[test]
    fn what_comes_over_and_over_is_no_copy() {
        assert_eq!(copies(20, "ttl 57 id 77 zeros 9"), 1);
    }
}
