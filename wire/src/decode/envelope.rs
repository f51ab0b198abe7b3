//! Envelopes: packets within packets, and link headers that hold another link type.
//!
//! [`Layers::open`] takes one envelope off at a time; who wants the innermost packet repeats it, at most
//! [`MAX_ENVELOPES`] times. Ports and protocol numbers alone open nothing that does not look like what they promise.
//!
//! Sources: RFC 2784 and 2890 (GRE), RFC 2637 (GRE of PPTP), RFC 7348 (VXLAN), RFC 8926 (Geneve), RFC 2003 (IP in IP),
//! RFC 4213 (6in4), RFC 4380 (Teredo), RFC 3032 and 4385 (MPLS), RFC 2516 (PPPoE), draft-foschiano-erspan, 3GPP TS
//! 29.281 (GTP-U), RFC 2661 (L2TP), draft-ietf-nvo3-vxlan-gpe, draft-smith-vxlan-group-policy, IEEE 802.1ah (MAC in MAC),
//! 802.1BR and 802.1Qbh (port extenders), IEC 62439-3 (HSR), RFC 6325 (TRILL), Cisco's and Marvell's tags as Wireshark and
//! tcpdump read them, IEEE 802.11, pf's `if_pflog.h`, <https://www.tcpdump.org/linktypes.html>.
//!
//! Not opened: IPsec, L2TP version 3, LISP, encrypted 802.11, aggregated 802.11 frames.

use super::report::StopReason;
use super::{Layer, Layers, LinkType, Transport};
use crate::ethernet;

/// More envelopes around one packet than this are an attempt to tire the reader.
pub const MAX_ENVELOPES: usize = 8;

const MPLS: [u16; 2] = [0x8847, 0x8848];
const PPPOE_SESSION: u16 = 0x8864;
const MAC_IN_MAC: u16 = 0x88e7;
/// What switches put before the EtherType for each other, and how many bytes it has: VN-Tag, E-Tag, Cisco MetaData, a time
/// stamp, HSR, Marvell's DSA.
const SWITCH_TAGS: [(u16, usize); 6] = [
    (0x8926, 4),
    (0x893f, 6),
    (0x8909, 6),
    (0x8988, 6),
    (0x892f, 4),
    (DSA, 6),
];
const DSA: u16 = 0xdadb;
/// What they put before a whole frame: FabricPath, TRILL without options.
const SWITCH_HEADERS: [(u16, usize); 2] = [(0x8903, 2), (0x22f3, 6)];
const GRE_ETHERNET: u16 = 0x6558;
const GRE_PPP: u16 = 0x880b;
const ERSPAN: u16 = 0x88be;
const ERSPAN_III: u16 = 0x22eb;

/// What is wrapped around a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Envelope {
    /// Labels of MPLS.
    Mpls,
    /// PPP over Ethernet.
    Pppoe,
    /// A customer's frame in a provider's.
    MacInMac,
    /// What switches say to each other before what they pass on.
    SwitchTag,
    /// PPP, Cisco HDLC.
    Serial,
    /// IEEE 802.11.
    Wireless,
    /// Per-packet information of a capture.
    Ppi,
    /// What a packet filter says of a packet that it logs.
    FilterLog,
    /// IPv4 or IPv6 in either.
    IpInIp,
    /// GRE.
    Gre,
    /// A mirrored frame in GRE.
    Erspan,
    /// VXLAN.
    Vxlan,
    /// Geneve.
    Geneve,
    /// A mirrored frame in UDP.
    Tzsp,
    /// IPv6 in UDP.
    Teredo,
    /// A subscriber's packet in a mobile network.
    Gtp,
    /// PPP in UDP.
    L2tp,
}

impl Envelope {
    /// Its name in counters.
    pub fn name(self) -> &'static str {
        match self {
            Envelope::Mpls => "MPLS",
            Envelope::Pppoe => "PPPoE",
            Envelope::MacInMac => "MAC in MAC",
            Envelope::SwitchTag => "a switch's tag",
            Envelope::Serial => "PPP or HDLC",
            Envelope::Wireless => "802.11",
            Envelope::Ppi => "PPI",
            Envelope::FilterLog => "a packet filter's log",
            Envelope::IpInIp => "IP in IP",
            Envelope::Gre => "GRE",
            Envelope::Erspan => "ERSPAN",
            Envelope::Vxlan => "VXLAN",
            Envelope::Geneve => "Geneve",
            Envelope::Tzsp => "TZSP",
            Envelope::Teredo => "Teredo",
            Envelope::Gtp => "GTP",
            Envelope::L2tp => "L2TP",
        }
    }
}

/// What an envelope holds, by what says what it is.
enum Content<'a> {
    /// A frame of that link type.
    Frame(LinkType, &'a [u8]),
    /// What stands behind that EtherType.
    Typed(u16, &'a [u8]),
}

/// What was in an envelope.
#[derive(Clone, Copy, Debug)]
pub struct Opened<'a> {
    /// What it was wrapped in.
    pub envelope: Envelope,
    /// What was read of it.
    pub layers: Layers<'a>,
    /// What it was read from: to be handed to [`Layers::open`] for the next envelope.
    pub frame: &'a [u8],
    /// What that begins with; of no meaning where it begins behind an EtherType.
    pub link_type: LinkType,
    /// Bytes of it that were not captured.
    pub missing: usize,
}

impl<'a> Layers<'a> {
    /// Whether there may be an envelope to open; most frames are done with at this question.
    #[inline]
    pub fn may_be_wrapped(&self) -> bool {
        match &self.transport {
            Transport::Tcp(_) | Transport::Icmp(_) | Transport::Icmpv6(_) | Transport::Fragment => {
                false
            }
            Transport::Udp(udp) => {
                matches!(
                    udp.destination,
                    1701 | 2152 | 3544 | 4789 | 4790 | 6081 | 6635 | 8472 | 37008
                ) || udp.source == 3544
            }
            Transport::Other(_) | Transport::None => true,
        }
    }

    /// Whether a datagram to the port of a tunnel looks as if something were in it, whether or not it can be opened. Clients
    /// use such ports as well.
    pub fn seems_wrapped(&self) -> bool {
        let Transport::Udp(udp) = &self.transport else {
            return false;
        };
        match (udp.destination, self.payload) {
            (4789 | 8472, [flags, ..]) => matches!(flags, 0x08 | 0x0c | 0x48 | 0x88),
            (4790, [flags, ..]) => flags & 0x3c == 0x0c,
            // Data, of version 2 or 3.
            (1701, [flags, version, ..]) => flags & 0x80 == 0 && matches!(version & 15, 2 | 3),
            (6081, [first, _, a, b, _, _, _, 0, ..]) => {
                let known = [GRE_ETHERNET, ethernet::IPV4, ethernet::IPV6];
                first >> 6 == 0 && known.contains(&u16::from_be_bytes([*a, *b]))
            }
            (37008, [1, kind, ..]) => *kind <= 1,
            (2152, [first, 0xff, ..]) => first >> 4 == 3,
            (6635, [_, _, _, _, _, ..]) => true,
            _ => false,
        }
    }

    /// Takes one envelope off: what was wrapped, and in what. `frame` is what these layers were read from, of which
    /// `missing` bytes were not captured.
    pub fn open(&self, link_type: LinkType, frame: &'a [u8], missing: usize) -> Option<Opened<'a>> {
        let wrapped = match self.transport {
            Transport::Udp(udp) => in_udp(udp.source, udp.destination, self.payload),
            Transport::Other(protocol) => in_ip(protocol, self.payload),
            Transport::None => self.in_frame(link_type, frame),
            _ => None,
        };
        let (envelope, content) = wrapped?;
        let missing = match self.transport {
            Transport::None => missing,
            _ => self.payload_length.saturating_sub(self.payload.len()),
        };
        let (layers, link_type, frame) = read(content, missing);
        Some(Opened {
            envelope,
            layers,
            frame,
            link_type,
            missing,
        })
    }

    fn in_frame(&self, link_type: LinkType, frame: &'a [u8]) -> Option<(Envelope, Content<'a>)> {
        if link_type.is_opened() {
            return in_link(link_type, frame);
        }
        let stop = self.stop?;
        match stop.reason {
            StopReason::UnknownType(number) if stop.layer == Layer::Link => {
                let rest = frame.get(stop.offset..)?;
                match u16::try_from(number).ok()? {
                    PPPOE_SESSION => {
                        let &[0x11, 0, _, _, _, _, ref rest @ ..] = rest else {
                            return None;
                        };
                        Some((Envelope::Pppoe, ppp(rest)?))
                    }
                    // Priority and service identifier, and then the customer's frame.
                    MAC_IN_MAC => {
                        let frame = Content::Frame(LinkType::ETHERNET, rest.get(4..)?);
                        Some((Envelope::MacInMac, frame))
                    }
                    number if MPLS.contains(&number) => Some((Envelope::Mpls, mpls(rest)?)),
                    number => Some((Envelope::SwitchTag, switch_tag(number, rest)?)),
                }
            }
            _ => None,
        }
    }
}

/// What stands behind a tag by which switches speak to each other.
fn switch_tag(number: u16, rest: &[u8]) -> Option<Content<'_>> {
    if let Some((_, bytes)) = SWITCH_HEADERS.iter().find(|(tag, _)| *tag == number) {
        return Some(Content::Frame(LinkType::ETHERNET, rest.get(*bytes..)?));
    }
    let (_, bytes) = SWITCH_TAGS.iter().find(|(tag, _)| *tag == number)?;
    match rest.get(*bytes..)? {
        &[a, b, ref above @ ..] if is_usual(u16::from_be_bytes([a, b])) => {
            Some(Content::Typed(u16::from_be_bytes([a, b]), above))
        }
        _ => None,
    }
}

/// Whether an EtherType is one that stations send.
fn is_usual(ether_type: u16) -> bool {
    matches!(ether_type, ethernet::IPV4 | ethernet::IPV6 | ethernet::ARP)
        || ethernet::is_vlan_tag(ether_type)
}

/// Whether such content is a frame or a packet of its own is known only now.
fn read(content: Content<'_>, missing: usize) -> (Layers<'_>, LinkType, &[u8]) {
    match content {
        Content::Frame(link_type, bytes) => {
            let layers = Layers::decode_cut(link_type, bytes, bytes.len() + missing);
            (layers, link_type, bytes)
        }
        Content::Typed(ether_type, bytes) => {
            let layers = Layers::decode_typed(ether_type, bytes, missing);
            (layers, LinkType::ETHERNET, bytes)
        }
    }
}

/// A packet that starts with its network header, if it looks like one.
fn ip(bytes: &[u8]) -> Option<Content<'_>> {
    match bytes.first()? >> 4 {
        4 => Some(Content::Typed(ethernet::IPV4, bytes)),
        6 => Some(Content::Typed(ethernet::IPV6, bytes)),
        _ => None,
    }
}

fn in_ip(protocol: u8, payload: &[u8]) -> Option<(Envelope, Content<'_>)> {
    match protocol {
        4 | 41 => Some((Envelope::IpInIp, ip(payload)?)),
        47 => gre(payload),
        137 => Some((Envelope::Mpls, mpls(payload)?)),
        _ => None,
    }
}

fn gre(bytes: &[u8]) -> Option<(Envelope, Content<'_>)> {
    let &[high, low, a, b, ref rest @ ..] = bytes else {
        return None;
    };
    let (flags, protocol) = (u16::from_be_bytes([high, low]), u16::from_be_bytes([a, b]));
    let has = |bit: u16| usize::from(flags & bit != 0) * 4;
    let version = low & 7;
    let options = match version {
        // Routing, which nobody uses, has a length of its own.
        0 if flags & 0x4000 == 0 => has(0x8000) + has(0x2000) + has(0x1000),
        1 if protocol == GRE_PPP => has(0x2000) + has(0x1000) + has(0x0080),
        _ => return None,
    };
    let rest = rest.get(options..)?;
    match protocol {
        ethernet::IPV4 | ethernet::IPV6 => Some((Envelope::Gre, Content::Typed(protocol, rest))),
        GRE_ETHERNET => Some((Envelope::Gre, Content::Frame(LinkType::ETHERNET, rest))),
        GRE_PPP => Some((Envelope::Gre, ppp(rest)?)),
        ERSPAN => {
            // Type I has neither sequence number nor header.
            let header = if flags & 0x1000 == 0 { 0 } else { 8 };
            let frame = rest.get(header..)?;
            Some((Envelope::Erspan, Content::Frame(LinkType::ETHERNET, frame)))
        }
        ERSPAN_III => {
            let more = usize::from(rest.get(11)? & 1) * 8;
            let frame = rest.get(12 + more..)?;
            Some((Envelope::Erspan, Content::Frame(LinkType::ETHERNET, frame)))
        }
        number if MPLS.contains(&number) => Some((Envelope::Mpls, mpls(rest)?)),
        _ => None,
    }
}

fn mpls(mut bytes: &[u8]) -> Option<Content<'_>> {
    loop {
        let &[_, _, bottom, _, ref rest @ ..] = bytes else {
            return None;
        };
        bytes = rest;
        if bottom & 1 != 0 {
            break;
        }
    }
    match bytes.first()? >> 4 {
        // A control word, and an Ethernet frame behind it.
        0 => Some(Content::Frame(LinkType::ETHERNET, bytes.get(4..)?)),
        4 | 6 => ip(bytes),
        _ => Some(Content::Frame(LinkType::ETHERNET, bytes)),
    }
}

fn ppp(bytes: &[u8]) -> Option<Content<'_>> {
    let bytes = bytes.strip_prefix(&[0xff, 0x03]).unwrap_or(bytes);
    let (protocol, rest) = match *bytes {
        [one, ref rest @ ..] if one & 1 != 0 => (u16::from(one), rest),
        [high, low, ref rest @ ..] => (u16::from_be_bytes([high, low]), rest),
        _ => return None,
    };
    match protocol {
        0x0021 => Some(Content::Typed(ethernet::IPV4, rest)),
        0x0057 => Some(Content::Typed(ethernet::IPV6, rest)),
        0x0281 => mpls(rest),
        _ => None,
    }
}

fn in_link(link_type: LinkType, frame: &[u8]) -> Option<(Envelope, Content<'_>)> {
    match link_type {
        LinkType::PPP | LinkType::PPP_HDLC => Some((Envelope::Serial, ppp(frame)?)),
        LinkType::PPP_PPPD => Some((Envelope::Serial, ppp(frame.get(1..)?)?)),
        LinkType::C_HDLC => match *frame {
            [_, _, a, b, ref rest @ ..] => {
                let content = Content::Typed(u16::from_be_bytes([a, b]), rest);
                Some((Envelope::Serial, content))
            }
            _ => None,
        },
        LinkType::PPI => match *frame {
            [_, _, a, b, c, d, e, f, ..] => {
                let inner = LinkType(u32::from_le_bytes([c, d, e, f]));
                let rest = frame.get(usize::from(u16::from_le_bytes([a, b])).max(8)..)?;
                Some((Envelope::Ppi, link_content(inner, rest)?))
            }
            _ => None,
        },
        LinkType::RADIOTAP => match *frame {
            [_, _, a, b, ..] => {
                let rest = frame.get(usize::from(u16::from_le_bytes([a, b])).max(8)..)?;
                Some((Envelope::Wireless, wireless(rest)?))
            }
            _ => None,
        },
        LinkType::IEEE802_11 => Some((Envelope::Wireless, wireless(frame)?)),
        LinkType::PFLOG => match *frame {
            // Its length, without what fills it up to words of four bytes.
            [length, _, ..] => {
                let header = usize::from(length).next_multiple_of(4);
                Some((Envelope::FilterLog, ip(frame.get(header..)?)?))
            }
            _ => None,
        },
        LinkType::NFLOG => Some((Envelope::FilterLog, ip(nflog(frame.get(4..)?)?)?)),
        _ => None,
    }
}

/// The packet among the fields of a record of Linux's packet filter: length, kind, value, filled up to words.
fn nflog(mut fields: &[u8]) -> Option<&[u8]> {
    const HEADER: usize = 4;
    const PAYLOAD: u16 = 9;
    loop {
        let &[a, b, c, d, ..] = fields else {
            return None;
        };
        let length = usize::from(u16::from_le_bytes([a, b])).max(HEADER);
        if u16::from_le_bytes([c, d]) == PAYLOAD {
            // Cut, it is shorter than it says.
            return fields.get(HEADER..length.min(fields.len()));
        }
        fields = fields.get(length.next_multiple_of(4)..)?;
    }
}

/// Whether it is a data frame of IEEE 802.11 that is encrypted.
pub(super) fn is_encrypted(link_type: LinkType, frame: &[u8]) -> bool {
    let header = match (link_type, frame) {
        (LinkType::IEEE802_11, frame) => Some(frame),
        (LinkType::RADIOTAP, [_, _, a, b, ..]) => {
            frame.get(usize::from(u16::from_le_bytes([*a, *b])).max(8)..)
        }
        _ => None,
    };
    matches!(header, Some([kind, flags, ..]) if kind & 0x4f == 0x08 && flags & 0x40 != 0)
}

fn link_content(link_type: LinkType, bytes: &[u8]) -> Option<Content<'_>> {
    if link_type == LinkType::PPI {
        return None;
    }
    if link_type.is_opened() {
        return in_link(link_type, bytes).map(|(_, content)| content);
    }
    Some(Content::Frame(link_type, bytes))
}

/// Data frames that are not encrypted.
fn wireless(bytes: &[u8]) -> Option<Content<'_>> {
    const BASE: usize = 24;
    let &[kind, flags, ..] = bytes else {
        return None;
    };
    let (is_data, without_data, qos) = (kind & 0x0c == 0x08, kind & 0x40 != 0, kind & 0x80 != 0);
    if !is_data || without_data || kind & 3 != 0 || flags & 0x40 != 0 {
        return None;
    }
    let fourth = if flags & 3 == 3 { 6 } else { 0 };
    let quality = if qos { 2 } else { 0 };
    let control = if qos && flags & 0x80 != 0 { 4 } else { 0 };
    match *bytes.get(BASE + fourth + quality + control..)? {
        [0xaa, 0xaa, 3, 0, 0, 0, a, b, ref rest @ ..] => {
            Some(Content::Typed(u16::from_be_bytes([a, b]), rest))
        }
        _ => None,
    }
}

fn in_udp(from: u16, to: u16, payload: &[u8]) -> Option<(Envelope, Content<'_>)> {
    match (to, payload) {
        (4789 | 8472, payload) => Some((Envelope::Vxlan, vxlan(payload)?)),
        // Version 0, with the next protocol.
        (4790, [first, _, _, next, _, _, _, 0, rest @ ..]) if first & 0x3c == 0x0c => {
            let content = match next {
                1 => Content::Typed(ethernet::IPV4, rest),
                2 => Content::Typed(ethernet::IPV6, rest),
                3 => Content::Frame(LinkType::ETHERNET, rest),
                5 => mpls(rest)?,
                _ => return None,
            };
            Some((Envelope::Vxlan, content))
        }
        (1701, payload) => Some((Envelope::L2tp, l2tp(payload)?)),
        (6081, [first, _, a, b, _, _, _, 0, rest @ ..]) if first >> 6 == 0 => {
            let rest = rest.get(usize::from(first & 0x3f) * 4..)?;
            match u16::from_be_bytes([*a, *b]) {
                GRE_ETHERNET => Some((Envelope::Geneve, Content::Frame(LinkType::ETHERNET, rest))),
                other @ (ethernet::IPV4 | ethernet::IPV6) => {
                    Some((Envelope::Geneve, Content::Typed(other, rest)))
                }
                _ => None,
            }
        }
        // Version 1, a received packet, Ethernet; then fields until the end field.
        (37008, [1, 0, 0, 1, fields @ ..]) => {
            let frame = tzsp_frame(fields)?;
            Some((Envelope::Tzsp, Content::Frame(LinkType::ETHERNET, frame)))
        }
        (6635, _) => Some((Envelope::Mpls, mpls(payload)?)),
        (2152, &[first, 0xff, _, _, _, _, _, _, ref rest @ ..]) if first >> 4 == 3 => {
            let rest = if first & 7 == 0 { rest } else { rest.get(4..)? };
            Some((Envelope::Gtp, ip(rest)?))
        }
        _ if from == 3544 || to == 3544 => teredo(payload),
        _ => None,
    }
}

/// A frame in VXLAN. Of what else is in its header nothing need be known: some fill it with a group or the next protocol.
fn vxlan(payload: &[u8]) -> Option<Content<'_>> {
    const IDENTIFIED: u8 = 0x08;
    let (header, frame) = payload.split_first_chunk::<8>()?;
    let plain = matches!(header, [IDENTIFIED, _, _, _, _, _, _, 0]);
    let likely = matches!(frame, &[_, _, _, _, _, _, _, _, _, _, _, _, a, b, ..] if is_usual(u16::from_be_bytes([a, b])));
    let open = header.first().is_some_and(|flags| flags & IDENTIFIED != 0) && (plain || likely);
    open.then_some(Content::Frame(LinkType::ETHERNET, frame))
}

/// A data message of L2TP version 2.
fn l2tp(bytes: &[u8]) -> Option<Content<'_>> {
    let &[flags, version, ref rest @ ..] = bytes else {
        return None;
    };
    let has = |bit: u8| usize::from(flags & bit != 0);
    if version & 0x0f != 2 || flags & 0x80 != 0 {
        return None;
    }
    // Length; tunnel and session; numbers of sequence; an offset.
    let at = 2 * has(0x40) + 4 + 4 * has(0x08);
    let offset = match rest.get(at..)? {
        &[a, b, ..] if has(0x02) == 1 => 2 + usize::from(u16::from_be_bytes([a, b])),
        _ => 0,
    };
    ppp(rest.get(at + offset..)?)
}

fn tzsp_frame(mut fields: &[u8]) -> Option<&[u8]> {
    loop {
        match fields {
            [0, rest @ ..] => fields = rest,
            [1, rest @ ..] => return Some(rest),
            [_, length, rest @ ..] => fields = rest.get(usize::from(*length)..)?,
            _ => return None,
        }
    }
}

fn teredo(mut payload: &[u8]) -> Option<(Envelope, Content<'_>)> {
    if let [0, 1, identifier, authentication, rest @ ..] = payload {
        let length = usize::from(*identifier) + usize::from(*authentication) + 9;
        payload = rest.get(length..)?;
    }
    if let [0, 0, rest @ ..] = payload {
        payload = rest.get(6..)?;
    }
    (payload.first()? >> 4 == 6 && payload.len() >= crate::ipv6::HEADER_BYTES)
        .then_some((Envelope::Teredo, Content::Typed(ethernet::IPV6, payload)))
}
