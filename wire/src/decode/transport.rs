//! Transport headers as they were read: TCP, UDP, ICMP and ICMPv6.

use crate::icmp::Icmp;
use crate::tcp::{Flags, OptionIter};

/// What was read of the transport header.
#[derive(Clone, Copy, Debug, Default)]
pub enum Transport<'a> {
    /// None.
    #[default]
    None,
    /// TCP.
    Tcp(TcpView<'a>),
    /// UDP.
    Udp(UdpView<'a>),
    /// ICMP.
    Icmp(IcmpView<'a>),
    /// ICMPv6.
    Icmpv6(IcmpView<'a>),
    /// A fragment that is not the first: its transport header is elsewhere.
    Fragment,
    /// Another protocol, by its number.
    Other(u8),
}

/// A TCP header, RFC 9293 section 3.1.
#[derive(Clone, Copy, Debug)]
pub struct TcpView<'a> {
    /// Port of the sender.
    pub source: u16,
    /// Port of the receiver.
    pub destination: u16,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgment number, significant or not.
    pub acknowledgment: u32,
    /// Control bits.
    pub flags: Flags,
    /// Window, before scaling.
    pub window: u16,
    /// Urgent pointer.
    pub urgent: u16,
    /// Option bytes.
    pub options: &'a [u8],
    /// The whole segment, as far as captured.
    pub segment: &'a [u8],
}

impl<'a> TcpView<'a> {
    /// The options one by one.
    pub fn options(&self) -> OptionIter<'a> {
        OptionIter::new(self.options)
    }
}

/// A UDP header, RFC 768.
#[derive(Clone, Copy, Debug)]
pub struct UdpView<'a> {
    /// Port of the sender.
    pub source: u16,
    /// Port of the receiver.
    pub destination: u16,
    /// Header and payload, in bytes, as the header says.
    pub length: u16,
    /// The whole datagram, as far as captured.
    pub segment: &'a [u8],
}

/// An ICMP header, RFC 792 or RFC 4443.
#[derive(Clone, Copy, Debug)]
pub struct IcmpView<'a> {
    /// Type.
    pub icmp_type: u8,
    /// Code.
    pub code: u8,
    /// The second four bytes; zero where they are missing.
    pub rest: [u8; 4],
    /// The whole message, as far as captured.
    pub segment: &'a [u8],
}

impl IcmpView<'_> {
    /// Whether it is an ICMP (not ICMPv6) error.
    pub fn is_error(&self) -> bool {
        Icmp::is_error(self.icmp_type)
    }

    /// Whether it is an ICMPv6 error, RFC 4443 section 2.1: types below 128.
    pub fn is_error_v6(&self) -> bool {
        self.icmp_type < 128
    }
}
