//! Block framing of pcapng.
//!
//! pcap-file reads classic pcap for us, but not this: it refuses a whole file for one option of unexpected length
//! (`if_tzone` among them) and takes every time stamp for nanoseconds, whatever `if_tsresol` says. Source:
//! draft-ietf-opsawg-pcapng.

use std::io::Read;

use pcap_file::pcapng::blocks::{
    ENHANCED_PACKET_BLOCK, INTERFACE_DESCRIPTION_BLOCK, PACKET_BLOCK, SECTION_HEADER_BLOCK,
    SIMPLE_PACKET_BLOCK,
};

use super::buffer::{Found, MAX_RECORD, Window};
use super::error::CaptureError;
use crate::decode::LinkType;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// Bytes of a block besides its body: type, length, and length again.
const FRAME: usize = 12;
/// Option code of `if_tsresol`.
const TS_RESOLUTION: u16 = 9;
/// Option code of `if_tsoffset`.
const TS_OFFSET: u16 = 14;

/// What has been said so far that packets depend on.
#[derive(Default)]
pub(super) struct Sections {
    big_endian: bool,
    interfaces: Vec<Interface>,
}

#[derive(Clone, Copy)]
struct Interface {
    link_type: LinkType,
    snapshot_length: usize,
    clock: Clock,
}

/// How an interface counts time.
#[derive(Clone, Copy)]
struct Clock {
    units_per_second: u64,
    offset_seconds: i64,
}

impl Clock {
    fn read(&self, units: u64) -> Timestamp {
        let seconds = units / self.units_per_second;
        let rest = u128::from(units % self.units_per_second);
        let nanos = rest * u128::from(NANOS_PER_SECOND) / u128::from(self.units_per_second);
        Timestamp::from_parts(
            seconds.saturating_add_signed(self.offset_seconds),
            u32::try_from(nanos).unwrap_or(0),
        )
    }
}

/// A packet block: where its bytes stand in the block, and what is said of them.
struct PacketBlock {
    interface: Interface,
    units: Option<u64>,
    original_length: u32,
    /// Offset in the body and length.
    data: (usize, usize),
}

impl Sections {
    /// Moves the window past the next block that holds a packet.
    pub(super) fn next<R: Read>(
        &mut self,
        window: &mut Window<R>,
        record: u64,
    ) -> Result<Option<Found>, CaptureError> {
        loop {
            let offset = window.offset();
            if window.fill(FRAME)? == 0 {
                return Ok(None);
            }
            let (kind, total) = self.block_head(window.bytes(), record, offset)?;
            let available = window.fill(total)?;
            if available < total {
                return Err(CaptureError::Truncated {
                    record,
                    offset,
                    needed: total,
                    available,
                });
            }
            let block = window.bytes().get(..total).unwrap_or_default();
            let body = block.get(8..total - 4).unwrap_or_default();
            let damaged = |why| CaptureError::DamagedBlock { offset, why };
            let packet = self.block(kind, body).map_err(damaged)?;
            window.advance(total);
            if let Some(packet) = packet {
                let (start, length) = packet.data;
                return Ok(Some(Found {
                    time: packet
                        .units
                        .map_or(Timestamp::ZERO, |units| packet.interface.clock.read(units)),
                    link_type: packet.interface.link_type,
                    original_length: usize::try_from(packet.original_length).unwrap_or(usize::MAX),
                    behind: total - 8 - start,
                    length,
                }));
            }
        }
    }

    /// Type and total length of the block that begins here. A section header says the byte order first.
    fn block_head(
        &mut self,
        bytes: &[u8],
        record: u64,
        offset: u64,
    ) -> Result<(u32, usize), CaptureError> {
        let &[a, b, c, d, e, f, g, h, i, j, k, l, ..] = bytes else {
            return Err(CaptureError::Truncated {
                record,
                offset,
                needed: FRAME,
                available: bytes.len(),
            });
        };
        // A palindrome: the same in either order.
        if u32::from_be_bytes([a, b, c, d]) == SECTION_HEADER_BLOCK {
            self.big_endian = match [i, j, k, l] {
                [0x1a, 0x2b, 0x3c, 0x4d] => true,
                [0x4d, 0x3c, 0x2b, 0x1a] => false,
                _ => {
                    return Err(CaptureError::DamagedBlock {
                        offset,
                        why: "the byte-order mark of a section header is neither order's",
                    });
                }
            };
        }
        let length = self.u32([e, f, g, h]);
        let total = usize::try_from(length).unwrap_or(usize::MAX);
        if total < FRAME {
            return Err(CaptureError::DamagedBlock {
                offset,
                why: "its length is less than its frame",
            });
        }
        if total > MAX_RECORD {
            return Err(CaptureError::AbsurdLength {
                record,
                offset,
                length: u64::from(length),
            });
        }
        // Lengths are multiples of four; some writers forget to count the padding, which is there nevertheless.
        Ok((self.u32([a, b, c, d]), total.next_multiple_of(4)))
    }

    fn block(&mut self, kind: u32, body: &[u8]) -> Result<Option<PacketBlock>, &'static str> {
        match kind {
            SECTION_HEADER_BLOCK => {
                self.interfaces.clear();
                Ok(None)
            }
            INTERFACE_DESCRIPTION_BLOCK => {
                let interface = self
                    .interface(body)
                    .ok_or("an interface description is too short")?;
                self.interfaces.push(interface);
                Ok(None)
            }
            ENHANCED_PACKET_BLOCK => self.enhanced(body, false).map(Some),
            PACKET_BLOCK => self.enhanced(body, true).map(Some),
            SIMPLE_PACKET_BLOCK => self.simple(body).map(Some),
            _ => Ok(None),
        }
    }

    /// An interface description: link type, snapshot length, options.
    fn interface(&self, body: &[u8]) -> Option<Interface> {
        let &[a, b, _, _, e, f, g, h, ref options @ ..] = body else {
            return None;
        };
        let snapshot = usize::try_from(self.u32([e, f, g, h])).unwrap_or(usize::MAX);
        let mut clock = Clock {
            units_per_second: 1_000_000,
            offset_seconds: 0,
        };
        let mut rest = options;
        while let &[a, b, c, d, ref after @ ..] = rest {
            let (code, length) = (self.u16([a, b]), usize::from(self.u16([c, d])));
            let Some(value) = after.get(..length) else {
                break;
            };
            match (code, value) {
                (0, _) => break,
                (TS_RESOLUTION, &[resolution]) => clock.units_per_second = units(resolution),
                (TS_OFFSET, &[a, b, c, d, e, f, g, h]) => {
                    let offset = [a, b, c, d, e, f, g, h];
                    clock.offset_seconds = if self.big_endian {
                        i64::from_be_bytes(offset)
                    } else {
                        i64::from_le_bytes(offset)
                    };
                }
                _ => {}
            }
            rest = after.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Some(Interface {
            link_type: LinkType(u32::from(self.u16([a, b]))),
            snapshot_length: if snapshot == 0 { usize::MAX } else { snapshot },
            clock,
        })
    }

    /// An enhanced packet block, or its obsolete predecessor, whose interface number has 16 bits.
    fn enhanced(&self, body: &[u8], obsolete: bool) -> Result<PacketBlock, &'static str> {
        let &[
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
            i,
            j,
            k,
            l,
            m,
            n,
            o,
            p,
            q,
            r,
            s,
            t,
            ref rest @ ..,
        ] = body
        else {
            return Err("a packet block is too short");
        };
        let number = if obsolete {
            u32::from(self.u16([a, b]))
        } else {
            self.u32([a, b, c, d])
        };
        let interface = self.interface_of(number)?;
        let units = u64::from(self.u32([e, f, g, h])) << 32 | u64::from(self.u32([i, j, k, l]));
        let length = usize::try_from(self.u32([m, n, o, p])).unwrap_or(usize::MAX);
        if length > rest.len() {
            return Err("a packet is longer than its block");
        }
        Ok(PacketBlock {
            interface,
            units: Some(units),
            original_length: self.u32([q, r, s, t]),
            data: (20, length),
        })
    }

    /// A simple packet block: no time, the first interface, cut at its snapshot length.
    fn simple(&self, body: &[u8]) -> Result<PacketBlock, &'static str> {
        let &[a, b, c, d, ref rest @ ..] = body else {
            return Err("a packet block is too short");
        };
        let original_length = self.u32([a, b, c, d]);
        let interface = self.interface_of(0)?;
        let length = usize::try_from(original_length)
            .unwrap_or(usize::MAX)
            .min(interface.snapshot_length)
            .min(rest.len());
        Ok(PacketBlock {
            interface,
            units: None,
            original_length,
            data: (4, length),
        })
    }

    fn interface_of(&self, number: u32) -> Result<Interface, &'static str> {
        usize::try_from(number)
            .ok()
            .and_then(|number| self.interfaces.get(number))
            .copied()
            .ok_or("a packet names an interface that was not described")
    }

    fn u32(&self, bytes: [u8; 4]) -> u32 {
        if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    }

    fn u16(&self, bytes: [u8; 2]) -> u16 {
        if self.big_endian {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        }
    }
}

/// Units a second of an `if_tsresol`: a power of ten, or of two where the top bit is set. What no clock has, counts
/// as the finest there is.
fn units(resolution: u8) -> u64 {
    let exponent = u32::from(resolution & 0x7f);
    if resolution & 0x80 == 0 {
        10u64.checked_pow(exponent).unwrap_or(10u64.pow(19))
    } else {
        1u64.checked_shl(exponent).unwrap_or(1 << 63)
    }
}
