//! The numbers that formulas can name: fields of the packet, and what the run knows.

/// Room for names of a file's own.
pub const MOST_OWN: usize = 16;

/// A named number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(u8);

/// Names in order: first the fields that a file can state, then what only the run knows, then a file's own.
const NAMES: [&str; 27] = [
    "source_port",
    "port",
    "sequence",
    "acknowledgment",
    "window",
    "urgent",
    "ttl",
    "tos",
    "id",
    "icmp_id",
    "icmp_sequence",
    // What the run knows.
    "target",
    "source",
    "n",
    "host",
    "try",
    "round",
    "hop",
    "time",
    "started",
    "distance",
    "length",
    "clock",
    "answer.sequence",
    "answer.acknowledgment",
    "answer.port",
    "answer.window",
];

impl Name {
    /// Port of the sender.
    pub const SOURCE_PORT: Name = Name(0);
    /// Port of the receiver.
    pub const PORT: Name = Name(1);
    /// TCP sequence number.
    pub const SEQUENCE: Name = Name(2);
    /// TCP acknowledgment number.
    pub const ACKNOWLEDGMENT: Name = Name(3);
    /// TCP window.
    pub const WINDOW: Name = Name(4);
    /// TCP urgent pointer.
    pub const URGENT: Name = Name(5);
    /// Time to live.
    pub const TTL: Name = Name(6);
    /// Type of service.
    pub const TOS: Name = Name(7);
    /// IP identification.
    pub const ID: Name = Name(8);
    /// Identifier of an ICMP message.
    pub const ICMP_ID: Name = Name(9);
    /// Sequence number of an ICMP message.
    pub const ICMP_SEQUENCE: Name = Name(10);
    /// The target's address.
    pub const TARGET: Name = Name(11);
    /// The source's address.
    pub const SOURCE: Name = Name(12);
    /// Packets of the stage before this one.
    pub const N: Name = Name(13);
    /// Targets before this one.
    pub const HOST: Name = Name(14);
    /// Tries before this one.
    pub const TRY: Name = Name(15);
    /// Passes over the ports before this one.
    pub const ROUND: Name = Name(16);
    /// Hops that a trace has come to.
    pub const HOP: Name = Name(17);
    /// Seconds since 1970.
    pub const TIME: Name = Name(18);
    /// The second in which the work on this target began.
    pub const STARTED: Name = Name(19);
    /// Hops to the target that a trace has found.
    pub const DISTANCE: Name = Name(20);
    /// Bytes of the payload.
    pub const LENGTH: Name = Name(21);
    /// Milliseconds since the run began.
    pub const CLOCK: Name = Name(22);
    /// Of the answer to which this is a reply: its sequence number, and what follows.
    pub const ANSWER_SEQUENCE: Name = Name(23);
    /// Its acknowledgment number.
    pub const ANSWER_ACKNOWLEDGMENT: Name = Name(24);
    /// The port it came to.
    pub const ANSWER_PORT: Name = Name(25);
    /// Its window.
    pub const ANSWER_WINDOW: Name = Name(26);

    /// The fields that a file states, each with its key.
    pub const FIELDS: [Name; 11] = [
        Name(0),
        Name(1),
        Name(2),
        Name(3),
        Name(4),
        Name(5),
        Name(6),
        Name(7),
        Name(8),
        Name(9),
        Name(10),
    ];

    /// The name of the file's own value of that number.
    pub fn own(number: usize) -> Option<Name> {
        (number < MOST_OWN)
            .then(|| u8::try_from(NAMES.len() + number).ok())?
            .map(Name)
    }

    /// Reads a name: one of the file's own before any other.
    pub fn parse(word: &str, own: &[String]) -> Option<Name> {
        if let Some(number) = own.iter().position(|name| name == word) {
            return Name::own(number);
        }
        let at = NAMES.iter().position(|name| *name == word)?;
        u8::try_from(at).ok().map(Name)
    }

    /// Whether the program knows the word already.
    pub fn is_taken(word: &str) -> bool {
        NAMES.contains(&word)
    }

    /// The bits that the field has in a packet.
    #[inline]
    pub fn mask(self) -> u64 {
        match self {
            Name::TTL | Name::TOS => 0xff,
            Name::SEQUENCE | Name::ACKNOWLEDGMENT => 0xffff_ffff,
            _ => 0xffff,
        }
    }

    /// The key of a field.
    pub fn key(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or("own")
    }

    /// All words that a formula may use, for messages.
    pub fn all() -> String {
        NAMES.join(", ")
    }
}

/// A set of names: a bit each.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names(u64);

impl FromIterator<Name> for Names {
    fn from_iter<T: IntoIterator<Item = Name>>(names: T) -> Self {
        Names(names.into_iter().fold(0, |set, name| set | 1 << name.0))
    }
}

impl Names {
    /// Whether a name is among them.
    #[inline]
    pub fn contains(self, name: Name) -> bool {
        self.0 >> name.0 & 1 == 1
    }
}

/// A value for each name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Values([u64; NAMES.len()], [u64; MOST_OWN]);

impl Values {
    /// The value of a name.
    #[inline]
    pub fn get(&self, name: Name) -> u64 {
        let at = usize::from(name.0);
        match self.0.get(at) {
            Some(value) => *value,
            None => self.1.get(at - NAMES.len()).copied().unwrap_or(0),
        }
    }

    /// Sets it.
    #[inline]
    pub fn set(&mut self, name: Name, value: u64) {
        let at = usize::from(name.0);
        if let Some(room) = self.0.get_mut(at) {
            *room = value;
        } else if let Some(room) = self.1.get_mut(at - NAMES.len()) {
            *room = value;
        }
    }

    /// The low 16 bits of a value.
    #[inline]
    pub fn word(&self, name: Name) -> u16 {
        let [a, b, ..] = self.get(name).to_le_bytes();
        u16::from_le_bytes([a, b])
    }

    /// The low 8 bits of a value.
    #[inline]
    pub fn byte(&self, name: Name) -> u8 {
        let [a, ..] = self.get(name).to_le_bytes();
        a
    }

    /// The low 32 bits of a value.
    #[inline]
    pub fn word32(&self, name: Name) -> u32 {
        crate::seed::low32(self.get(name))
    }
}
