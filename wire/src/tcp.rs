//! TCP segments, RFC 9293, with the options of RFC 2018 and RFC 7323.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};
use std::str::FromStr;
use std::sync::Arc;

use crate::field::Field;

/// Bytes of a header without options.
pub const HEADER_BYTES: usize = 20;
/// Bytes of options that a header can hold.
pub const MAX_OPTION_BYTES: usize = 40;

/// The control bits, RFC 9293 section 3.1, with ECE and CWR of RFC 3168 and AE of RFC 9768; 9 bits in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flags(pub u16);

impl Flags {
    /// No flag.
    pub const NONE: Flags = Flags(0);
    /// No more data from the sender.
    pub const FIN: Flags = Flags(0x001);
    /// Synchronise sequence numbers.
    pub const SYN: Flags = Flags(0x002);
    /// Reset the connection.
    pub const RST: Flags = Flags(0x004);
    /// Push.
    pub const PSH: Flags = Flags(0x008);
    /// The acknowledgment number is significant.
    pub const ACK: Flags = Flags(0x010);
    /// The urgent pointer is significant.
    pub const URG: Flags = Flags(0x020);
    /// ECN echo.
    pub const ECE: Flags = Flags(0x040);
    /// Congestion window reduced.
    pub const CWR: Flags = Flags(0x080);
    /// Accurate ECN.
    pub const AE: Flags = Flags(0x100);
    /// The bits that these are, below the reserved ones.
    pub(crate) const MASK: u16 = 0x1ff;

    /// Whether all of `flags` are set.
    pub const fn contains(self, flags: Flags) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Whether any of `flags` is set.
    pub const fn intersects(self, flags: Flags) -> bool {
        self.0 & flags.0 != 0
    }

    /// Whether `flags` are set and, of FIN, SYN, RST, PSH, ACK and URG, no others.
    pub const fn is_exactly(self, flags: Flags) -> bool {
        self.0 & 0x3f == flags.0
    }
}

impl BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Flags) {
        self.0 |= other.0;
    }
}

/// Letters of the flags, in the order of tcpdump.
const LETTERS: [(Flags, char); 9] = [
    (Flags::FIN, 'F'),
    (Flags::SYN, 'S'),
    (Flags::RST, 'R'),
    (Flags::PSH, 'P'),
    (Flags::ACK, '.'),
    (Flags::URG, 'U'),
    (Flags::ECE, 'E'),
    (Flags::CWR, 'W'),
    (Flags::AE, 'e'),
];

impl fmt::Display for Flags {
    /// Letters as tcpdump prints them: `S.` is SYN and ACK, `none` is no flag.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters: String = LETTERS
            .iter()
            .filter(|(flag, _)| self.contains(*flag))
            .map(|(_, letter)| letter)
            .collect();
        f.pad(if letters.is_empty() { "none" } else { &letters })
    }
}

impl FromStr for Flags {
    type Err = FlagsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Flags::NONE);
        }
        let mut flags = Flags::NONE;
        for letter in text.chars() {
            let (flag, _) = LETTERS
                .iter()
                .find(|(_, l)| *l == letter)
                .ok_or_else(|| FlagsError(text.into()))?;
            flags |= *flag;
        }
        if flags == Flags::NONE {
            Err(FlagsError(text.into()))
        } else {
            Ok(flags)
        }
    }
}

/// Text that is no set of flags.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is no set of TCP flags: letters of FSRP.UEWe, or none")]
pub struct FlagsError(String);

/// One TCP option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpOption<'a> {
    /// Kind 0: end of the list.
    EndOfList,
    /// Kind 1: padding.
    NoOperation,
    /// Kind 2: maximum segment size, in bytes.
    Mss(u16),
    /// Kind 3: shift count of the window.
    WindowScale(u8),
    /// Kind 4: selective acknowledgment permitted.
    SackPermitted,
    /// Kind 5: selective acknowledgment; the blocks as they stand.
    Sack(&'a [u8]),
    /// Kind 8: the sender's clock, and the clock it echoes.
    Timestamps(u32, u32),
    /// Any other kind, or a known kind of another length: kind and data.
    Unknown(u8, &'a [u8]),
}

/// Option bytes that stand in the header itself: those of an ordinary SYN, and of segments that acknowledge no gaps.
const INLINE_BYTES: usize = 22;

/// The options of a header, as a literal list: order, padding and nonsense are kept.
#[derive(Clone)]
pub struct Options(Held);

/// Long lists are rare, and kept elsewhere: a flood moves many packets.
#[derive(Clone)]
enum Held {
    Inline(u8, [u8; INLINE_BYTES]),
    Shared(Arc<[u8]>),
}

impl Default for Options {
    fn default() -> Self {
        Options::NONE
    }
}

impl Options {
    /// No options.
    pub const NONE: Options = Options(Held::Inline(0, [0; INLINE_BYTES]));

    /// The options in this order; those that do not fit 40 bytes are left out.
    pub fn new<'a>(options: impl IntoIterator<Item = TcpOption<'a>>) -> Self {
        let mut list = Options::NONE;
        for option in options {
            list.push(option);
        }
        list
    }

    /// The option bytes of a header, as they stand, cut at 40.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut options = Options::NONE;
        options.append(bytes.get(..MAX_OPTION_BYTES).unwrap_or(bytes));
        options
    }

    /// The list with one more option; unchanged when it does not fit.
    #[must_use]
    pub fn with(mut self, option: TcpOption<'_>) -> Self {
        self.push(option);
        self
    }

    fn push(&mut self, option: TcpOption<'_>) {
        match option {
            TcpOption::EndOfList => self.append(&[0]),
            TcpOption::NoOperation => self.append(&[1]),
            TcpOption::Mss(mss) => {
                let [a, b] = mss.to_be_bytes();
                self.append(&[2, 4, a, b]);
            }
            TcpOption::WindowScale(shift) => self.append(&[3, 3, shift]),
            TcpOption::SackPermitted => self.append(&[4, 2]),
            TcpOption::Sack(blocks) => self.append_kind(5, blocks),
            TcpOption::Timestamps(value, echo) => {
                let [a, b, c, d] = value.to_be_bytes();
                let [e, f, g, h] = echo.to_be_bytes();
                self.append(&[8, 10, a, b, c, d, e, f, g, h]);
            }
            TcpOption::Unknown(kind, data) => self.append_kind(kind, data),
        }
    }

    fn append_kind(&mut self, kind: u8, data: &[u8]) {
        let data = data.get(..MAX_OPTION_BYTES - 2).unwrap_or(data);
        let length = u8::try_from(data.len() + 2).unwrap_or(u8::MAX);
        let mut whole = Options::NONE;
        whole.append(&[kind, length]);
        whole.append(data);
        self.append(whole.as_bytes());
    }

    fn append(&mut self, bytes: &[u8]) {
        let (start, end) = (self.len(), self.len() + bytes.len());
        if end > MAX_OPTION_BYTES {
            return;
        }
        if let Held::Inline(length, room) = &mut self.0
            && let Some(room) = room.get_mut(start..end)
        {
            room.copy_from_slice(bytes);
            *length = u8::try_from(end).unwrap_or(*length);
        } else {
            self.0 = Held::Shared([self.as_bytes(), bytes].concat().into());
        }
    }

    fn len(&self) -> usize {
        match &self.0 {
            Held::Inline(length, _) => usize::from(*length),
            Held::Shared(bytes) => bytes.len(),
        }
    }

    /// The bytes, without the padding that the header adds.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Held::Inline(length, bytes) => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Held::Shared(bytes) => bytes,
        }
    }

    /// The options one by one.
    pub fn iter(&self) -> OptionIter<'_> {
        OptionIter {
            rest: self.as_bytes(),
        }
    }

    /// Bytes in the header, padding included.
    pub fn padded_bytes(&self) -> usize {
        self.len().next_multiple_of(4)
    }
}

impl PartialEq for Options {
    /// Equal bytes, wherever they are held.
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Options {}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{self}>")
    }
}

impl fmt::Display for Options {
    /// The list as tcpdump once printed it: `mss 536,nop,nop,sackOK`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, option) in self.iter().enumerate() {
            if n > 0 {
                f.write_str(",")?;
            }
            match option {
                TcpOption::EndOfList => f.write_str("eol")?,
                TcpOption::NoOperation => f.write_str("nop")?,
                TcpOption::Mss(mss) => write!(f, "mss {mss}")?,
                TcpOption::WindowScale(shift) => write!(f, "wscale {shift}")?,
                TcpOption::SackPermitted => f.write_str("sackOK")?,
                TcpOption::Sack(blocks) => write_hex(f, "sack", blocks)?,
                TcpOption::Timestamps(value, echo) => write!(f, "timestamp {value} {echo}")?,
                TcpOption::Unknown(kind, data) => write_hex(f, &format!("opt-{kind}"), data)?,
            }
        }
        Ok(())
    }
}

fn write_hex(f: &mut fmt::Formatter<'_>, name: &str, data: &[u8]) -> fmt::Result {
    write!(f, "{name}")?;
    for (n, byte) in data.iter().enumerate() {
        write!(f, "{}{byte:02x}", if n == 0 { " " } else { "" })?;
    }
    Ok(())
}

/// Walks an option list. It ends at the end-of-list option, at the end, and at a length that cannot be.
#[derive(Clone, Debug)]
pub struct OptionIter<'a> {
    rest: &'a [u8],
}

impl<'a> OptionIter<'a> {
    /// Walks the option bytes of a header.
    pub fn new(bytes: &'a [u8]) -> Self {
        OptionIter { rest: bytes }
    }
}

impl<'a> Iterator for OptionIter<'a> {
    type Item = TcpOption<'a>;

    fn next(&mut self) -> Option<TcpOption<'a>> {
        let (&kind, after) = self.rest.split_first()?;
        let (option, rest) = match kind {
            0 => (TcpOption::EndOfList, &[] as &[u8]),
            1 => (TcpOption::NoOperation, after),
            _ => {
                let (&length, _) = after.split_first()?;
                let data = self.rest.get(2..usize::from(length))?;
                (
                    known_option(kind, data),
                    self.rest.get(usize::from(length)..)?,
                )
            }
        };
        self.rest = rest;
        Some(option)
    }
}

fn known_option(kind: u8, data: &[u8]) -> TcpOption<'_> {
    match (kind, data) {
        (2, &[a, b]) => TcpOption::Mss(u16::from_be_bytes([a, b])),
        (3, &[shift]) => TcpOption::WindowScale(shift),
        (4, []) => TcpOption::SackPermitted,
        (5, blocks) => TcpOption::Sack(blocks),
        (8, &[a, b, c, d, e, f, g, h]) => TcpOption::Timestamps(
            u32::from_be_bytes([a, b, c, d]),
            u32::from_be_bytes([e, f, g, h]),
        ),
        _ => TcpOption::Unknown(kind, data),
    }
}

/// A TCP header to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// Port of the sender.
    pub source: u16,
    /// Port of the receiver.
    pub destination: u16,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgment number; sent whether or not ACK is set.
    pub acknowledgment: u32,
    /// Header length in 32-bit words; 4 bits.
    pub data_offset: Field<u8>,
    /// Control bits.
    pub flags: Flags,
    /// Window, before scaling.
    pub window: u16,
    /// Checksum.
    pub checksum: Field<u16>,
    /// Urgent pointer.
    pub urgent: u16,
    /// Options.
    pub options: Options,
}

impl Tcp {
    /// A header between two ports with these flags, all else zero.
    pub fn new(source: u16, destination: u16, flags: Flags) -> Self {
        Tcp {
            source,
            destination,
            sequence: 0,
            acknowledgment: 0,
            data_offset: Field::Computed,
            flags,
            window: 0,
            checksum: Field::Computed,
            urgent: 0,
            options: Options::NONE,
        }
    }

    /// Bytes of the header, options included.
    pub fn header_bytes(&self) -> usize {
        HEADER_BYTES + self.options.padded_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_windows_98_syn_prints_its_options_in_order() {
        use TcpOption::{Mss, NoOperation, SackPermitted};
        let options = Options::new([Mss(536), NoOperation, NoOperation, SackPermitted]);
        assert_eq!(options.to_string(), "mss 536,nop,nop,sackOK");
        assert_eq!(options.as_bytes(), [2, 4, 2, 24, 1, 1, 4, 2]);
    }

    #[test]
    fn flags_print_as_they_are_read() {
        for bits in 0..0x200 {
            let flags = Flags(bits);
            assert_eq!(flags.to_string().parse::<Flags>().unwrap(), flags);
        }
        assert!("".parse::<Flags>().is_err() && "SX".parse::<Flags>().is_err());
    }

    proptest! {
        #[test]
        fn any_option_bytes_can_be_walked(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let walked = OptionIter::new(&bytes).count();
            prop_assert!(walked <= bytes.len());
        }

        #[test]
        fn options_that_were_made_are_found_again(mss: u16, shift: u8, value: u32, echo: u32) {
            let list = [
                TcpOption::Mss(mss),
                TcpOption::SackPermitted,
                TcpOption::Timestamps(value, echo),
                TcpOption::NoOperation,
                TcpOption::WindowScale(shift),
                TcpOption::Unknown(253, &[1, 2]),
            ];
            let options = Options::new(list);
            prop_assert!(options.iter().eq(list));
        }
    }
}
