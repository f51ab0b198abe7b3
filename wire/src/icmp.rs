//! ICMP messages, RFC 792, and ICMPv6 messages, RFC 4443.

use crate::field::Field;

/// Bytes of the header, the four that depend on the type included.
pub const HEADER_BYTES: usize = 8;

/// Type of an echo reply.
pub const ECHO_REPLY: u8 = 0;
/// Type of destination unreachable.
pub const UNREACHABLE: u8 = 3;
/// Type of source quench, deprecated by RFC 6633.
pub const SOURCE_QUENCH: u8 = 4;
/// Type of redirect.
pub const REDIRECT: u8 = 5;
/// Type of an echo request.
pub const ECHO_REQUEST: u8 = 8;
/// Type of time exceeded.
pub const TIME_EXCEEDED: u8 = 11;
/// Type of parameter problem.
pub const PARAMETER_PROBLEM: u8 = 12;

/// Code of unreachable: network.
pub const NETWORK: u8 = 0;
/// Code of unreachable: host.
pub const HOST: u8 = 1;
/// Code of unreachable: port.
pub const PORT: u8 = 3;
/// Code of unreachable: fragmentation needed and DF set.
pub const FRAGMENTATION_NEEDED: u8 = 4;
/// Code of unreachable: communication administratively prohibited, RFC 1812 section 5.2.7.1.
pub const PROHIBITED: u8 = 13;

/// An ICMP header to be made. What follows it, a quoted packet or echo data, is the packet's payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// Type of the message.
    pub icmp_type: u8,
    /// Code within the type.
    pub code: u8,
    /// Checksum.
    pub checksum: Field<u16>,
    /// The second four bytes: identifier and sequence number, unused, or next-hop MTU.
    pub rest: [u8; 4],
}

impl Icmp {
    /// A message of that type and code whose second four bytes are zero.
    pub fn new(icmp_type: u8, code: u8) -> Self {
        Icmp {
            icmp_type,
            code,
            checksum: Field::Computed,
            rest: [0; 4],
        }
    }

    /// An echo request or reply.
    pub fn echo(icmp_type: u8, identifier: u16, sequence: u16) -> Self {
        let [a, b] = identifier.to_be_bytes();
        let [c, d] = sequence.to_be_bytes();
        Icmp {
            rest: [a, b, c, d],
            ..Icmp::new(icmp_type, 0)
        }
    }

    /// Whether a message of that ICMP (not ICMPv6) type reports an error and quotes what caused it.
    pub fn is_error(icmp_type: u8) -> bool {
        matches!(
            icmp_type,
            UNREACHABLE | SOURCE_QUENCH | REDIRECT | TIME_EXCEEDED | PARAMETER_PROBLEM
        )
    }
}
