//! Snort's alerts and packet logs of its first versions, and its port-scan log.
//!
//! ```text
//! [**] IDS177/netbios-name-query [**]
//! 07/20-16:07:40.894521 192.0.2.146:137 -> 198.51.100.1:137
//! UDP TTL:112 TOS:0x0 ID:22685
//! Len: 58
//!
//! 05/14-10:22:45.030552 192.0.2.4:1057 -> 198.51.100.21:21
//! TCP TTL:64 TOS:0x0 ID:1234 IpLen:20 DgmLen:44 DF
//! ******S* Seq: 0x16A67E  Ack: 0x0  Win: 0x2000  TcpLen: 24
//! TCP Options (1) => MSS: 536
//!
//! May 27 23:44:42 192.0.2.12:43746 -> 198.51.100.1:93 SYN **S*****
//! ```
//!
//! Each letter of the flags names one; their order changed between versions. `1` and `2` are the bits that became CWR and
//! ECE. Not read are alerts that print neither protocol nor flags.

use wire::tcp::Flags;
use wire::{ipv4, udp};

use super::cursor::Cursor;
use crate::error::Read;
use crate::said::{End, IcmpSaid, OptionSaid, Said, TcpSaid, UdpSaid, What};

/// Whether ends with snort's arrow come next.
pub(super) fn has_arrow(cursor: &Cursor<'_>) -> bool {
    cursor.rest().split_whitespace().nth(1) == Some("->")
}

/// Passes over `[**] the message of an alert [**]`.
pub(super) fn pass_message(cursor: &mut Cursor<'_>) {
    let mut trial = *cursor;
    if trial.eat("[**]") && trial.until("[**]").is_ok() {
        *cursor = trial;
    }
}

/// Reads a packet behind its stamp.
pub(super) fn packet(cursor: &mut Cursor<'_>, said: &mut Said) -> Read<()> {
    pass_message(cursor);
    while cursor.eat("[Classification:") || cursor.eat("[Priority:") {
        cursor.until("]")?;
    }
    let braced = cursor.eat("{");
    let protocol = if braced {
        Some(cursor.until("}")?.text)
    } else {
        None
    };
    said.source = end(cursor, "the sender")?;
    cursor.expect("->")?;
    said.destination = end(cursor, "the receiver")?;
    match protocol {
        Some("UDP") => udp(cursor, said),
        _ if cursor.eat_word("UDP") => udp(cursor, said),
        _ if cursor.eat_word("TCP") => tcp(cursor, said),
        _ if cursor.eat_word("ICMP") => icmp(cursor, said),
        _ => logged(cursor, said),
    }
}

fn end(cursor: &mut Cursor<'_>, wanted: &'static str) -> Read<End> {
    let word = cursor.word(wanted)?;
    Ok(End {
        text: word.text.to_owned(),
        at: word.at,
        separator: Some(':'),
    })
}

/// `TTL:64 TOS:0x0 ID:1234 IpLen:20 DgmLen:44 DF`.
fn header(cursor: &mut Cursor<'_>, said: &mut Said) -> Read<()> {
    let ip = &mut said.ip;
    if !cursor.eat("TTL:") {
        return Ok(());
    }
    ip.ttl = Some(cursor.number("a time to live")?);
    ip.flags = Some(0);
    loop {
        if cursor.eat("TOS:") {
            ip.tos = Some(cursor.hex("a type of service")?);
        } else if cursor.eat("ID:") {
            ip.identification = Some(cursor.number("an identification")?);
        } else if cursor.eat("DgmLen:") {
            ip.length = Some(cursor.number("a length")?);
        } else if cursor.eat("IpLen:") {
            let _: u8 = cursor.number("a length")?;
        } else if cursor.eat_word("DF") {
            ip.flags = ip.flags.map(|flags| flags | ipv4::DONT_FRAGMENT);
        } else if cursor.eat_word("MF") {
            ip.flags = ip.flags.map(|flags| flags | ipv4::MORE_FRAGMENTS);
        } else if !cursor.eat_word("RB") {
            return Ok(());
        }
    }
}

fn udp(cursor: &mut Cursor<'_>, said: &mut Said) -> Read<()> {
    header(cursor, said)?;
    let mut datagram = UdpSaid::default();
    if cursor.eat("Len:") {
        let length: usize = cursor.number("a length")?;
        // Until version 1.8 the length was that of the header's field.
        let of_packet = said
            .ip
            .length
            .map(|length| usize::from(length).saturating_sub(ipv4::HEADER_BYTES));
        let payload = length.saturating_sub(udp::HEADER_BYTES);
        datagram.length = Some(match of_packet {
            Some(of_packet) if of_packet == length.saturating_add(udp::HEADER_BYTES) => length,
            _ => payload,
        });
    }
    said.what = What::Udp(datagram);
    done(cursor)
}

fn done(cursor: &Cursor<'_>) -> Read<()> {
    if cursor.is_done() {
        Ok(())
    } else {
        Err(cursor.unexpected("the end"))
    }
}

fn tcp(cursor: &mut Cursor<'_>, said: &mut Said) -> Read<()> {
    header(cursor, said)?;
    let mut tcp = TcpSaid {
        flags: Some(flags(cursor)?),
        absolute: true,
        ..TcpSaid::default()
    };
    let mut acknowledgment = None;
    while !cursor.is_done() {
        if cursor.eat("Seq:") {
            tcp.sequence = Some(cursor.hex("a sequence number")?);
        } else if cursor.eat("Ack:") {
            acknowledgment = Some(cursor.hex("an acknowledgment number")?);
        } else if cursor.eat("Win:") {
            tcp.window = Some(cursor.hex("a window")?);
        } else if cursor.eat("UrgPtr:") {
            tcp.urgent = Some(cursor.hex("an urgent pointer")?);
        } else if cursor.eat("TcpLen:") {
            let _: u8 = cursor.number("a length")?;
        } else if cursor.eat("TCP Options") {
            options(cursor, &mut tcp)?;
        } else {
            return Err(cursor.unexpected("Seq:, Ack:, Win:, TCP Options or the end"));
        }
    }
    tcp.acknowledgment = acknowledgment;
    said.what = What::Tcp(tcp);
    Ok(())
}

/// Letters of the flags.
const LETTERS: [(char, Flags); 8] = [
    ('F', Flags::FIN),
    ('S', Flags::SYN),
    ('R', Flags::RST),
    ('P', Flags::PSH),
    ('A', Flags::ACK),
    ('U', Flags::URG),
    ('1', Flags::CWR),
    ('2', Flags::ECE),
];

fn flags(cursor: &mut Cursor<'_>) -> Read<Flags> {
    let word = cursor.word("TCP flags")?;
    let wrong = || word.unexpected("TCP flags, letters of 12UAPRSF and stars");
    let mut flags = Flags::NONE;
    for letter in word.text.chars().filter(|letter| *letter != '*') {
        let (_, flag) = LETTERS
            .iter()
            .find(|(known, _)| *known == letter)
            .ok_or_else(wrong)?;
        flags |= *flag;
    }
    Ok(flags)
}

/// `(3) => MSS: 1460 NOP SackOK TS: 1 0 WS: 7`, without the number in the first versions.
fn options(cursor: &mut Cursor<'_>, tcp: &mut TcpSaid) -> Read<()> {
    if cursor.eat("(") {
        cursor.until(")")?;
    }
    cursor.expect("=>")?;
    while !cursor.is_done() {
        let option = if cursor.eat("MSS:") {
            OptionSaid::Mss(cursor.number("a segment size")?)
        } else if cursor.eat("WS:") {
            OptionSaid::WindowScale(cursor.number("a shift count")?)
        } else if cursor.eat("TS:") {
            OptionSaid::Timestamps(cursor.number("a time")?, cursor.number("an echoed time")?)
        } else if cursor.eat_word("NOP") {
            OptionSaid::NoOperation
        } else if cursor.eat_word("SackOK") {
            OptionSaid::SackPermitted
        } else if cursor.eat_word("EOL") {
            OptionSaid::EndOfList
        } else {
            return Err(cursor.unexpected("MSS:, WS:, TS:, NOP, SackOK or EOL"));
        };
        tcp.options.push(option);
    }
    Ok(())
}

/// `Type:8  Code:0  ID:123   Seq:1  ECHO`.
fn icmp(cursor: &mut Cursor<'_>, said: &mut Said) -> Read<()> {
    header(cursor, said)?;
    cursor.expect("Type:")?;
    let icmp_type = cursor.number("a type")?;
    cursor.expect("Code:")?;
    let code = cursor.number("a code")?;
    let mut message = IcmpSaid {
        icmp_type,
        code,
        ..IcmpSaid::default()
    };
    if cursor.eat("ID:") {
        let identifier: u16 = cursor.number("an identifier")?;
        cursor.expect("Seq:")?;
        let sequence: u16 = cursor.number("a sequence number")?;
        let ([a, b], [c, d]) = (identifier.to_be_bytes(), sequence.to_be_bytes());
        message.rest = Some([a, b, c, d]);
    }
    // The name of the message, which its numbers have said.
    cursor.finish();
    said.what = What::Icmp(message);
    Ok(())
}

/// `SYN **S*****`, of the port-scan log; bits that were reserved are named behind.
fn logged(cursor: &mut Cursor<'_>, said: &mut Said) -> Read<()> {
    let known = [
        "SYN",
        "FIN",
        "SYNFIN",
        "NULL",
        "XMAS",
        "FULLXMAS",
        "VECNA",
        "NMAPID",
        "SPAU",
        "NOACK",
        "INVALIDACK",
    ];
    let wanted = "TCP, UDP, ICMP or the name of a scan";
    let word = cursor.word(wanted)?;
    if !known.contains(&word.text) {
        return Err(word.unexpected(wanted));
    }
    let flags = flags(cursor)?;
    cursor.eat_word("RESERVEDBITS");
    said.what = What::Tcp(TcpSaid {
        flags: Some(flags),
        absolute: true,
        ..TcpSaid::default()
    });
    done(cursor)
}
