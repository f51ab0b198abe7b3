//! A stack personality: everything by which one TCP/IP implementation differs from another, as data.
//!
//! One TOML file a stack in `stacks/`. Not modelled, and who could tell: congestion control beyond slow start
//! (somebody who studies bulk transfers), selective acknowledgment blocks, Nagle's algorithm, keep-alives, path MTU
//! discovery.

use std::ops::RangeInclusive;

/// A stack, as its file describes it.
#[derive(Clone, Debug)]
pub struct Stack {
    /// Name that hosts refer to.
    pub name: String,
    /// The system it stands for.
    pub title: String,
    /// Where its values come from.
    pub source: String,
    /// Initial time to live.
    pub ttl: u8,
    /// Whether TCP segments carry DF.
    pub df: bool,
    /// Whether segments sent without a connection, RST above all, carry DF.
    pub df_reset: bool,
    /// Whether datagrams and ICMP messages carry DF.
    pub df_datagram: bool,
    /// How the IP identification is chosen.
    pub ip_id: IpId,
    /// Whether segments sent without a connection, and SYN-ACKs, have identification 0.
    pub zero_id_stateless: bool,
    /// Whether it labels its IPv6 flows, RFC 6437.
    pub flow_labels: bool,
    /// Whether packets with DF have identification 0, as RFC 6864 allows.
    pub zero_id_with_df: bool,
    /// Whether it answers echo requests.
    pub answers_ping: bool,
    /// Whether it answers echo requests that are for all hosts of its segment.
    pub answers_broadcast_ping: bool,
    /// Whether it sends packets on whose source route names it.
    pub source_routes: bool,
    /// Whether it answers over the route, reversed, over which a packet came, RFC 1122 section 3.2.1.8.
    pub reverses_routes: bool,
    /// Whether it tells the sender of options that make no sense, RFC 1122 section 3.2.2.5.
    pub parameter_problem: bool,
    /// Which of two overlapping fragments it keeps.
    pub overlap: Overlap,
    /// How long it waits for missing fragments, in nanoseconds.
    pub reassembly_timeout: u64,
    /// How long it takes from an arrival to what it sends about it, in nanoseconds: least, and mean of the rest.
    pub turnaround: (u64, u64),
    /// Bytes beyond the IP header that its ICMP errors quote.
    pub icmp_quote: usize,
    /// Its TCP.
    pub tcp: TcpTraits,
}

/// The stacks at hand, by name.
pub type Stacks = std::collections::BTreeMap<String, std::sync::Arc<Stack>>;

/// How a stack chooses the identification of its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpId {
    /// Always 0.
    Zero,
    /// One counter for all packets.
    Counter,
    /// One counter whose bytes are sent low byte first.
    SwappedCounter,
    /// A counter per destination.
    PerDestination,
    /// Random.
    Random,
}

/// Which of two overlapping fragments a stack keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// What came first.
    First,
    /// What came last.
    Last,
}

/// The TCP of a stack.
#[derive(Clone, Debug)]
pub struct TcpTraits {
    /// Largest segment it accepts, in bytes.
    pub mss: u16,
    /// Whether its SYN-ACK offers no larger MSS than the SYN did.
    pub mirrors_mss: bool,
    /// Least, greatest and step of the MSS that its SYN-ACKs offer, where it is drawn anew for each.
    pub synack_mss: Option<(u16, u16, u16)>,
    /// Least MSS of a peer to which its segments carry DF.
    pub df_least_mss: u16,
    /// Whether its pure acknowledgments carry DF, where they differ from other segments.
    pub df_pure_ack: Option<bool>,
    /// Window of a SYN that it repeats.
    pub syn_retry_window: Option<u16>,
    /// What an open port does with a bare ACK.
    pub ack_to_open: OddReply,
    /// Whether a port whose backlog is full takes no segment at all.
    pub deaf_when_full: bool,
    /// Options of its SYN.
    pub syn_options: OptionLayout,
    /// Options of its SYN-ACK.
    pub synack_options: OptionLayout,
    /// Window of its SYN.
    pub syn_window: u16,
    /// Receive buffer, in bytes.
    pub buffer: u32,
    /// How the buffer becomes a window once the segment size is known.
    pub rounding: Rounding,
    /// Shift of its window scale option.
    pub window_scale: u8,
    /// When the right edge of its window moves.
    pub window_update: WindowUpdate,
    /// How initial sequence numbers are chosen.
    pub isn: Isn,
    /// Ticks of the timestamp clock a second.
    pub timestamp_hz: u32,
    /// Ports of connections it opens.
    pub ephemeral: RangeInclusive<u16>,
    /// Whether it takes them in order.
    pub ephemeral_in_order: bool,
    /// How long an acknowledgment may wait, in nanoseconds.
    pub delayed_ack: RangeInclusive<u64>,
    /// First retransmission time-out, in nanoseconds.
    pub rto_initial: u64,
    /// Least retransmission time-out, in nanoseconds.
    pub rto_min: u64,
    /// Longest retransmission time-out, in nanoseconds.
    pub rto_max: u64,
    /// First data segments of a connection that are acknowledged without delay, as Linux does.
    pub quick_acks: u8,
    /// Whether an ICMP error ends an attempt to connect. Linux gives up at once; BSD and Windows try on.
    pub unreachable_ends_connect: bool,
    /// Whether it closes with a reset once all it sent is acknowledged, as Windows NT is said to.
    pub closes_with_reset: bool,
    /// SYNs sent before it gives up.
    pub syn_tries: u8,
    /// SYN-ACKs sent before it gives up.
    pub synack_tries: u8,
    /// Times that data is sent before it gives up.
    pub data_tries: u8,
    /// Times that a refused connection is tried again, as early Windows does.
    pub refused_retries: u8,
    /// Half-open connections that a listening port holds.
    pub backlog: usize,
    /// Whether a full backlog answers with SYN cookies.
    pub syn_cookies: bool,
    /// What an open port does with a segment that has neither SYN, ACK nor RST.
    pub odd_to_open: OddReply,
    /// What an open port does with SYN and FIN together.
    pub syn_fin_to_open: OddReply,
    /// What an open port does with FIN and ACK together.
    pub fin_ack_to_open: OddReply,
    /// Added to the acknowledgment number of a reset that answers a segment without ACK.
    pub reset_ack_offset: u32,
    /// Initial congestion window, in segments.
    pub initial_window: u32,
}

/// What answers a segment with an odd combination of flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OddReply {
    /// Nothing, as RFC 9293 section 3.10.7.2 asks of LISTEN.
    Silence,
    /// A reset, as from a closed port.
    Reset,
    /// A SYN-ACK.
    SynAck,
}

/// How a receive buffer becomes a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// As it is.
    None,
    /// Up to whole segments.
    Up,
    /// Down to whole segments.
    Down,
}

/// When the right edge of a window moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowUpdate {
    /// With every acknowledgment.
    Always,
    /// When it can move by a whole segment, as RFC 1122 section 4.2.3.3 asks.
    WholeSegment,
}

/// How a stack chooses initial sequence numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isn {
    /// Random.
    Random,
    /// A clock of so many steps a second, and a step per connection.
    Clock {
        /// Steps a second.
        per_second: u64,
        /// Steps per connection.
        per_connection: u32,
        /// Bits that are drawn for each connection and added.
        random_bits: u32,
    },
}

/// An option of a SYN or SYN-ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionKind {
    /// Maximum segment size.
    Mss,
    /// Padding.
    Nop,
    /// End of the list.
    Eol,
    /// Selective acknowledgment permitted.
    Sack,
    /// Timestamps.
    Timestamp,
    /// Window scale.
    WindowScale,
}

/// A set of options: a bit each.
#[derive(Clone, Copy, Debug, Default)]
pub struct OptionKinds(u8);

impl OptionKinds {
    /// Puts one in.
    pub fn insert(&mut self, kind: OptionKind) {
        self.0 |= 1 << kind as u8;
    }

    /// Whether it is in.
    pub fn contains(self, kind: OptionKind) -> bool {
        self.0 & 1 << kind as u8 != 0
    }
}

impl FromIterator<OptionKind> for OptionKinds {
    fn from_iter<T: IntoIterator<Item = OptionKind>>(kinds: T) -> Self {
        let mut set = OptionKinds::default();
        kinds.into_iter().for_each(|kind| set.insert(kind));
        set
    }
}

/// Options in order. Each element lists alternatives: the first whose options the peer offered is sent.
#[derive(Clone, Debug, Default)]
pub struct OptionLayout(pub Vec<Vec<Vec<OptionKind>>>);

impl OptionLayout {
    /// Reads elements such as `mss`, `nop nop sackOK`, `sackOK timestamp | nop nop sackOK`.
    pub fn parse(elements: &[String]) -> Option<OptionLayout> {
        let alternative = |text: &str| {
            text.split_whitespace()
                .map(OptionKind::parse)
                .collect::<Option<Vec<_>>>()
        };
        let element = |text: &String| text.split('|').map(alternative).collect::<Option<Vec<_>>>();
        elements
            .iter()
            .map(element)
            .collect::<Option<Vec<_>>>()
            .map(OptionLayout)
    }

    /// The options for a peer that offers those for which `offered` says so.
    pub fn select(&self, offered: impl Fn(OptionKind) -> bool) -> impl Iterator<Item = OptionKind> {
        self.0
            .iter()
            .filter_map(move |alternatives| {
                alternatives
                    .iter()
                    .find(|options| options.iter().all(|kind| offered(*kind)))
            })
            .flatten()
            .copied()
    }
}

impl OptionKind {
    fn parse(name: &str) -> Option<OptionKind> {
        Some(match name {
            "mss" => OptionKind::Mss,
            "nop" => OptionKind::Nop,
            "eol" => OptionKind::Eol,
            "sackOK" => OptionKind::Sack,
            "timestamp" => OptionKind::Timestamp,
            "wscale" => OptionKind::WindowScale,
            _ => return None,
        })
    }
}
