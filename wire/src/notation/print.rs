//! From packets to text.

use std::fmt::{self, Display, Formatter};

use super::Frame;
use super::fields::{ECHO_TYPES, ECHO_TYPES_V6};
use crate::ethernet::{Framing, Link, MacAddress};
use crate::field::Field;
use crate::icmp::Icmp;
use crate::ipv4::{self, Ipv4};
use crate::ipv6::Ipv6;
use crate::packet::{Ip, Packet, Segment};
use crate::payload::Payload;
use crate::tcp::{Flags, Tcp};
use crate::udp::Udp;

/// Bytes of payload that `{:#}` prints.
const ABRIDGED_BYTES: usize = 48;
/// The flags that have letters.
const LETTERED: u16 = 0x1ff;

impl Display for Frame {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.link != Link::default() {
            print_link(&self.link, f)?;
        }
        self.packet.fmt(f)
    }
}

fn print_link(link: &Link, f: &mut Formatter<'_>) -> fmt::Result {
    let mut words = Vec::new();
    if (link.source, link.destination) != (MacAddress::default(), MacAddress::default()) {
        words.push(format!("{} > {}", link.source, link.destination));
    }
    words.extend(link.vlan.map(|tag| format!("vlan {tag}")));
    if link.framing == Framing::LlcSnap {
        words.push("snap".into());
    }
    write!(f, "[{}] ", words.join(" "))
}

impl Display for Packet {
    /// The packet in the [notation](crate::notation); `{:#}` cuts a long payload.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (source, destination) = (self.source(), self.destination());
        match self.ports() {
            Some((from, to)) => write!(f, "{source}.{from} > {destination}.{to}: ")?,
            None => write!(f, "{source} > {destination}: ")?,
        }
        match &self.segment {
            Segment::Tcp(tcp) => print_tcp(tcp, f)?,
            Segment::Udp(udp) => print_udp(udp, f)?,
            Segment::Icmp(icmp) => print_icmp(icmp, matches!(self.ip, Ip::V6(_)), f)?,
            Segment::Raw(protocol) => write!(f, "proto {protocol}")?,
        }
        match &self.ip {
            Ip::V4(ip) => print_v4(ip, f)?,
            Ip::V6(ip) => print_v6(ip, f)?,
        }
        print_payload(&self.payload, f)
    }
}

fn print_tcp(tcp: &Tcp, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "{}", tcp.flags)?;
    let unlettered = tcp.flags.0 & !LETTERED;
    if unlettered != 0 {
        write!(f, "+{unlettered:#x}")?;
    }
    write!(f, " {}", tcp.sequence)?;
    if tcp.acknowledgment != 0 || tcp.flags.contains(Flags::ACK) {
        write!(f, " ack {}", tcp.acknowledgment)?;
    }
    write!(f, " win {}", tcp.window)?;
    print_unless_zero("urg", tcp.urgent, f)?;
    let list = &tcp.options;
    if !list.as_bytes().is_empty() {
        match super::options::as_list(list) {
            Some(text) => write!(f, " <{text}>")?,
            None => write!(f, " <hex {}>", hex(list.as_bytes()))?,
        }
    }
    print_forced("offset", tcp.data_offset, f)?;
    print_checksum("cksum", tcp.checksum, f)
}

fn print_udp(udp: &Udp, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str("udp")?;
    print_forced("len", udp.length, f)?;
    print_checksum("cksum", udp.checksum, f)
}

fn print_icmp(icmp: &Icmp, over_ipv6: bool, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "icmp {}/{}", icmp.icmp_type, icmp.code)?;
    let [a, b, c, d] = icmp.rest;
    let echo = if over_ipv6 { ECHO_TYPES_V6 } else { ECHO_TYPES };
    if echo.contains(&icmp.icmp_type) {
        let (identifier, sequence) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        write!(f, " echo {identifier} {sequence}")?;
    } else if icmp.rest != [0; 4] {
        write!(f, " rest {}", hex(&icmp.rest))?;
    }
    print_checksum("cksum", icmp.checksum, f)
}

fn print_v4(ip: &Ipv4, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, " ttl {}", ip.ttl)?;
    print_unless_zero("id", ip.identification, f)?;
    if ip.tos != 0 {
        write!(f, " tos {:#04x}", ip.tos)?;
    }
    if ip.flags > 0b111 {
        write!(f, " ip-flags {:#x}", ip.flags)?;
    } else {
        let names = [
            (ipv4::DONT_FRAGMENT, "DF"),
            (ipv4::MORE_FRAGMENTS, "MF"),
            (ipv4::RESERVED, "evil"),
        ];
        for (_, name) in names.iter().filter(|(bit, _)| ip.flags & bit != 0) {
            write!(f, " {name}")?;
        }
    }
    print_unless_zero("frag", ip.fragment_offset, f)?;
    print_forced("ip-len", ip.total_length, f)?;
    print_forced("ip-proto", ip.protocol, f)?;
    print_checksum("ip-cksum", ip.checksum, f)?;
    match ip.options.as_deref() {
        None => Ok(()),
        Some([]) => f.write_str(" ip-options empty"),
        Some(bytes) => write!(f, " ip-options {}", hex(bytes)),
    }
}

fn print_v6(ip: &Ipv6, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, " hlim {}", ip.hop_limit)?;
    if ip.traffic_class != 0 {
        write!(f, " class {:#04x}", ip.traffic_class)?;
    }
    if ip.flow_label != 0 {
        write!(f, " flow {:#x}", ip.flow_label)?;
    }
    print_forced("ip-len", ip.payload_length, f)?;
    print_forced("ip-proto", ip.next_header, f)
}

fn print_payload(payload: &Payload, f: &mut Formatter<'_>) -> fmt::Result {
    if payload.is_empty() {
        return Ok(());
    }
    let bytes = payload.to_vec();
    if bytes.iter().all(|byte| *byte == 0) {
        return write!(f, " zeros {}", bytes.len());
    }
    let shown = match bytes.get(..ABRIDGED_BYTES) {
        Some(front) if f.alternate() && bytes.len() > ABRIDGED_BYTES => front,
        _ => &bytes,
    };
    let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t');
    match std::str::from_utf8(shown) {
        Ok(text) if shown.iter().all(plain) => write!(f, " \"{}\"", text.escape_default())?,
        _ => write!(f, " hex {}", hex(shown))?,
    }
    if shown.len() < bytes.len() {
        write!(f, "... ({} bytes)", bytes.len())?;
    }
    Ok(())
}

fn print_unless_zero(name: &str, value: u16, f: &mut Formatter<'_>) -> fmt::Result {
    if value == 0 {
        return Ok(());
    }
    write!(f, " {name} {value}")
}

fn print_forced<T: Display>(name: &str, field: Field<T>, f: &mut Formatter<'_>) -> fmt::Result {
    match field {
        Field::Computed => Ok(()),
        Field::Forced(value) => write!(f, " {name} {value}"),
    }
}

fn print_checksum(name: &str, field: Field<u16>, f: &mut Formatter<'_>) -> fmt::Result {
    match field {
        Field::Computed => Ok(()),
        Field::Forced(value) => write!(f, " {name} {value:#06x}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
