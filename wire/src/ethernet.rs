//! Ethernet frames, IEEE 802.3: Ethernet II or LLC/SNAP, with VLAN tags.

use std::fmt;
use std::str::FromStr;

/// EtherType of IPv4.
pub const IPV4: u16 = 0x0800;
/// EtherType of ARP.
pub const ARP: u16 = 0x0806;
/// EtherType of IPv6.
pub const IPV6: u16 = 0x86dd;
/// Tag protocol of a customer VLAN tag, IEEE 802.1Q.
pub const VLAN: u16 = 0x8100;
/// Tag protocol of a service VLAN tag, IEEE 802.1ad.
pub const SERVICE_VLAN: u16 = 0x88a8;
/// Service tags once went under this number, before 802.1ad.
pub const OLD_SERVICE_VLAN: u16 = 0x9100;
/// The largest value of the type field that is a length, IEEE 802.3 clause 3.2.6.
pub const MAX_LENGTH: u16 = 1500;
/// LLC header (DSAP, SSAP, control) and SNAP organisation code zero, RFC 1042.
pub const LLC_SNAP: [u8; 6] = [0xaa, 0xaa, 0x03, 0x00, 0x00, 0x00];
/// Bytes of destination, source and type.
pub const HEADER_BYTES: usize = 14;

/// Whether a VLAN tag begins where a frame says this instead of an EtherType.
#[inline]
pub fn is_vlan_tag(ether_type: u16) -> bool {
    matches!(ether_type, VLAN | SERVICE_VLAN | OLD_SERVICE_VLAN)
}

/// A 48-bit hardware address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// The address of all stations.
    pub const BROADCAST: MacAddress = MacAddress([0xff; 6]);
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for MacAddress {
    type Err = MacAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().filter(|part| part.len() == 2);
            *byte = part
                .and_then(|part| u8::from_str_radix(part, 16).ok())
                .ok_or_else(|| MacAddressError(text.to_owned()))?;
        }
        parts.next().map_or(Ok(MacAddress(bytes)), |_| {
            Err(MacAddressError(text.to_owned()))
        })
    }
}

/// Text that is no hardware address.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is no hardware address (02:00:00:00:00:01)")]
pub struct MacAddressError(String);

/// How the frame says what it carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// By an EtherType.
    #[default]
    EthernetII,
    /// By a length, an LLC header and a SNAP header, RFC 1042, where 802.3 has a length for it: up to 1492 bytes. What is
    /// longer, such as a full packet of an Ethernet II host, says its EtherType.
    LlcSnap,
}

impl Framing {
    /// Appends what says that `length` bytes of `ether_type` follow.
    pub(crate) fn emit(self, ether_type: u16, length: usize, out: &mut Vec<u8>) {
        if self == Framing::LlcSnap
            && let Ok(said @ ..=MAX_LENGTH) = u16::try_from(length + LLC_SNAP.len() + 2)
        {
            out.extend_from_slice(&said.to_be_bytes());
            out.extend_from_slice(&LLC_SNAP);
        }
        out.extend_from_slice(&ether_type.to_be_bytes());
    }
}

/// The link header of a frame to be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Sender.
    pub source: MacAddress,
    /// Receiver.
    pub destination: MacAddress,
    /// VLAN tag control information, when the frame is tagged.
    pub vlan: Option<u16>,
    /// How the frame says what it carries.
    pub framing: Framing,
}

impl Link {
    /// Appends the header of a frame that carries `length` bytes of `ether_type`.
    pub fn emit(&self, ether_type: u16, length: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.destination.0);
        out.extend_from_slice(&self.source.0);
        if let Some(tag) = self.vlan {
            out.extend_from_slice(&VLAN.to_be_bytes());
            out.extend_from_slice(&tag.to_be_bytes());
        }
        self.framing.emit(ether_type, length, out);
    }
}
