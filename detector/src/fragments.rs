//! Fragments: what hides a transport header by cutting it in pieces.
//!
//! A first fragment that holds the transport header needs no other: the rules look at headers. Where it does not (no
//! network's frames are so short: only a scanner's are), or comes later than another piece, the first bytes are put
//! together until the header is there. What is kept of one packet is [`KEPT`] bytes, of as many packets as
//! [`PACKETS`]; the oldest make room.
//!
//! Pieces whose header never comes are told when they make room: a sensor loses some, a flood has no others.
//!
//! Not done: whole payloads are not put together, so what a payload says in a later fragment goes unread.

use wire::Layers;
use wire::decode::{Network, Transport};
use wire::packet::{PROTOCOL_TCP, PROTOCOL_UDP};

use crate::address::Address;
use crate::state::table::{Keep, Table};

/// Bytes of a packet's beginning: the longest TCP header, and a few of its payload.
const KEPT: usize = 96;
/// Packets that wait for their pieces.
const PACKETS: usize = 1024;

/// What tells the pieces of one packet from those of others, RFC 791 and RFC 8200.
type Key = (Address, Address, u32, u8);

#[derive(Clone)]
struct Assembly {
    bytes: [u8; KEPT],
    /// One bit for each byte that is there.
    there: u128,
    delivered: bool,
}

impl Default for Assembly {
    fn default() -> Self {
        Assembly {
            bytes: [0; KEPT],
            there: 0,
            delivered: false,
        }
    }
}

impl Keep for Assembly {}

/// What a fragment is.
pub(crate) enum Piece {
    /// Not one, or one whose header is there: to be looked at as it is.
    Whole,
    /// Others are needed, or it adds nothing to what was looked at.
    Waits,
    /// It completes a header that was cut in pieces: protocol and first bytes.
    Completes(Completed),
}

/// A header that was cut in pieces.
pub(crate) struct Completed {
    pub(crate) protocol: u8,
    bytes: [u8; KEPT],
    length: usize,
}

impl Completed {
    pub(crate) fn segment(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// A packet in pieces that is waited for no longer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forgotten {
    pub(crate) source: Address,
    pub(crate) target: Address,
    pub(crate) protocol: u8,
    /// Its header has come.
    pub(crate) had_header: bool,
}

/// Packets in pieces.
pub(crate) struct Fragments {
    waiting: Table<Key, Assembly>,
    forgotten: Option<Forgotten>,
}

impl Fragments {
    pub(crate) fn new() -> Self {
        Fragments {
            waiting: Table::new(PACKETS),
            forgotten: None,
        }
    }

    /// What had to make room since the last call.
    #[inline]
    pub(crate) fn take_forgotten(&mut self) -> Option<Forgotten> {
        self.forgotten.take()
    }

    /// The packet of that key.
    fn assembly(&mut self, key: Key) -> &mut Assembly {
        let (assembly, evicted) = self.waiting.get_or_insert_with(key, Assembly::default);
        if let Some(((source, target, _, protocol), known)) = evicted {
            self.forgotten = Some(Forgotten {
                source,
                target,
                protocol,
                had_header: known.delivered,
            });
        }
        assembly
    }

    /// Takes a packet in.
    #[inline]
    pub(crate) fn take(&mut self, layers: &Layers<'_>) -> Piece {
        match &layers.network {
            Network::V4(ip) if ip.is_fragment() => {
                let key = (
                    ip.source.into(),
                    ip.destination.into(),
                    u32::from(ip.identification),
                    ip.protocol,
                );
                self.piece(key, ip.fragment_offset, layers)
            }
            Network::V6(ip) => match ip.fragment {
                Some((offset, more)) if offset != 0 || more => {
                    let key = (
                        ip.source.into(),
                        ip.destination.into(),
                        ip.identification,
                        ip.protocol,
                    );
                    self.piece(key, offset, layers)
                }
                _ => Piece::Whole,
            },
            _ => Piece::Whole,
        }
    }

    fn piece(&mut self, key: Key, offset: u16, layers: &Layers<'_>) -> Piece {
        let protocol = key.3;
        let bytes = match &layers.transport {
            Transport::Tcp(tcp) => tcp.segment,
            Transport::Udp(udp) => udp.segment,
            Transport::Icmp(icmp) | Transport::Icmpv6(icmp) => icmp.segment,
            Transport::None | Transport::Fragment | Transport::Other(_) => layers.payload,
        };
        let at = usize::from(offset) * 8;
        if offset == 0 && header_is_there(protocol, bytes) {
            // Whatever follows is payload; remembered, lest later pieces wait in vain.
            self.assembly(key).delivered = true;
            return Piece::Whole;
        }
        let assembly = self.assembly(key);
        if at >= KEPT {
            return Piece::Waits;
        }
        for (at, byte) in (at..KEPT).zip(bytes) {
            let bit = 1u128 << at;
            let Some(known) = assembly.bytes.get_mut(at) else {
                break;
            };
            // What came first stands, as most stacks have it.
            if assembly.there & bit == 0 {
                *known = *byte;
            }
            assembly.there |= bit;
        }
        let length = usize::try_from(assembly.there.trailing_ones()).unwrap_or(0);
        let ready = assembly.bytes.get(..length).unwrap_or_default();
        if assembly.delivered || !header_is_there(protocol, ready) {
            return Piece::Waits;
        }
        assembly.delivered = true;
        Piece::Completes(Completed {
            protocol,
            bytes: assembly.bytes,
            length,
        })
    }
}

fn header_is_there(protocol: u8, bytes: &[u8]) -> bool {
    match protocol {
        PROTOCOL_TCP => bytes
            .get(12)
            .is_some_and(|words| bytes.len() >= usize::from(words >> 4).max(5) * 4),
        PROTOCOL_UDP => bytes.len() >= 8,
        _ => bytes.len() >= 8,
    }
}
