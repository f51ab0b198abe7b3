//! Questions and records of DNS, RFC 1035 section 3.2.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Type of an address.
pub const A: u16 = 1;
/// Type of an alias.
pub const CNAME: u16 = 5;
/// Type of a zone's first record.
pub const SOA: u16 = 6;
/// Type of a pointer to a name.
pub const PTR: u16 = 12;
/// Type of a zone's server.
pub const NS: u16 = 2;
/// Type of who takes mail.
pub const MX: u16 = 15;
/// Type of a text.
pub const TXT: u16 = 16;
/// A whole zone, RFC 5936.
pub const AXFR: u16 = 252;
/// Type of an IPv6 address, RFC 3596.
pub const AAAA: u16 = 28;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The name, without its last dot.
    pub name: String,
    /// The type.
    pub kind: u16,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// An address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// A name: of an alias or of an address, by type.
    Name(u16, String),
    /// Who takes mail, and how willingly.
    Mx(u16, String),
    /// A text.
    Txt(String),
    /// The first record of a zone whose server and serial number these are.
    Soa(String, u32),
    /// Of any type, as it is.
    Raw(u16, Vec<u8>),
}

impl Data {
    pub(super) fn kind(&self) -> u16 {
        match self {
            Data::A(_) => A,
            Data::Aaaa(_) => AAAA,
            Data::Name(kind, _) | Data::Raw(kind, _) => *kind,
            Data::Mx(..) => MX,
            Data::Txt(_) => TXT,
            Data::Soa(..) => SOA,
        }
    }
}

/// A record: whose, for how many seconds, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The name it belongs to.
    pub owner: String,
    /// Seconds it may be kept.
    pub ttl: u32,
    /// What it says.
    pub data: Data,
}
