//! What a listing does not tell, and what stands there instead.

/// A field of a frame that the listing does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// The time of the frame.
    Time,
    /// The day.
    Date,
    /// The year.
    Year,
    /// Both hardware addresses.
    HardwareAddresses,
    /// Type of service, or traffic class.
    TypeOfService,
    /// Time to live, or hop limit.
    TimeToLive,
    /// IPv4 identification.
    Identification,
    /// Whether DF is set.
    DontFragment,
    /// IPv6 flow label.
    FlowLabel,
    /// IPv4 options.
    IpOptions,
    /// The protocol of a fragment.
    Protocol,
    /// Where in its packet a later fragment belongs.
    FragmentOffset,
    /// The first number of a direction of a connection, from which others count.
    SequenceBase,
    /// The sequence number of a segment without data.
    Sequence,
    /// The acknowledgment number of a segment without ACK, which only its checksum tells of.
    Acknowledgment,
    /// The flags of TCP.
    Flags,
    /// The window.
    Window,
    /// Options behind the point where the capture was cut.
    OptionRest,
    /// A checksum that is said to be wrong, and not how.
    WrongChecksum,
    /// Which message of ICMP it is.
    IcmpType,
    /// Identifier and sequence number of an echo.
    Echo,
    /// The packet that an ICMP error quotes.
    Quote,
    /// The hardware address of an ARP message.
    ArpAddress,
    /// The question that a DNS answer repeats.
    Question,
    /// The length of the payload.
    PayloadLength,
    /// Bytes of the payload.
    Payload,
    /// Bytes that a hex dump hides or lacks.
    HiddenBytes,
    /// What the listing tells and nothing is made of: payloads of other protocols, options, text of -A.
    Told,
}

impl Gap {
    /// What the field is called.
    pub fn name(self) -> &'static str {
        self.words().0
    }

    /// What was put there.
    pub fn filled_with(self) -> &'static str {
        self.words().1
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Gap::Time => ("time", "1 ms after the frame before"),
            Gap::Date => ("date", "the given day, and after midnight the next"),
            Gap::Year => ("year", "that of the given day"),
            Gap::HardwareAddresses => (
                "hardware addresses",
                "02:00:00:00:00:01 and 02:00:00:00:00:02",
            ),
            Gap::TypeOfService => ("type of service", "0"),
            Gap::TimeToLive => ("ttl", "64"),
            Gap::Identification => ("id", "0"),
            Gap::DontFragment => ("DF", "not set"),
            Gap::FlowLabel => ("flow label", "0"),
            Gap::IpOptions => ("IP options", "left out"),
            Gap::Protocol => ("protocol", "17, UDP"),
            Gap::FragmentOffset => ("fragment offset", "1480"),
            Gap::SequenceBase => ("first sequence number", "1000000"),
            Gap::Sequence => (
                "sequence number",
                "the next one expected, or near it to make a printed checksum right",
            ),
            Gap::Acknowledgment => (
                "acknowledgment number without ACK",
                "what makes the printed checksum right",
            ),
            Gap::Flags => ("TCP flags", "ACK"),
            Gap::Window => ("window", "8192"),
            Gap::OptionRest => ("TCP options behind the cut", "left out, an echoed time 0"),
            Gap::WrongChecksum => ("wrong checksum", "the right one with all bits turned"),
            Gap::IcmpType => ("ICMP message", "an echo request"),
            Gap::Echo => ("echo identifier and sequence number", "0"),
            Gap::Quote => (
                "quoted packet",
                "the last one that matches, else a plain header",
            ),
            Gap::ArpAddress => ("ARP hardware address", "02:00:00:00:00:01 or :02"),
            Gap::Question => (
                "question of a DNS answer",
                "the one asked before, else the root",
            ),
            Gap::PayloadLength => ("payload length", "0"),
            Gap::Payload => (
                "payload bytes",
                "0, but for two that make a printed checksum right",
            ),
            Gap::HiddenBytes => ("bytes of a hex dump", "0"),
            Gap::Told => (
                "what is printed of payloads or options",
                "nothing that says the same; --exact makes that an error",
            ),
        }
    }
}
