//! What a listing says of one packet. `None` is what it does not say.

use std::net::IpAddr;

use jiff::civil::Date;
use messages::dns::{Question, RESPONSE};
use wire::ethernet::MacAddress;
use wire::tcp::Flags;

use super::error::Fault;

/// A packet as its lines print it.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    pub(super) stamp: Option<Stamp>,
    pub(super) link: LinkSaid,
    pub(super) ip: IpSaid,
    pub(super) source: End,
    pub(super) destination: End,
    pub(super) what: What,
    /// What an ICMP error quotes, where verbose listings print it.
    pub(super) quote: Option<Box<Said>>,
    /// Lines of text that the packet carries, as verbose listings print them.
    pub(super) details: Vec<String>,
    /// Bytes of a hex dump.
    pub(super) dump: Vec<HexByte>,
    /// What keeps the line from being read, so that only the dump is left.
    pub(super) unread: Option<Fault>,
    /// The first of what is printed that nothing is made of, where it begins.
    pub(super) lost: Option<Lost>,
}

/// Text that nothing is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) at: usize,
    pub(super) text: String,
}

impl Said {
    /// Notes text that nothing is made of.
    pub(super) fn lose(&mut self, at: usize, text: &str) {
        let text = text.trim();
        if self.lost.is_none() && !text.is_empty() {
            self.lost = Some(Lost {
                at,
                text: text.to_owned(),
            });
        }
    }
}

/// A byte of a hex dump, `None` where it was made unreadable.
pub(super) type HexByte = Option<u8>;

/// Who sends or receives: a host, and a port behind a separator.
#[derive(Clone, Debug, Default)]
pub(super) struct End {
    pub(super) text: String,
    /// Where it begins.
    pub(super) at: usize,
    /// What stands before the port: a dot with tcpdump, a colon with snort.
    pub(super) separator: Option<char>,
}

impl End {
    /// The address, where it is one and not a name; a port may stand behind it.
    pub(super) fn numeric(&self) -> Option<IpAddr> {
        let host = || self.text.rsplit_once('.').map(|(host, _)| host);
        let whole = self.text.parse().ok();
        whole.or_else(|| host()?.parse().ok())
    }
}

/// Of the link header.
#[derive(Clone, Debug, Default)]
pub(super) struct LinkSaid {
    pub(super) source: Option<MacAddress>,
    pub(super) destination: Option<MacAddress>,
    pub(super) vlan: Option<u16>,
    pub(super) snap: bool,
    /// Bytes of the frame.
    pub(super) length: Option<usize>,
}

/// Of the network header.
#[derive(Clone, Debug, Default)]
pub(super) struct IpSaid {
    pub(super) v6: bool,
    pub(super) tos: Option<u8>,
    pub(super) ttl: Option<u8>,
    pub(super) identification: Option<u16>,
    pub(super) flags: Option<u8>,
    /// Of a fragment, in bytes.
    pub(super) offset: Option<u16>,
    pub(super) protocol: Option<u8>,
    /// Of the whole packet, or of the payload of IPv6.
    pub(super) length: Option<u16>,
    /// Of the payload, as fragments print it.
    pub(super) fragment_length: Option<usize>,
    pub(super) bad_checksum: Option<u16>,
    /// Bytes that the packet is shorter than its header says.
    pub(super) missing: usize,
    pub(super) flow_label: Option<u32>,
    /// Whether there are options, or extension headers, which are not read.
    pub(super) options: bool,
    /// Whether a hop-by-hop header with a router alert is in front, RFC 2711, as of what multicast listeners say.
    pub(super) router_alert: bool,
    /// Of an IPv6 fragment.
    pub(super) fragment: Option<FragmentSaid>,
}

/// Of the fragment header of IPv6.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FragmentSaid {
    pub(super) identification: Option<u32>,
    /// In bytes.
    pub(super) offset: u16,
    /// Bytes behind the header.
    pub(super) length: u16,
    /// Ports and payload of the datagram that begins there.
    pub(super) udp: Option<(u16, u16, u16)>,
}

/// Of what follows the network header.
#[derive(Clone, Debug, Default)]
pub(super) enum What {
    Tcp(TcpSaid),
    Udp(UdpSaid),
    Icmp(IcmpSaid),
    Arp(ArpSaid),
    /// Neither ports nor a header: a later fragment, or another protocol.
    #[default]
    Bare,
}

impl What {
    pub(super) fn has_ports(&self) -> bool {
        matches!(self, What::Tcp(_) | What::Udp(_))
    }
}

/// Of a checksum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sum {
    /// Nothing, or that it is right.
    #[default]
    Right,
    /// It is right, and what it is.
    Is(u16),
    /// What was sent, and what would have been right.
    Wrong(Option<u16>, Option<u16>),
    /// None was sent.
    Absent,
}

/// Of a TCP segment. The flag ACK and the flag URG are those of the printed numbers where letters do not say them.
#[derive(Clone, Debug, Default)]
pub(super) struct TcpSaid {
    pub(super) flags: Option<Flags>,
    pub(super) sequence: Option<u32>,
    pub(super) acknowledgment: Option<u32>,
    pub(super) length: Option<usize>,
    pub(super) window: Option<u16>,
    pub(super) urgent: Option<u16>,
    pub(super) options: Vec<OptionSaid>,
    pub(super) options_cut: bool,
    pub(super) sum: Sum,
    /// Header length in words, where it is said to be wrong.
    pub(super) bad_offset: Option<u8>,
    /// Numbers are as on the wire, whatever the rest of the connection does.
    pub(super) absolute: bool,
    /// The first line of what the segment carries.
    pub(super) text: Option<String>,
    /// Whether all of its text follows in lines of its own.
    pub(super) text_follows: bool,
    /// What is printed of what it carries and is not text.
    pub(super) lost: Option<String>,
}

/// A TCP option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OptionSaid {
    EndOfList,
    NoOperation,
    Mss(u16),
    WindowScale(u8),
    SackPermitted,
    Sack(Vec<(u32, u32)>),
    Timestamps(u32, u32),
    Other(u8, Vec<u8>),
}

/// Of a UDP datagram.
#[derive(Clone, Debug, Default)]
pub(super) struct UdpSaid {
    /// Bytes of payload.
    pub(super) length: Option<usize>,
    /// What the header says instead of its length.
    pub(super) bad_length: Option<u16>,
    pub(super) sum: Sum,
    pub(super) body: UdpBody,
}

/// What a datagram carries.
#[derive(Clone, Debug, Default)]
pub(super) enum UdpBody {
    #[default]
    Unknown,
    Dns(DnsSaid),
    /// Version and mode of NTP.
    Ntp(u8, u8),
    Bootp(BootpSaid),
}

/// Of a BOOTP or DHCP message, as the shortest listings print it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct BootpSaid {
    pub(super) reply: bool,
    pub(super) client: Option<MacAddress>,
}

/// Of a DNS message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DnsSaid {
    pub(super) id: u16,
    pub(super) flags: u16,
    pub(super) question: Option<Question>,
    pub(super) answers: Vec<Answer>,
    /// Numbers of the four kinds of records.
    pub(super) counts: [u16; 4],
    /// The EDNS record, where it is printed.
    pub(super) edns: Option<EdnsSaid>,
    /// What is printed besides and nothing is made of.
    pub(super) lost: Option<String>,
}

/// Of an EDNS record, RFC 6891: what it offers, and the cookie in it, RFC 7873.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EdnsSaid {
    pub(super) size: u16,
    pub(super) secure: bool,
    pub(super) cookie: Vec<u8>,
}

impl DnsSaid {
    pub(super) fn is_response(&self) -> bool {
        self.flags & RESPONSE != 0
    }
}

/// A record of a DNS answer: number of its type, and data as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) owner: Option<String>,
    pub(super) kind: u16,
    /// Time to live, in seconds, where it is printed.
    pub(super) ttl: Option<u32>,
    pub(super) data: String,
}

/// Of an ICMP message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct IcmpSaid {
    pub(super) icmp_type: u8,
    pub(super) code: u8,
    /// The second four bytes.
    pub(super) rest: Option<[u8; 4]>,
    /// Bytes of the message.
    pub(super) length: Option<usize>,
    /// Whom it is about: the receiver of what an error quotes, or the target of neighbour discovery.
    pub(super) about: Option<String>,
    /// The groups of a multicast listener report, version 2: what is said of each.
    pub(super) groups: Vec<GroupSaid>,
    /// The three times of a time stamp message, in milliseconds of the day.
    pub(super) times: Option<[u32; 3]>,
    /// The gateway of a redirect.
    pub(super) gateway: Option<String>,
    /// Protocol and port of what is quoted.
    pub(super) protocol: Option<u8>,
    pub(super) port: Option<String>,
    pub(super) sum: Sum,
    /// Whether the line does not say which message it is.
    pub(super) unknown: bool,
    /// What is printed besides and nothing is made of.
    pub(super) lost: Option<String>,
}

/// Of a group that somebody listens to, RFC 3810 section 5.2.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct GroupSaid {
    pub(super) kind: u8,
    pub(super) group: String,
    pub(super) sources: Vec<String>,
}

/// Of an ARP message.
#[derive(Clone, Debug, Default)]
pub(super) struct ArpSaid {
    pub(super) reply: bool,
    /// The hardware address that a request puts in place of the one it seeks.
    pub(super) sought: Option<MacAddress>,
    /// What a reply announces.
    pub(super) address: Option<MacAddress>,
    /// Bytes of the message, padding included.
    pub(super) length: Option<usize>,
}

/// When a packet was seen, as far as the line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stamp {
    /// Time of day, or what has passed: `10:22:45.030552`. Nanoseconds since midnight.
    Clock(u64),
    /// Date and time of day: `2000-05-14 10:22:45.030552`, and with slashes and the month first.
    Dated(Date, u64),
    /// Month, day and time of day, as snort and syslog print them.
    Yearless(i8, i8, u64),
    /// Seconds and a fraction: `958299765.030552`. Nanoseconds.
    Seconds(u64),
}
