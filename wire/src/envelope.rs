//! What a sensor's network puts around packets: tags, sessions, tunnels of mirrored traffic, other link layers.
//!
//! Sources: IEEE 802.1Q and 802.1ad (tags), RFC 2516 (PPPoE), RFC 3032 (MPLS), RFC 2784 (GRE), RFC 2003 (IP in IP), RFC
//! 7348 (VXLAN), RFC 8926 (Geneve), draft-foschiano-erspan (ERSPAN), libpcap's pages on LINKTYPE_LINUX_SLL and SLL2.

use std::net::{IpAddr, Ipv4Addr};

use crate::arp::{self, ArpMessage};
use crate::decode::LinkType;
use crate::ethernet::{self, Framing, Link, MacAddress};
use crate::ipv4::Ipv4;
use crate::packet::{Ip, PROTOCOL_UDP, Packet};

/// EtherType of PPPoE session frames.
const PPPOE_SESSION: u16 = 0x8864;
/// EtherType of MPLS.
const MPLS: u16 = 0x8847;
/// Protocol number of GRE.
const PROTOCOL_GRE: u8 = 47;
/// GRE's protocol of whole Ethernet frames.
const TRANSPARENT_ETHERNET: u16 = 0x6558;
/// GRE's protocol of ERSPAN types I and II.
const ERSPAN: u16 = 0x88be;
/// GRE's protocol of ERSPAN type III.
const ERSPAN_III: u16 = 0x22eb;
/// Port of VXLAN.
const VXLAN_PORT: u16 = 4789;
/// Port of Geneve.
const GENEVE_PORT: u16 = 6081;
/// Bytes of an Ethernet frame without its check sequence below which it is padded, IEEE 802.3 clause 3.2.8.
const LEAST_FRAME: usize = 60;

/// What a frame carries.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// An IP packet.
    Packet(&'a Packet),
    /// An ARP message.
    Arp(&'a ArpMessage),
}

/// How frames reach a capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Medium {
    /// As Ethernet frames.
    #[default]
    Ethernet,
    /// With the cooked header of Linux's `any` interface.
    Cooked,
    /// With its second version.
    Cooked2,
    /// As IP packets; what is none, such as ARP, is not seen.
    Raw,
}

/// A tunnel in which a sensor receives what it watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TunnelKind {
    /// IP packets in GRE.
    Gre,
    /// Ethernet frames in GRE.
    GreEthernet,
    /// IPv4 in IPv4, or IPv6 in IPv4.
    IpIp,
    /// VXLAN with that network identifier.
    Vxlan(u32),
    /// Geneve with that network identifier.
    Geneve(u32),
    /// ERSPAN type I.
    Erspan1,
    /// ERSPAN type II with that session.
    Erspan2(u16),
    /// ERSPAN type III with that session.
    Erspan3(u16),
}

/// A tunnel and its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// What kind.
    pub kind: TunnelKind,
    /// Where it begins.
    pub from: (Ipv4Addr, MacAddress),
    /// Where it ends.
    pub to: (Ipv4Addr, MacAddress),
}

/// What stands around the packets of a network, as a sensor records it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// How frames reach the capture.
    pub medium: Medium,
    /// How frames say what they carry.
    pub framing: Framing,
    /// Tags, the outermost first: tag protocol and control information.
    pub tags: Vec<(u16, u16)>,
    /// The PPPoE session that packets belong to.
    pub session: Option<u16>,
    /// The MPLS label that packets carry.
    pub label: Option<u32>,
    /// The tunnel in which all of it comes.
    pub tunnel: Option<Tunnel>,
    /// Whether frames are padded to 60 bytes, as a receiving network card shows them.
    pub padded: bool,
}

impl Envelope {
    /// Whether frames are plain Ethernet, perhaps with one tag: [`Packet::emit_frame`] makes those at once.
    pub fn plain(&self, source: MacAddress, destination: MacAddress) -> Option<Link> {
        let vlan = match self.tags.as_slice() {
            [] => None,
            [(ethernet::VLAN, tag)] => Some(*tag),
            _ => return None,
        };
        let bare = self.medium == Medium::Ethernet
            && self.session.is_none()
            && self.label.is_none()
            && self.tunnel.is_none();
        bare.then_some(Link {
            source,
            destination,
            vlan,
            framing: self.framing,
        })
    }

    /// Whether it shows what is no IP packet, such as ARP.
    pub fn shows_arp(&self) -> bool {
        let bare = |tunnel: Tunnel| matches!(tunnel.kind, TunnelKind::Gre | TunnelKind::IpIp);
        self.medium != Medium::Raw && !self.tunnel.is_some_and(bare)
    }

    /// The link type of captures.
    pub fn link_type(&self) -> LinkType {
        match self.medium {
            Medium::Ethernet => LinkType::ETHERNET,
            Medium::Cooked => LinkType::LINUX_SLL,
            Medium::Cooked2 => LinkType::LINUX_SLL2,
            Medium::Raw => LinkType::RAW,
        }
    }

    /// Appends the frame between two stations; `number` counts frames, for tunnels that do. False where the medium cannot
    /// show it.
    pub fn emit(
        &self,
        (source, destination): (MacAddress, MacAddress),
        content: Content<'_>,
        number: u32,
        out: &mut Vec<u8>,
    ) -> bool {
        match self.medium {
            Medium::Ethernet => self.emit_ethernet((source, destination), content, number, out),
            Medium::Cooked => cooked(source, destination, content, out),
            Medium::Cooked2 => cooked2(source, destination, content, out),
            Medium::Raw => match content {
                Content::Packet(packet) => packet.emit(out),
                Content::Arp(_) => return false,
            },
        }
        true
    }

    fn emit_ethernet(
        &self,
        macs: (MacAddress, MacAddress),
        content: Content<'_>,
        number: u32,
        out: &mut Vec<u8>,
    ) {
        let Some(tunnel) = &self.tunnel else {
            return self.emit_frame(macs, content, out);
        };
        let mut inner = Vec::with_capacity(1600);
        match (tunnel.kind, content) {
            (TunnelKind::Gre | TunnelKind::IpIp, Content::Packet(packet)) => {
                packet.emit(&mut inner)
            }
            _ => self.emit_frame(macs, content, &mut inner),
        }
        let start = out.len();
        tunnel.emit(content, &inner, number, out);
        if self.padded {
            pad(start, out);
        }
    }

    /// The frame itself, with its tags.
    fn emit_frame(
        &self,
        (source, destination): (MacAddress, MacAddress),
        content: Content<'_>,
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        out.extend_from_slice(&destination.0);
        out.extend_from_slice(&source.0);
        for (protocol, tag) in &self.tags {
            out.extend_from_slice(&protocol.to_be_bytes());
            out.extend_from_slice(&tag.to_be_bytes());
        }
        let ether_type = ether_type(content);
        let mut above = Vec::new();
        let shown = match (content, self.session, self.label) {
            (Content::Packet(packet), Some(session), _) => {
                pppoe(packet, session, &mut above);
                PPPOE_SESSION
            }
            (Content::Packet(_), None, Some(label)) => {
                // Bottom of stack, time to live 64.
                above.extend_from_slice(&((label & 0xf_ffff) << 12 | 1 << 8 | 64).to_be_bytes());
                MPLS
            }
            _ => ether_type,
        };
        self.framing.emit(shown, above.len() + length(content), out);
        out.extend_from_slice(&above);
        emit_content(content, out);
        if self.padded || self.tunnel.is_some() {
            pad(start, out);
        }
    }
}

impl Tunnel {
    /// Appends a frame of the tunnel around what it carries.
    fn emit(&self, content: Content<'_>, inner: &[u8], number: u32, out: &mut Vec<u8>) {
        let mut header: Vec<u8> = Vec::with_capacity(24);
        let protocol = self.header(content, inner, number, &mut header);
        let ip = Ipv4 {
            ttl: 255,
            ..Ipv4::new(self.from.0, self.to.0)
        };
        let total = header.len() + inner.len();
        let link = Link {
            source: self.from.1,
            destination: self.to.1,
            vlan: None,
            framing: Framing::EthernetII,
        };
        link.emit(ethernet::IPV4, ip.header_bytes() + total, out);
        ip.emit(protocol, total, out);
        out.extend_from_slice(&header);
        out.extend_from_slice(inner);
    }

    /// Appends what stands between the tunnel's IP header and what it carries; returns the IP protocol.
    fn header(&self, content: Content<'_>, inner: &[u8], number: u32, header: &mut Vec<u8>) -> u8 {
        let gre = |flags: u16, protocol: u16, header: &mut Vec<u8>| {
            header.extend_from_slice(&flags.to_be_bytes());
            header.extend_from_slice(&protocol.to_be_bytes());
            PROTOCOL_GRE
        };
        let erspan = |version: u16, session: u16, header: &mut Vec<u8>| {
            header.extend_from_slice(&number.to_be_bytes());
            header.extend_from_slice(&(version << 12).to_be_bytes());
            header.extend_from_slice(&(session & 0x3ff).to_be_bytes());
        };
        let identifier = |vni: u32| (vni << 8).to_be_bytes();
        match self.kind {
            TunnelKind::Gre => gre(0, ether_type(content), header),
            TunnelKind::GreEthernet => gre(0, TRANSPARENT_ETHERNET, header),
            TunnelKind::IpIp => match content {
                Content::Packet(packet) if matches!(packet.ip, Ip::V6(_)) => 41,
                _ => 4,
            },
            TunnelKind::Vxlan(vni) => {
                udp(VXLAN_PORT, 8 + inner.len(), inner, header);
                header.extend_from_slice(&[8, 0, 0, 0]);
                header.extend_from_slice(&identifier(vni));
                PROTOCOL_UDP
            }
            TunnelKind::Geneve(vni) => {
                udp(GENEVE_PORT, 8 + inner.len(), inner, header);
                header.extend_from_slice(&[0, 0]);
                header.extend_from_slice(&TRANSPARENT_ETHERNET.to_be_bytes());
                header.extend_from_slice(&identifier(vni));
                PROTOCOL_UDP
            }
            TunnelKind::Erspan1 => gre(0, ERSPAN, header),
            TunnelKind::Erspan2(session) => {
                let protocol = gre(0x1000, ERSPAN, header);
                erspan(1, session, header);
                header.extend_from_slice(&[0; 4]);
                protocol
            }
            TunnelKind::Erspan3(session) => {
                let protocol = gre(0x1000, ERSPAN_III, header);
                erspan(2, session, header);
                // Time stamp 0 of granularity "none of the above"; Ethernet frames.
                header.extend_from_slice(&[0; 8]);
                protocol
            }
        }
    }
}

/// A UDP header of a tunnel: the source port stands for the inner flow, as RFC 7348 section 5 asks; no checksum.
fn udp(port: u16, above: usize, inner: &[u8], header: &mut Vec<u8>) {
    // The inner addresses and ports, both ways alike, so that a flow keeps its port.
    let mixed = inner
        .get(26..38)
        .unwrap_or_default()
        .iter()
        .fold(0u16, |sum, byte| {
            sum.wrapping_add(u16::from(*byte).wrapping_mul(257))
        });
    header.extend_from_slice(&(49152 + mixed % 16384).to_be_bytes());
    header.extend_from_slice(&port.to_be_bytes());
    header.extend_from_slice(&u16::try_from(8 + above).unwrap_or(u16::MAX).to_be_bytes());
    header.extend_from_slice(&[0, 0]);
}

fn pppoe(packet: &Packet, session: u16, out: &mut Vec<u8>) {
    let protocol: u16 = if matches!(packet.ip, Ip::V4(_)) {
        0x0021
    } else {
        0x0057
    };
    let length = u16::try_from(packet.total_bytes() + 2).unwrap_or(u16::MAX);
    out.extend_from_slice(&[0x11, 0]);
    out.extend_from_slice(&session.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&protocol.to_be_bytes());
}

/// LINKTYPE_LINUX_SLL: packet type, hardware type, sender, protocol.
fn cooked(source: MacAddress, destination: MacAddress, content: Content<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0, packet_type(destination)]);
    out.extend_from_slice(&[0, 1, 0, 6]);
    out.extend_from_slice(&source.0);
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&ether_type(content).to_be_bytes());
    emit_content(content, out);
}

/// LINKTYPE_LINUX_SLL2: protocol, interface, hardware type, packet type, sender.
fn cooked2(source: MacAddress, destination: MacAddress, content: Content<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(&ether_type(content).to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&2u32.to_be_bytes());
    out.extend_from_slice(&[0, 1, packet_type(destination), 6]);
    out.extend_from_slice(&source.0);
    out.extend_from_slice(&[0, 0]);
    emit_content(content, out);
}

/// For whom a cooked frame was: 1 a broadcast, 2 a multicast, 0 this host.
fn packet_type(destination: MacAddress) -> u8 {
    match destination.0 {
        [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] => 1,
        [first, ..] if first & 1 != 0 => 2,
        _ => 0,
    }
}

fn ether_type(content: Content<'_>) -> u16 {
    match content {
        Content::Packet(packet) => match packet.ip {
            Ip::V4(_) => ethernet::IPV4,
            Ip::V6(_) => ethernet::IPV6,
        },
        Content::Arp(_) => ethernet::ARP,
    }
}

fn length(content: Content<'_>) -> usize {
    match content {
        Content::Packet(packet) => packet.total_bytes(),
        Content::Arp(_) => arp::BYTES,
    }
}

fn emit_content(content: Content<'_>, out: &mut Vec<u8>) {
    match content {
        Content::Packet(packet) => packet.emit(out),
        Content::Arp(message) => message.emit(out),
    }
}

/// Zeros up to the least length of an Ethernet frame that begins at `start`.
#[inline]
pub fn pad(start: usize, out: &mut Vec<u8>) {
    let least = start + LEAST_FRAME;
    if out.len() < least {
        out.resize(least, 0);
    }
}

/// The hardware address of an IP multicast group, RFC 1112 section 6.4 and RFC 2464 section 7; `None` for others.
pub fn group_mac(group: IpAddr) -> Option<MacAddress> {
    match group {
        IpAddr::V4(group) if group.is_multicast() => {
            let [_, b, c, d] = group.octets();
            Some(MacAddress([0x01, 0x00, 0x5e, b & 0x7f, c, d]))
        }
        IpAddr::V6(group) if group.is_multicast() => {
            let [.., a, b, c, d] = group.octets();
            Some(MacAddress([0x33, 0x33, a, b, c, d]))
        }
        _ => None,
    }
}
