//! Packets and frames as text, one line each, in the manner of tcpdump and packetdrill.
//!
//! ```text
//! 192.0.2.57.1057 > 198.51.100.21.21: S 1484414 win 8192 <mss 536,nop,nop,sackOK> ttl 128 id 7 DF
//! 192.0.2.57.1057 > 198.51.100.21.21: P. 1484415 ack 3037133698 win 8760 ttl 128 id 9 DF "USER guest\r\n"
//! 2001:db8::1.53 > 2001:db8::2.1024: udp hlim 64 zeros 12
//! [vlan 5 snap] 192.0.2.1 > 192.0.2.57: icmp 8/0 echo 1 2 ttl 255 id 1 hex 0a0b0c
//! ```
//!
//! First who speaks to whom, ports behind the addresses with a dot; then what is said: the flags and the sequence number
//! of TCP, or `udp`, `icmp TYPE/CODE`, `proto NUMBER`; then fields in any order, each at most once; the payload is `"text"`,
//! `zeros N` or `hex DIGITS`. A field that is left out is computed or zero, and the time to live 64. In front of a frame
//! its link header may stand in brackets.
//!
//! | field | of | what |
//! |---|---|---|
//! | `ack N`, `win N`, `urg N`, `<options>`, `offset N` | TCP | acknowledgment number, window, urgent pointer, options, forced header length in words |
//! | `len N` | UDP | forced length |
//! | `echo ID SEQ`, `rest HEX` | ICMP | the second four bytes |
//! | `cksum N` | all three | forced checksum |
//! | `ttl N`, `id N`, `tos N`, `DF`, `MF`, `evil`, `ip-flags N`, `frag N`, `ip-cksum N`, `ip-options HEX` | IPv4 | `frag` is the offset in units of 8 bytes; `ip-options empty` is a list without bytes |
//! | `hlim N`, `class N`, `flow N` | IPv6 | hop limit, traffic class, flow label |
//! | `ip-len N`, `ip-proto N` | both | forced total or payload length, forced protocol or next header |
//!
//! Options are `mss N`, `nop`, `eol`, `wscale N`, `sackOK`, `sack HEX`, `timestamp N N` and `opt-KIND HEX`, with commas; bytes
//! that are no valid list are `<hex DIGITS>`. Numbers are decimal, or hexadecimal after `0x`.
//!
//! What is printed is read back as the same packet. Only `{:#}`, which cuts long payloads for people, is not.

mod fields;
mod options;
mod parse;
mod print;
mod scan;
pub mod trace;

use crate::ethernet::Link;
use crate::packet::Packet;

/// A packet in its link header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Link header.
    pub link: Link,
    /// What it carries.
    pub packet: Packet,
}

impl Frame {
    /// Appends the frame's bytes.
    pub fn emit(&self, out: &mut Vec<u8>) {
        self.packet.emit_frame(&self.link, out);
    }
}

/// Where a line is not in the notation, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct NotationError {
    /// Where, counted in bytes from 1.
    pub column: usize,
    /// Why.
    pub problem: Problem,
}

/// Why a line is not in the notation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Nothing stands where something must.
    #[error("the line ends where {0} is wanted")]
    Ended(&'static str),
    /// Something else stands there.
    #[error("'{found}' stands where {wanted} is wanted")]
    Unexpected {
        /// What stands there.
        found: String,
        /// What should.
        wanted: &'static str,
    },
    /// A number is too large for its field.
    #[error("{found} is more than the field holds, {most}")]
    TooLarge {
        /// The number.
        found: u64,
        /// The largest.
        most: u64,
    },
    /// The packet has no such field.
    #[error("'{0}' is no field of this packet")]
    UnknownField(String),
    /// A field is given again.
    #[error("'{0}' is given twice")]
    Twice(String),
    /// A quotation, an option list or a link header does not end.
    #[error("no {0} closes what begins here")]
    Unclosed(char),
    /// TCP options beyond 40 bytes.
    #[error("the options do not fit 40 bytes")]
    OptionsTooLong,
    /// One address is IPv4 and the other IPv6.
    #[error("one address is IPv4, the other IPv6")]
    MixedVersions,
}

#[cfg(test)]
mod tests;
