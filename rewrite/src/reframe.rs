//! Records of other link types become Ethernet frames.
//!
//! Raw IP and BSD loopback name no hardware address, Linux cooked captures the sender's where it has one. The others are
//! locally administered (IEEE 802 clause 8.4), and the plan may replace them all. Header layouts:
//! <https://www.tcpdump.org/linktypes.html>.

use wire::capture::Record;
use wire::decode::loopback_ether_type;
use wire::ethernet::{HEADER_BYTES, IPV4, IPV6, MAX_LENGTH};
use wire::{LinkType, MacAddress};

use super::error::RewriteError;
use super::rewritten::{Refusal, Skip};

/// Sender where the record names none.
const SENDER: MacAddress = MacAddress([0x02, 0, 0, 0, 0, 1]);
/// Receiver, which none of these records names.
const RECEIVER: MacAddress = MacAddress([0x02, 0, 0, 0, 0, 2]);
/// Bytes of a loopback header, which is an address family.
const LOOPBACK_BYTES: usize = 4;
/// Bytes of a Linux cooked header, and of its second version.
const SLL_BYTES: usize = 16;
const SLL2_BYTES: usize = 20;
/// What stands for an EtherType in a cooked header before an LLC header.
const SLL_LLC: u16 = 4;
/// ARPHRD types whose cooked header names no EtherType: FRAD, GRE, 802.11 with radiotap, netlink.
const WITHOUT_ETHER_TYPE: [u16; 4] = [770, 778, 803, 824];

/// What a link header of another type says.
struct Header {
    bytes: usize,
    ether_type: u16,
    sender: Option<MacAddress>,
}

/// Puts a record into `frame` as an Ethernet frame; returns its length on the wire.
pub(super) fn reframe(record: &Record<'_>, frame: &mut Vec<u8>) -> Result<usize, Refusal> {
    let header = read(record.link_type, record.bytes)?;
    let packet = record.bytes.get(header.bytes..).unwrap_or_default();
    let on_wire = record.original_length.max(record.bytes.len()) - header.bytes;
    let ether_type = match header.ether_type {
        // The 802.3 length stands in the place of a type.
        SLL_LLC => match u16::try_from(on_wire) {
            Ok(length) if length <= MAX_LENGTH => length,
            _ => return Err(Refusal::Skip(Skip::Untyped)),
        },
        ether_type if ether_type <= MAX_LENGTH => return Err(Refusal::Skip(Skip::Untyped)),
        ether_type => ether_type,
    };
    frame.extend_from_slice(&RECEIVER.0);
    frame.extend_from_slice(&header.sender.unwrap_or(SENDER).0);
    frame.extend_from_slice(&ether_type.to_be_bytes());
    frame.extend_from_slice(packet);
    Ok(on_wire.saturating_add(HEADER_BYTES))
}

fn read(link_type: LinkType, bytes: &[u8]) -> Result<Header, Refusal> {
    let header = match link_type {
        LinkType::RAW
        | LinkType::RAW_BSD
        | LinkType::RAW_OPENBSD
        | LinkType::IPV4
        | LinkType::IPV6 => raw(bytes),
        LinkType::NULL | LinkType::LOOP => loopback(bytes),
        LinkType::LINUX_SLL => cooked(bytes),
        LinkType::LINUX_SLL2 => cooked_v2(bytes),
        other => return Err(RewriteError::UnsupportedLinkType(other).into()),
    };
    header.ok_or(Refusal::Skip(Skip::Untyped))
}

fn raw(bytes: &[u8]) -> Option<Header> {
    let ether_type = match bytes.first()? >> 4 {
        4 => IPV4,
        6 => IPV6,
        _ => return None,
    };
    Some(Header {
        bytes: 0,
        ether_type,
        sender: None,
    })
}

fn loopback(bytes: &[u8]) -> Option<Header> {
    let family = bytes.first_chunk::<LOOPBACK_BYTES>()?;
    Some(Header {
        bytes: LOOPBACK_BYTES,
        ether_type: loopback_ether_type(*family)?,
        sender: None,
    })
}

fn cooked(bytes: &[u8]) -> Option<Header> {
    let header: &[u8; SLL_BYTES] = bytes.first_chunk()?;
    let &[_, _, h0, h1, l0, l1, a, b, c, d, e, f, _, _, t0, t1] = header;
    let sender = [l0, l1] == [0, 6];
    typed(
        [h0, h1],
        [t0, t1],
        SLL_BYTES,
        sender.then_some([a, b, c, d, e, f]),
    )
}

fn cooked_v2(bytes: &[u8]) -> Option<Header> {
    let header: &[u8; SLL2_BYTES] = bytes.first_chunk()?;
    let &[
        t0,
        t1,
        _,
        _,
        _,
        _,
        _,
        _,
        h0,
        h1,
        _,
        length,
        a,
        b,
        c,
        d,
        e,
        f,
        _,
        _,
    ] = header;
    let sender = length == 6;
    typed(
        [h0, h1],
        [t0, t1],
        SLL2_BYTES,
        sender.then_some([a, b, c, d, e, f]),
    )
}

fn typed(
    hardware: [u8; 2],
    ether_type: [u8; 2],
    bytes: usize,
    sender: Option<[u8; 6]>,
) -> Option<Header> {
    if WITHOUT_ETHER_TYPE.contains(&u16::from_be_bytes(hardware)) {
        return None;
    }
    Some(Header {
        bytes,
        ether_type: u16::from_be_bytes(ether_type),
        sender: sender.map(MacAddress),
    })
}
