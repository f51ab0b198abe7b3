//! What a frame would say to those who hear it: all addresses in it, wherever they stand, and whether it speaks to
//! kernels and switches rather than to programs.
//!
//! It reads as much as a kernel could take for something, and so more than `wire` decodes: options, extension headers,
//! tunnels in tunnels. What it cannot read may hold any address, and is said to.

mod ip;
mod link;
mod message;
mod tunnel;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use super::address::belongs;

/// Packets within packets are followed that far.
const MOST_NESTED: u8 = 8;

/// Frames by which networks are run: a kernel or switch that hears one may change its routes, addresses or ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Control {
    /// ICMP and ICMPv6 router advertisements, RFC 1256 and RFC 4861.
    RouterAdvertisement,
    /// ICMP and ICMPv6 redirects, RFC 792 and RFC 4861.
    Redirect,
    /// What DHCP servers and relays say to clients, RFC 2131 and RFC 8415.
    DhcpAnswer,
    /// RIP, OSPF, EIGRP, PIM, VRRP, HSRP, IS-IS, Babel, OLSR, LDP.
    Routing,
    /// Spanning tree, IEEE 802.1D, also Cisco's.
    SpanningTree,
    /// LLDP, IEEE 802.1AB, and Cisco's discovery, trunking and VLAN protocols.
    Discovery,
    /// EAPOL, IEEE 802.1X.
    Authentication,
    /// Pause and priority pause, IEEE 802.3 annex 31.
    Pause,
    /// LACP and others of IEEE 802.3 annex 57.
    Bundling,
    /// PPPoE discovery, RFC 2516.
    Dialling,
    /// ARP for one's own address, RFC 5227: who hears it believes that the address is there.
    Announcement,
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Control::RouterAdvertisement => "router advertisement",
            Control::Redirect => "ICMP redirect",
            Control::DhcpAnswer => "DHCP server's answer",
            Control::Routing => "routing protocol",
            Control::SpanningTree => "spanning tree",
            Control::Discovery => "LLDP or Cisco's discovery",
            Control::Authentication => "EAPOL",
            Control::Pause => "pause frame",
            Control::Bundling => "LACP",
            Control::Dialling => "PPPoE discovery",
            Control::Announcement => "gratuitous ARP",
        })
    }
}

/// What was found in a frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    /// The first address that does not belong into a lab, and where it stands if not in the IP or ARP header.
    pub(super) foreign: Option<(IpAddr, &'static str)>,
    /// How it runs a network.
    pub(super) control: Option<Control>,
    /// Why not all of it could be read.
    pub(super) unreadable: Option<String>,
}

/// Reads an Ethernet frame.
#[inline]
pub(super) fn read(frame: &[u8]) -> Content {
    if let Some(addresses) = plain(frame) {
        let foreign = addresses
            .into_iter()
            .map(IpAddr::V4)
            .find(|address| !belongs(*address));
        return Content {
            foreign: foreign.map(|address| (address, "")),
            ..Content::default()
        };
    }
    read_all(frame)
}

/// The addresses of an untagged IPv4 packet without options, which stand at fixed places, if it carries TCP or a UDP
/// datagram between ports of nothing in particular. Most frames are such; to go through one takes longer than all else
/// that happens to it on the way to the kernel.
#[inline]
fn plain(frame: &[u8]) -> Option<[Ipv4Addr; 2]> {
    #[rustfmt::skip]
    let [0x08, 0x00, 0x45, _, _, _, _, _, offset @ .., protocol, _, _, a, b, c, d, e, f, g, h, from, from2, to, to2] =
        *frame.get(12..38)?.first_chunk::<26>()?
    else {
        return None;
    };
    let [high, low, _] = offset;
    let number = |high, low| u16::from_be_bytes([high, low]);
    match protocol {
        6 => {}
        17 if number(high, low) & 0x1fff == 0
            && !told_by_port(number(from, from2))
            && !told_by_port(number(to, to2)) => {}
        _ => return None,
    }
    Some([Ipv4Addr::new(a, b, c, d), Ipv4Addr::new(e, f, g, h)])
}

/// Whether a datagram from or to that port is looked into.
#[inline]
fn told_by_port(port: u16) -> bool {
    matches!(
        port,
        67 | 68
            | 520
            | 521
            | 546
            | 547
            | 646
            | 698
            | 1985
            | 2152
            | 3222
            | 3544
            | 4754
            | 4789
            | 6081
            | 6635
            | 6696
            | 8472
    )
}

fn read_all(frame: &[u8]) -> Content {
    let mut reader = Reader {
        found: Content::default(),
        place: "",
        depth: 0,
        quoted: false,
        to_group: false,
    };
    reader.frame(frame);
    reader.found
}

/// Goes through a frame.
struct Reader {
    found: Content,
    /// Where it is, for messages: empty in the frame's own headers.
    place: &'static str,
    depth: u8,
    /// Within what an ICMP error quotes: it may end anywhere, and runs nothing.
    quoted: bool,
    /// Whether the packet at hand is for a group of hosts.
    to_group: bool,
}

impl Reader {
    fn address(&mut self, address: impl Into<IpAddr>) {
        let address = address.into();
        if self.found.foreign.is_none() && !belongs(address) {
            self.found.foreign = Some((address, self.place));
        }
    }

    /// The address in those bytes, of either version.
    fn address_in(&mut self, bytes: Option<&[u8]>) {
        let Some(bytes) = bytes else { return };
        if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
            self.address(bytes);
        } else if let Ok(bytes) = <[u8; 16]>::try_from(bytes) {
            self.address(bytes);
        }
    }

    /// The addresses in those bytes, side by side.
    fn addresses_in(&mut self, bytes: Option<&[u8]>, size: usize) {
        for address in bytes.unwrap_or_default().chunks_exact(size) {
            self.address_in(Some(address));
        }
    }

    fn control(&mut self, control: Control) {
        if !self.quoted {
            self.found.control.get_or_insert(control);
        }
    }

    fn unreadable(&mut self, what: impl Into<String>) {
        if !self.quoted {
            self.found.unreadable.get_or_insert_with(|| what.into());
        }
    }

    /// Reads on elsewhere, and comes back.
    fn within(&mut self, place: &'static str, read: impl FnOnce(&mut Reader)) {
        if self.depth >= MOST_NESTED {
            return self.unreadable("packets within packets, nine deep");
        }
        let before = std::mem::replace(&mut self.place, place);
        self.depth += 1;
        read(self);
        self.depth -= 1;
        self.place = before;
    }
}

/// A word of two bytes.
fn word(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(pair.try_into().ok()?))
}

#[cfg(test)]
mod tests;
