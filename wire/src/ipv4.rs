//! IPv4 headers, RFC 791.

use std::net::Ipv4Addr;
use std::ops::Deref;
use std::sync::Arc;

use crate::checksum::Checksum;
use crate::field::Field;
use crate::words;

/// Flag bit: more fragments follow.
pub const MORE_FRAGMENTS: u8 = 0b001;
/// Flag bit: don't fragment.
pub const DONT_FRAGMENT: u8 = 0b010;
/// The bits of the fragment offset, below the flags.
pub(crate) const OFFSET_MASK: u16 = 0x1fff;
/// Flag bit: reserved, the "evil bit" of RFC 3514.
pub const RESERVED: u8 = 0b100;
/// Bytes of a header without options.
pub const HEADER_BYTES: usize = 20;
/// Bytes of options that a header can hold.
pub const MAX_OPTION_BYTES: usize = 40;

/// An IPv4 header to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipv4 {
    /// Sender, true or forged.
    pub source: Ipv4Addr,
    /// Receiver.
    pub destination: Ipv4Addr,
    /// Differentiated services and ECN, once called type of service.
    pub tos: u8,
    /// Header and payload, in bytes.
    pub total_length: Field<u16>,
    /// Identification, for reassembly.
    pub identification: u16,
    /// The three flag bits.
    pub flags: u8,
    /// Fragment offset, in units of 8 bytes; 13 bits.
    pub fragment_offset: u16,
    /// Time to live.
    pub ttl: u8,
    /// What the packet carries.
    pub protocol: Field<u8>,
    /// Header checksum.
    pub checksum: Field<u16>,
    /// Options as they stand in the header, padded by the emitter to a multiple of four bytes and cut at 40.
    pub options: Option<IpOptions>,
}

/// Bytes of options, cheap to copy. Few headers have any: they stand behind one pointer, so that the others carry little.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpOptions(Arc<Box<[u8]>>);

impl From<Vec<u8>> for IpOptions {
    fn from(bytes: Vec<u8>) -> Self {
        IpOptions(Arc::new(bytes.into_boxed_slice()))
    }
}

impl From<&[u8]> for IpOptions {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }
}

impl Deref for IpOptions {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Ipv4 {
    /// A plain header between two addresses: TTL 64, id 0, no flags.
    pub fn new(source: Ipv4Addr, destination: Ipv4Addr) -> Self {
        Ipv4 {
            source,
            destination,
            tos: 0,
            total_length: Field::Computed,
            identification: 0,
            flags: 0,
            fragment_offset: 0,
            ttl: 64,
            protocol: Field::Computed,
            checksum: Field::Computed,
            options: None,
        }
    }

    /// Where the packet ends up: the last address of a source route that is not finished, which is what checksums of what
    /// it carries are reckoned with (RFC 1122 section 4.1.3.4), or else its destination.
    pub fn final_destination(&self) -> Ipv4Addr {
        const LOOSE: u8 = 131;
        const STRICT: u8 = 137;
        let mut rest = self.options.as_deref().unwrap_or_default();
        while let [kind, more @ ..] = rest {
            let length = match (*kind, more) {
                (0, _) => break,
                (1, _) => 1,
                (_, [length, ..]) if *length >= 2 => usize::from(*length),
                _ => break,
            };
            if let (LOOSE | STRICT, [_, pointer, ..]) = (*kind, more)
                && usize::from(*pointer) + 3 <= length
                && let Some(last) = rest.get(length.saturating_sub(4)..length)
                && let Some(last) = last.first_chunk::<4>()
            {
                return Ipv4Addr::from(*last);
            }
            rest = rest.get(length..).unwrap_or_default();
        }
        self.destination
    }

    /// Whether DF is set.
    pub fn dont_fragment(&self) -> bool {
        self.flags & DONT_FRAGMENT != 0
    }

    /// Bytes of the header, options included.
    pub fn header_bytes(&self) -> usize {
        let options = self
            .options
            .as_ref()
            .map_or(0, |options| options.len().min(MAX_OPTION_BYTES));
        HEADER_BYTES + options.next_multiple_of(4)
    }

    /// Appends the header of a packet that carries `length` bytes of `protocol`.
    ///
    /// A packet beyond 65535 bytes says 65535. Written word by word instead of through a view: it is the hottest code of a
    /// flood, and setting bit fields one by one took four times as long.
    #[inline]
    pub fn emit(&self, protocol: u8, length: usize, out: &mut Vec<u8>) {
        let header_bytes = self.header_bytes();
        let length_in_words = u32::try_from(header_bytes / 4).unwrap_or(15);
        let total = u16::try_from(header_bytes + length).unwrap_or(u16::MAX);
        let total = self.total_length.or(|| total);
        let fragment =
            u32::from(self.flags & 0b111) << 13 | u32::from(self.fragment_offset & OFFSET_MASK);
        let protocol = self.protocol.or(|| protocol);
        let mut header = [
            (0x40 | length_in_words) << 24 | u32::from(self.tos) << 16 | u32::from(total),
            u32::from(self.identification) << 16 | fragment,
            u32::from(self.ttl) << 24 | u32::from(protocol) << 16,
            self.source.to_bits(),
            self.destination.to_bits(),
        ];
        let options = self.options.as_deref().map_or(&[] as &[u8], |options| {
            options.get(..MAX_OPTION_BYTES).unwrap_or(options)
        });
        let sum = self
            .checksum
            .or(|| Checksum::new().words(header).bytes(options).finish());
        let [_, _, with_sum, ..] = &mut header;
        *with_sum |= u32::from(sum);
        words::append(header, out);
        if !options.is_empty() {
            out.extend_from_slice(options);
            out.resize(out.len() + (header_bytes - HEADER_BYTES - options.len()), 0);
        }
    }
}
