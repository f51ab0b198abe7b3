//! What can be wrong with a capture.

use std::fmt;
use std::io;

use crate::decode::LinkType;

/// Why a capture cannot be read, or not further.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// There is not one byte.
    #[error("the file is empty")]
    Empty,
    /// It is something else.
    #[error("not a capture: {0}")]
    Foreign(Foreign),
    /// It ends within the file header.
    #[error("the file ends within its header, after {available} bytes")]
    TruncatedHeader {
        /// Bytes there are.
        available: usize,
    },
    /// No frame of this link type can be decoded.
    #[error(
        "link type {0} is not supported: Ethernet, Linux cooked, loopback, raw IP, PPP, HDLC, 802.11, PPI, pflog and NFLOG are"
    )]
    UnsupportedLinkType(LinkType),
    /// It ends within a record.
    #[error(
        "truncated in record {record} at byte {offset}: {needed} bytes are announced, {available} are there"
    )]
    Truncated {
        /// Number of the record, from 1.
        record: u64,
        /// Byte offset in the file where the record begins.
        offset: u64,
        /// Bytes the record needs.
        needed: usize,
        /// Bytes there are.
        available: usize,
    },
    /// A record announces more bytes than any frame has.
    #[error(
        "record {record} at byte {offset} announces {length} bytes, more than any frame has: the file is damaged"
    )]
    AbsurdLength {
        /// Number of the record, from 1.
        record: u64,
        /// Byte offset in the file where the record begins.
        offset: u64,
        /// What it announces.
        length: u64,
    },
    /// A pcapng block contradicts itself.
    #[error("damaged pcapng block at byte {offset}: {why}")]
    DamagedBlock {
        /// Byte offset in the file where the block begins.
        offset: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Reading itself failed.
    #[error("cannot read: {0}")]
    Io(io::Error),
}

impl From<io::Error> for CaptureError {
    fn from(error: io::Error) -> Self {
        CaptureError::Io(error)
    }
}

/// What a file that is no capture looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// Compressed; the name of the program that undoes it.
    Compressed(&'static str),
    /// A capture format that is not read here.
    OtherFormat(&'static str),
    /// Text.
    Text,
    /// Nothing known: its first bytes.
    Unknown([u8; 4]),
}

impl Foreign {
    /// Judges by the first bytes of a file, which are no capture's.
    pub(super) fn guess(bytes: &[u8]) -> Foreign {
        match bytes {
            [0x1f, 0x8b, ..] => Foreign::Compressed("gunzip"),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Foreign::Compressed("unzstd"),
            [0xfd, b'7', b'z', b'X', b'Z', ..] => Foreign::Compressed("unxz"),
            [b'B', b'Z', b'h', ..] => Foreign::Compressed("bunzip2"),
            [0x04, 0x22, 0x4d, 0x18, ..] => Foreign::Compressed("unlz4"),
            [b'P', b'K', 3, 4, ..] => Foreign::Compressed("unzip"),
            [b's', b'n', b'o', b'o', b'p', 0, 0, 0, ..] => Foreign::OtherFormat("snoop"),
            [0x34, 0xcd, 0xb2, 0xa1, ..] | [0xa1, 0xb2, 0xcd, 0x34, ..] => {
                Foreign::OtherFormat("Kuznetzov's modified pcap")
            }
            [b'R', b'T', b'S', b'S', ..] | [b'G', b'M', b'B', b'U', ..] => {
                Foreign::OtherFormat("Network Monitor")
            }
            [first @ .., _] if first.iter().take(64).all(|b| is_text(*b)) => Foreign::Text,
            [a, b, c, d, ..] => Foreign::Unknown([*a, *b, *c, *d]),
            _ => Foreign::Unknown([0; 4]),
        }
    }
}

fn is_text(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte.is_ascii_whitespace()
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Foreign::Compressed(program) => {
                write!(f, "it looks compressed: unpack it with {program} first")
            }
            Foreign::OtherFormat(name) => {
                write!(f, "it looks like {name}: convert it with editcap first")
            }
            Foreign::Text => write!(f, "it looks like text; pcap and pcapng are read"),
            Foreign::Unknown([a, b, c, d]) => write!(
                f,
                "it begins with {a:02x}{b:02x}{c:02x}{d:02x}; pcap and pcapng are read"
            ),
        }
    }
}
