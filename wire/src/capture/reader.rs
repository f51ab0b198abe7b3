//! Reads classic pcap and pcapng, whichever it is.

use std::io::Read;

use pcap_file::pcap::{PcapHeader, PcapParser};
use pcap_file::{Endianness, TsResolution};

use super::buffer::{Found, MAX_RECORD, Window};
use super::error::{CaptureError, Foreign};
use super::pcapng::Sections;
use crate::decode::LinkType;
use crate::time::Timestamp;

/// Bytes of the file header.
const FILE_HEADER: usize = 24;
/// Bytes of a record header.
const RECORD_HEADER: usize = 16;
/// The low bits of a file's link type; the others tell of the frame check sequence (draft-ietf-opsawg-pcap).
const LINK_TYPE_BITS: u32 = 0xffff;

/// One captured frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// When it passed.
    pub time: Timestamp,
    /// What its bytes begin with.
    pub link_type: LinkType,
    /// Its length on the wire.
    pub original_length: usize,
    /// Its bytes, as far as they were captured.
    pub bytes: &'a [u8],
}

/// Reads a capture frame by frame in constant memory.
pub struct CaptureReader<R> {
    window: Window<R>,
    format: Format,
    records: u64,
    finished: bool,
}

enum Format {
    Pcap {
        header: PcapHeader,
        link_type: LinkType,
    },
    PcapNg(Sections),
}

impl<R: Read> CaptureReader<R> {
    /// Reads the file header and decides what the capture is.
    ///
    /// # Errors
    /// Fails on an empty file, on one that is no capture, on a header cut short, and on a classic capture of a
    /// link type that cannot be decoded.
    pub fn new(stream: R) -> Result<Self, CaptureError> {
        CaptureReader::begin(Window::new(stream))
    }

    /// Reads another stream, or the same once more, with the memory of this reader.
    ///
    /// # Errors
    /// As for a new reader.
    pub fn restart(self, stream: R) -> Result<Self, CaptureError> {
        CaptureReader::begin(self.window.restart(stream))
    }

    fn begin(mut window: Window<R>) -> Result<Self, CaptureError> {
        let available = window.fill(FILE_HEADER)?;
        let format = match window.bytes() {
            [] => return Err(CaptureError::Empty),
            [0x0a, 0x0d, 0x0d, 0x0a, ..] => Format::PcapNg(Sections::default()),
            [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..] => {
                let Ok((_, parser)) = PcapParser::new(window.bytes()) else {
                    return Err(CaptureError::TruncatedHeader { available });
                };
                let header = parser.header();
                let link_type = LinkType(u32::from(header.datalink) & LINK_TYPE_BITS);
                if !(link_type.is_supported() || link_type.is_opened()) {
                    return Err(CaptureError::UnsupportedLinkType(link_type));
                }
                window.advance(FILE_HEADER);
                Format::Pcap { header, link_type }
            }
            other => return Err(CaptureError::Foreign(Foreign::guess(other))),
        };
        Ok(CaptureReader {
            window,
            format,
            records: 0,
            finished: false,
        })
    }

    /// Number of records delivered so far, which is the number of the last one.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The next frame, or `None` at the end. After an error there are no more.
    ///
    /// # Errors
    /// Fails where the capture is cut short or damaged, and when reading fails.
    #[inline(always)]
    #[expect(
        clippy::should_implement_trait,
        reason = "it lends, which Iterator cannot"
    )]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, CaptureError> {
        if self.finished {
            return Ok(None);
        }
        let found = match &mut self.format {
            Format::Pcap { header, link_type } => {
                next_pcap(header, *link_type, &mut self.window, self.records + 1)
            }
            Format::PcapNg(sections) => sections.next(&mut self.window, self.records + 1),
        };
        match found {
            Ok(Some(found)) => {
                self.records += 1;
                let behind = self.window.behind(found.behind);
                Ok(Some(Record {
                    time: found.time,
                    link_type: found.link_type,
                    original_length: found.original_length,
                    bytes: behind.get(..found.length).unwrap_or_default(),
                }))
            }
            Ok(None) => {
                self.finished = true;
                Ok(None)
            }
            Err(error) => {
                self.finished = true;
                Err(error)
            }
        }
    }
}

/// Read here, not by the library: its record borrows or owns its bytes, which each frame would pay for, and it refuses
/// frames beyond the snapshot length, which tools do write.
#[inline(always)]
fn next_pcap<R: Read>(
    header: &PcapHeader,
    link_type: LinkType,
    window: &mut Window<R>,
    record: u64,
) -> Result<Option<Found>, CaptureError> {
    let offset = window.offset();
    let truncated = |needed, available| CaptureError::Truncated {
        record,
        offset,
        needed,
        available,
    };
    let available = window.fill(RECORD_HEADER)?;
    let Some(numbers) = window.bytes().first_chunk() else {
        return match available {
            0 => Ok(None),
            _ => Err(truncated(RECORD_HEADER, available)),
        };
    };
    let [seconds, fraction, length, original_length] = numbers_of(numbers, header.endianness);
    let length = match usize::try_from(length) {
        Ok(length) if length <= MAX_RECORD => length,
        _ => {
            return Err(CaptureError::AbsurdLength {
                record,
                offset,
                length: u64::from(length),
            });
        }
    };
    let needed = RECORD_HEADER + length;
    let available = window.fill(needed)?;
    if available < needed {
        return Err(truncated(needed, available));
    }
    window.advance(needed);
    Ok(Some(Found {
        time: time_of(header, seconds, fraction),
        link_type,
        original_length: usize::try_from(original_length).unwrap_or(usize::MAX),
        behind: length,
        length,
    }))
}

/// Seconds, their fraction, bytes captured and bytes on the wire.
#[inline]
fn numbers_of(header: &[u8; RECORD_HEADER], endianness: Endianness) -> [u32; 4] {
    let &[a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = header;
    let numbers = [[a, b, c, d], [e, f, g, h], [i, j, k, l], [m, n, o, p]];
    match endianness {
        Endianness::Little => numbers.map(u32::from_le_bytes),
        Endianness::Big => numbers.map(u32::from_be_bytes),
    }
}

fn time_of(header: &PcapHeader, seconds: u32, fraction: u32) -> Timestamp {
    let unit = match header.ts_resolution {
        TsResolution::MicroSecond => 1_000,
        TsResolution::NanoSecond => 1,
    };
    Timestamp::from_parts(u64::from(seconds), 0).plus_nanos(u64::from(fraction) * unit)
}
