//! The memory of connections: from printed sequence numbers to those on the wire.
//!
//! Since its first versions tcpdump has printed numbers by one rule (`tcp_print`, without `-S`). A segment without ACK has
//! its numbers as they are. The first one with ACK of a connection, and each with SYN and ACK, too; with it tcpdump notes
//! the sequence number as the base of its direction, and the acknowledgment number less one as that of the other. All later
//! segments with ACK are counted from these. Here the rule is turned around, and where a listing departs from it, this
//! decides, for each connection:
//!
//! - *Absolute or relative.* Later numbers near the base (within 65536) and far from zero are votes that the listing was
//!   made with `-S`, numbers near zero and far from the base that it was not. A connection is read as most of its votes
//!   say; without votes as most votes of the listing, and at last as relative.
//! - *A first segment that already counts.* Documents print excerpts. Where the other direction has shown a number, the
//!   first acknowledgment is either near it, or else small and counted from it. Where it has shown none, a first segment
//!   (other than a SYN or RST) whose numbers are all small and above zero counts from bases that were never shown: these
//!   are [`DEFAULT_BASE`]. An RST with small numbers stays as printed: resets of floods look like that.
//!
//! The sequence number of a segment without data, SYN, FIN or RST is never printed: it is the next one expected of its
//! sender, from its own segments and from what the other side acknowledged.

use std::collections::BTreeMap;
use std::net::IpAddr;

use wire::packet::PROTOCOL_TCP;
use wire::tcp::Flags;
use wire::{FiveTuple, FlowKey};

use crate::said::TcpSaid;

/// The base of a direction that was never shown.
pub const DEFAULT_BASE: u32 = 1_000_000;
/// Numbers closer than this belong together: a window of the time before scaling.
const NEAR: u32 = 1 << 16;

/// How the numbers of a connection were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reading {
    /// Counted from the first of each direction.
    Relative,
    /// As they are on the wire.
    Absolute,
}

/// The key of a connection, and whether the segment goes from its first end to its second.
pub(super) fn key(source: (IpAddr, u16), destination: (IpAddr, u16)) -> (FlowKey, bool) {
    FlowKey::of(FiveTuple {
        protocol: PROTOCOL_TCP,
        source: source.into(),
        destination: destination.into(),
    })
}

/// The numbers of a segment on the wire, and what of them was filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) sequence: u32,
    pub(super) acknowledgment: u32,
    /// Whether a base was chosen because none was shown.
    pub(super) base_filled: bool,
    /// Whether the sequence number was not printed.
    pub(super) sequence_filled: bool,
    /// What the sequence number could be as well, where it was not printed.
    pub(super) alternatives: Vec<u32>,
    /// Where selective acknowledgments count from.
    pub(super) sack_base: u32,
}

/// One direction of a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Direction {
    /// Where relative numbers count from.
    base: Option<u32>,
    /// The first number seen, with ACK or without.
    first: Option<u32>,
    /// The next number expected.
    next: Option<u32>,
}

impl Direction {
    fn reach(&mut self, number: u32) {
        let ahead = |next: u32| number.wrapping_sub(next) < 1 << 31;
        if self.next.is_none_or(ahead) {
            self.next = Some(number);
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Connection {
    /// From the first end, and from the second.
    directions: [Direction; 2],
    /// Whether a segment with ACK was seen, from which later ones count.
    noted: bool,
    votes: [u32; 2],
    segments: u64,
}

/// What is known of all connections.
#[derive(Debug, Default)]
pub(super) struct Connections {
    connections: BTreeMap<FlowKey, Connection>,
    votes: [u32; 2],
}

impl Connections {
    /// Looks at a segment before any is read: how do its numbers stand to those before?
    pub(super) fn vote(&mut self, (key, forward): (FlowKey, bool), tcp: &TcpSaid) {
        let connection = self.connections.entry(key).or_default();
        let (own, other) = directions(&mut connection.directions, forward);
        let (flags, sequence) = (flags(tcp), tcp.sequence);
        let Some(acknowledgment) = tcp.acknowledgment.filter(|_| flags.contains(Flags::ACK)) else {
            own.first = own.first.or(sequence);
            return;
        };
        if !connection.noted || flags.contains(Flags::SYN) {
            connection.noted = true;
            own.base = sequence.or(own.first);
            other.base = other.first.or(Some(acknowledgment.wrapping_sub(1)));
            return;
        }
        let numbers = [(sequence, own.base), (Some(acknowledgment), other.base)];
        let pairs = || {
            numbers
                .iter()
                .filter_map(|(number, base)| Some(((*number)?, (*base)?)))
        };
        let absolute = pairs().all(|(number, base)| is_near(number, base));
        let relative = pairs().all(|(number, _)| is_near(number, 0));
        if pairs().next().is_some() && absolute != relative {
            let vote = usize::from(absolute);
            for votes in [&mut connection.votes, &mut self.votes] {
                if let Some(votes) = votes.get_mut(vote) {
                    *votes += 1;
                }
            }
        }
    }

    /// Ends the votes: from here on the segments are read, from the first again.
    pub(super) fn count(&mut self) {
        for connection in self.connections.values_mut() {
            connection.directions = Default::default();
            connection.noted = false;
        }
    }

    /// The connections, and how each was read.
    pub(super) fn readings(&self) -> impl Iterator<Item = (FlowKey, Reading, u64)> {
        let listing = self.votes;
        self.connections.iter().map(move |(key, connection)| {
            (
                *key,
                reading(connection.votes, listing),
                connection.segments,
            )
        })
    }

    /// Learns that a sequence number which was not printed is another than the one that was filled in.
    pub(super) fn correct(&mut self, (key, forward): (FlowKey, bool), filled: u32, true_one: u32) {
        let Some(connection) = self.connections.get_mut(&key) else {
            return;
        };
        let (own, _) = directions(&mut connection.directions, forward);
        let moved = |number: u32| number.wrapping_sub(filled).wrapping_add(true_one);
        for number in [&mut own.base, &mut own.first, &mut own.next] {
            // Only what rests on the number that was filled in moves with it.
            *number = number.map(|number| {
                if is_near(number, filled) {
                    moved(number)
                } else {
                    number
                }
            });
        }
    }

    /// Reads the numbers of a segment that carries `length` bytes.
    pub(super) fn read(
        &mut self,
        (key, forward): (FlowKey, bool),
        tcp: &TcpSaid,
        length: usize,
    ) -> Numbers {
        let listing = self.votes;
        let connection = self.connections.entry(key).or_default();
        connection.segments += 1;
        let reading = reading(connection.votes, listing);
        let flags = flags(tcp);
        let first = !connection.noted || flags.contains(Flags::SYN);
        let (own, other) = directions(&mut connection.directions, forward);
        let acknowledgment = tcp.acknowledgment.filter(|_| flags.contains(Flags::ACK));
        let mut numbers = match acknowledgment {
            _ if tcp.absolute => as_printed(own, tcp),
            None => as_printed(own, tcp),
            Some(acknowledgment) => {
                connection.noted = true;
                if first && !counts_already(own, other, tcp, acknowledgment) {
                    let numbers = as_printed(own, tcp);
                    own.base = Some(numbers.sequence);
                    other.base = Some(acknowledgment.wrapping_sub(1));
                    numbers
                } else if !first && reading == Reading::Absolute {
                    as_printed(own, tcp)
                } else {
                    counted(own, other, tcp, acknowledgment)
                }
            }
        };
        numbers.sack_base = if reading == Reading::Absolute {
            0
        } else {
            other.base.unwrap_or(0)
        };
        note(own, other, &numbers, flags, length);
        numbers
    }
}

fn directions(pair: &mut [Direction; 2], forward: bool) -> (&mut Direction, &mut Direction) {
    let [first, second] = pair;
    if forward {
        (first, second)
    } else {
        (second, first)
    }
}

/// The flags, with those that only numbers say.
fn flags(tcp: &TcpSaid) -> Flags {
    tcp.flags.unwrap_or(Flags::ACK)
}

fn is_near(number: u32, base: u32) -> bool {
    let distance = number.wrapping_sub(base);
    distance.min(distance.wrapping_neg()) < NEAR
}

fn reading(votes: [u32; 2], listing: [u32; 2]) -> Reading {
    let most = |[relative, absolute]: [u32; 2]| absolute > relative;
    let decided = if votes == [0, 0] { listing } else { votes };
    if most(decided) {
        Reading::Absolute
    } else {
        Reading::Relative
    }
}

/// Whether the first segment with ACK already counts from bases that came before the listing.
fn counts_already(
    own: &mut Direction,
    other: &mut Direction,
    tcp: &TcpSaid,
    acknowledgment: u32,
) -> bool {
    let flags = flags(tcp);
    if flags.contains(Flags::SYN) {
        return false;
    }
    if let Some(expected) = other.next.or(other.first) {
        return is_near(acknowledgment, 0) && !is_near(acknowledgment, expected);
    }
    let small = |number: u32| number > 0 && number < NEAR;
    let seen_otherwise = own
        .first
        .is_some_and(|first| tcp.sequence.is_some_and(|n| is_near(n, first)));
    !flags.contains(Flags::RST)
        && !seen_otherwise
        && small(acknowledgment)
        && tcp.sequence.is_none_or(small)
}

/// Numbers as they stand; a sequence number that is not printed is the next one expected.
fn as_printed(own: &mut Direction, tcp: &TcpSaid) -> Numbers {
    let expected = own.next.unwrap_or(DEFAULT_BASE);
    Numbers {
        sequence: tcp.sequence.unwrap_or(expected),
        acknowledgment: tcp.acknowledgment.unwrap_or(0),
        base_filled: tcp.sequence.is_none() && own.next.is_none(),
        sequence_filled: tcp.sequence.is_none() && own.next.is_some(),
        alternatives: alternatives(own, tcp),
        sack_base: 0,
    }
}

/// Numbers that count from the bases.
fn counted(
    own: &mut Direction,
    other: &mut Direction,
    tcp: &TcpSaid,
    acknowledgment: u32,
) -> Numbers {
    // Zero counts from nothing: it is what resets of closed ports carry.
    let zero = tcp.sequence == Some(0) && own.first.is_none();
    let own_shown = own.base.or(own.first).or(zero.then_some(0));
    let other_shown = other.base.or(other.first);
    let base = *own.base.insert(own_shown.unwrap_or(DEFAULT_BASE));
    let other_base = *other.base.insert(other_shown.unwrap_or(DEFAULT_BASE));
    let expected = own.next.unwrap_or(base.wrapping_add(1));
    Numbers {
        sequence: tcp
            .sequence
            .map_or(expected, |number| base.wrapping_add(number)),
        acknowledgment: other_base.wrapping_add(acknowledgment),
        base_filled: own_shown.is_none() || other_shown.is_none(),
        sequence_filled: tcp.sequence.is_none(),
        alternatives: alternatives(own, tcp),
        sack_base: 0,
    }
}

/// What a sequence number that is not printed could be: the base, what comes before the next, nothing.
fn alternatives(own: &Direction, tcp: &TcpSaid) -> Vec<u32> {
    if tcp.sequence.is_some() {
        return Vec::new();
    }
    let before = own.next.map(|next| next.wrapping_sub(1));
    let known = [own.first, own.base, before, Some(0)];
    known.into_iter().flatten().collect()
}

fn note(
    own: &mut Direction,
    other: &mut Direction,
    numbers: &Numbers,
    flags: Flags,
    length: usize,
) {
    let counted = [Flags::SYN, Flags::FIN]
        .into_iter()
        .filter(|flag| flags.contains(*flag))
        .count();
    let bytes = u32::try_from(length.saturating_add(counted)).unwrap_or(u32::MAX);
    let end = numbers.sequence.wrapping_add(bytes);
    if flags.contains(Flags::SYN) {
        *own = Direction {
            base: own.base,
            first: Some(numbers.sequence),
            next: Some(end),
        };
    } else if !flags.contains(Flags::RST) && (flags.contains(Flags::ACK) || !numbers.base_filled) {
        // What a reset carries is no place in its sender's count, nor is what nobody printed and nothing counts from.
        own.first = own.first.or(Some(numbers.sequence));
        own.reach(end);
    }
    if flags.contains(Flags::ACK) && other.first.is_some() {
        other.reach(numbers.acknowledgment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(flags: &str, sequence: Option<u32>, acknowledgment: Option<u32>) -> TcpSaid {
        TcpSaid {
            flags: Some(flags.parse().unwrap()),
            sequence,
            acknowledgment,
            ..TcpSaid::default()
        }
    }

    /// Sequence and acknowledgment numbers of segments from the client (true) or the server.
    fn read(segments: &[(bool, TcpSaid, usize)]) -> Vec<(u32, u32, bool)> {
        let (ends, _) = key(
            ("10.0.0.1".parse().unwrap(), 1025),
            ("10.0.0.2".parse().unwrap(), 80),
        );
        let mut connections = Connections::default();
        segments
            .iter()
            .for_each(|(client, tcp, _)| connections.vote((ends, *client), tcp));
        connections.count();
        let numbers = |(client, tcp, length): &(bool, TcpSaid, usize)| {
            let numbers = connections.read((ends, *client), tcp, *length);
            (
                numbers.sequence,
                numbers.acknowledgment,
                numbers.base_filled,
            )
        };
        segments.iter().map(numbers).collect()
    }

    fn handshake() -> [(bool, TcpSaid, usize); 2] {
        [
            (true, segment("S", Some(7_000_000), None), 0),
            (false, segment("S.", Some(9_000_000), Some(7_000_001)), 0),
        ]
    }

    #[test]
    fn a_reset_of_a_segment_whose_number_is_not_printed_stays_as_printed() {
        let read = read(&[
            (true, segment("none", None, None), 0),
            (false, segment("R.", Some(0), Some(0)), 0),
        ]);
        assert_eq!(read[1], (0, 0, false));
    }

    #[test]
    fn later_numbers_count_from_the_handshake() {
        let [syn, synack] = handshake();
        let read = read(&[
            syn,
            synack,
            (true, segment(".", None, Some(1)), 0),
            (true, segment("P.", Some(1), Some(1)), 10),
            (false, segment(".", None, Some(11)), 0),
            (true, segment(".", None, Some(1)), 0),
        ]);
        assert_eq!(read[2..4], [(7_000_001, 9_000_001, false); 2]);
        assert_eq!(read[4], (9_000_001, 7_000_011, false));
        assert_eq!(read[5], (7_000_011, 9_000_001, false));
    }

    #[test]
    fn numbers_near_the_base_are_absolute() {
        let [syn, synack] = handshake();
        let read = read(&[
            syn,
            synack,
            (true, segment("P.", Some(7_000_001), Some(9_000_001)), 5),
        ]);
        assert_eq!(read[2], (7_000_001, 9_000_001, false));
    }

    #[test]
    fn a_reset_counts_from_the_syn_whose_first_answer_is_missing() {
        let [syn, _] = handshake();
        let read = read(&[syn, (false, segment("R.", Some(0), Some(1)), 0)]);
        assert_eq!(read[1], (0, 7_000_001, false));
    }

    #[test]
    fn a_lone_reset_is_as_printed_and_a_lone_segment_counts_from_the_default() {
        assert_eq!(
            read(&[(false, segment("R.", Some(0), Some(1)), 0)]),
            [(0, 1, false)]
        );
        let lone = read(&[(false, segment("P.", Some(1), Some(1)), 87)]);
        assert_eq!(lone, [(DEFAULT_BASE + 1, DEFAULT_BASE + 1, true)]);
        let scan = read(&[(true, segment(".", None, Some(499_410_217)), 0)]);
        assert_eq!(scan, [(DEFAULT_BASE, 499_410_217, true)]);
    }

    #[test]
    fn a_connection_that_starts_anew_has_new_bases() {
        let [syn, synack] = handshake();
        let again = (false, segment("S.", Some(5), Some(101)), 0);
        let read = read(&[syn, synack, again, (true, segment(".", None, Some(1)), 0)]);
        assert_eq!(read[3].1, 6);
    }
}
