//! How a classic capture writes its header and its frames, so that what is made of it reads the same.

use std::io::{self, Read, Write};

use anyhow::{Context, Result};
use wire::Timestamp;

/// Bytes of a classic capture's header.
const FILE_HEADER: usize = 24;
/// What a capture made of a pcapng one announces as its longest record: libpcap's own maximum.
const SNAPSHOT_LENGTH: u32 = 262_144;

/// How a capture file writes its numbers.
#[derive(Clone, Debug)]
pub struct Format {
    header: Vec<u8>,
    little: bool,
    nanos: bool,
}

impl Format {
    /// That of a classic capture; of another, one that loses nothing of its stamps.
    ///
    /// # Errors
    /// What the system says.
    pub fn of(mut capture: impl Read, link_type: u32) -> io::Result<Format> {
        let mut header = Vec::new();
        capture.by_ref().take(24).read_to_end(&mut header)?;
        let known = match header.first_chunk::<4>() {
            Some([0xd4, 0xc3, 0xb2, 0xa1]) => Some((true, false)),
            Some([0xa1, 0xb2, 0xc3, 0xd4]) => Some((false, false)),
            Some([0x4d, 0x3c, 0xb2, 0xa1]) => Some((true, true)),
            Some([0xa1, 0xb2, 0x3c, 0x4d]) => Some((false, true)),
            _ => None,
        };
        if let Some((little, nanos)) = known.filter(|_| header.len() == FILE_HEADER) {
            return Ok(Format {
                header,
                little,
                nanos,
            });
        }
        let mut header = vec![0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        header.extend_from_slice(&SNAPSHOT_LENGTH.to_le_bytes());
        header.extend_from_slice(&link_type.to_le_bytes());
        Ok(Format {
            header,
            little: true,
            nanos: true,
        })
    }

    /// The file's header.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// Whether stamps are in nanoseconds.
    pub fn nanos(&self) -> bool {
        self.nanos
    }

    /// The most bytes of a frame that the capture keeps.
    pub fn snapshot(&self) -> usize {
        let length = self
            .header
            .get(16..20)
            .and_then(|bytes| bytes.first_chunk::<4>())
            .copied()
            .unwrap_or_default();
        let length = if self.little {
            u32::from_le_bytes(length)
        } else {
            u32::from_be_bytes(length)
        };
        match usize::try_from(length) {
            Ok(0) | Err(_) => usize::MAX,
            Ok(length) => length,
        }
    }

    /// Writes a frame, of which so many bytes were on the line.
    ///
    /// # Errors
    /// What the system says; a stamp that pcap cannot say.
    pub fn write(
        &self,
        time: Timestamp,
        original: usize,
        bytes: &[u8],
        out: &mut impl Write,
    ) -> Result<()> {
        let seconds = u32::try_from(time.seconds())
            .context("a stamp is beyond the year 2106, which pcap cannot say")?;
        let unit = if self.nanos { 1 } else { 1000 };
        let narrow = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        for number in [
            seconds,
            time.subsec_nanos() / unit,
            narrow(bytes.len()),
            narrow(original),
        ] {
            out.write_all(&if self.little {
                number.to_le_bytes()
            } else {
                number.to_be_bytes()
            })?;
        }
        out.write_all(bytes)?;
        Ok(())
    }
}
