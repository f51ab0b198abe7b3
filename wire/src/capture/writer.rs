//! Writes classic pcap: little-endian, microseconds or nanoseconds; of Ethernet, unless told otherwise.

use std::io::{self, ErrorKind, Write};

use pcap_file::pcap::PcapHeader;
use pcap_file::{DataLink, Endianness, TsResolution};

use crate::decode::LinkType;
use crate::time::Timestamp;

/// The buffer is handed on when it holds so much.
const FLUSH_BYTES: usize = 256 * 1024;
/// What the file header announces as the longest record; libpcap's own maximum.
const SNAPSHOT_LENGTH: u32 = 262_144;
/// Bytes of a record header.
const RECORD_HEADER: usize = 16;

/// Writes a capture frame by frame. Frames are emitted straight into one large buffer.
///
/// Nothing is written when it is dropped: [`CaptureWriter::finish`] hands over what is left, and can fail.
pub struct CaptureWriter<W> {
    out: W,
    buffer: Vec<u8>,
    resolution: TsResolution,
    records: u64,
    handed_on: u64,
}

impl<W: Write> CaptureWriter<W> {
    /// A capture with times in microseconds; finer times are rounded down.
    pub fn new(out: W) -> Self {
        CaptureWriter::with(out, TsResolution::MicroSecond, LinkType::ETHERNET)
    }

    /// A capture with times in nanoseconds.
    pub fn with_nanos(out: W) -> Self {
        CaptureWriter::with_nanos_of(out, LinkType::ETHERNET)
    }

    /// The same of frames that begin otherwise.
    pub fn with_nanos_of(out: W, link_type: LinkType) -> Self {
        CaptureWriter::with(out, TsResolution::NanoSecond, link_type)
    }

    /// A capture in microseconds of frames that begin otherwise.
    pub fn new_of(out: W, link_type: LinkType) -> Self {
        CaptureWriter::with(out, TsResolution::MicroSecond, link_type)
    }

    fn with(out: W, ts_resolution: TsResolution, link_type: LinkType) -> Self {
        let mut buffer = Vec::with_capacity(FLUSH_BYTES + FLUSH_BYTES / 4);
        let header = PcapHeader {
            snaplen: SNAPSHOT_LENGTH,
            datalink: DataLink::from(link_type.0),
            ts_resolution,
            endianness: Endianness::Little,
            ..PcapHeader::default()
        };
        header
            .write_to(&mut buffer)
            .expect("writing into memory does not fail");
        CaptureWriter {
            out,
            buffer,
            resolution: ts_resolution,
            records: 0,
            handed_on: 0,
        }
    }

    /// Number of records so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The size of the capture so far, in bytes.
    pub fn bytes(&self) -> u64 {
        self.handed_on + u64::try_from(self.buffer.len()).unwrap_or_default()
    }

    /// Appends the frame whose bytes `emit` appends to the vector. It must not touch what stands there already.
    ///
    /// # Errors
    /// Fails when the output does, and for a time beyond the 32-bit seconds of the format (the year 2106).
    #[inline]
    pub fn record(&mut self, time: Timestamp, emit: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        self.record_cut(time, 0, emit)
    }

    /// The same for a frame of which `emit` appends the beginning only; the original length is told, unless it is less.
    ///
    /// # Errors
    /// As [`CaptureWriter::record`].
    #[inline]
    pub fn record_cut(
        &mut self,
        time: Timestamp,
        original_length: usize,
        emit: impl FnOnce(&mut Vec<u8>),
    ) -> io::Result<()> {
        let Ok(seconds) = u32::try_from(time.seconds()) else {
            return Err(beyond_2106(time));
        };
        let fraction = match self.resolution {
            TsResolution::MicroSecond => time.subsec_nanos() / 1_000,
            TsResolution::NanoSecond => time.subsec_nanos(),
        };
        let start = self.buffer.len();
        let mut header = [0; RECORD_HEADER];
        if let Some((a, rest)) = header.split_first_chunk_mut::<4>()
            && let Some((b, _)) = rest.split_first_chunk_mut::<4>()
        {
            *a = seconds.to_le_bytes();
            *b = fraction.to_le_bytes();
        }
        self.buffer.extend_from_slice(&header);
        emit(&mut self.buffer);
        let length = self.buffer.len().saturating_sub(start + RECORD_HEADER);
        let narrow = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        if let Some(room) = self.buffer.get_mut(start + 8..start + RECORD_HEADER) {
            let (captured, original) = room.split_at_mut(4);
            captured.copy_from_slice(&narrow(length));
            original.copy_from_slice(&narrow(length.max(original_length)));
        }
        self.records += 1;
        if self.buffer.len() >= FLUSH_BYTES {
            self.hand_on()?;
        }
        Ok(())
    }

    #[cold]
    fn hand_on(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.handed_on += u64::try_from(self.buffer.len()).unwrap_or_default();
        self.buffer.clear();
        Ok(())
    }

    /// Hands over what is left, flushes, and returns the output.
    ///
    /// # Errors
    /// Fails when the output does.
    pub fn finish(mut self) -> io::Result<W> {
        self.hand_on()?;
        self.out.flush()?;
        Ok(self.out)
    }
}

#[cold]
fn beyond_2106(time: Timestamp) -> io::Error {
    io::Error::new(
        ErrorKind::InvalidInput,
        format!("{time} s is beyond the year 2106, which classic pcap cannot say"),
    )
}
