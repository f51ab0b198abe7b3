//! Who causes what: the provenance that every packet carries.
//!
//! An *activity* is the generator's intent, such as one scan. Each packet names the activity that caused it and
//! its role in it; a reply inherits the activity of its stimulus. The truth is read off these marks, never guessed
//! from the packets.

use std::net::IpAddr;

use labels::{Class, Expect};

/// An activity, or one occasion of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActivityId {
    /// Number of the activity within its scenario; 0 is the background.
    pub number: u16,
    /// Which of its occasions, where each is an event of its own, from 1; 0 where they are one event.
    pub occasion: u32,
}

impl ActivityId {
    /// Ordinary traffic that no event records.
    pub const BACKGROUND: ActivityId = ActivityId::whole(0);

    /// The activity of that number, as a whole.
    pub const fn whole(number: u16) -> ActivityId {
        ActivityId {
            number,
            occasion: 0,
        }
    }

    /// What a scenario says of it, in its list of activities.
    pub fn of(self, activities: &[Activity]) -> Option<&Activity> {
        activities.get(usize::from(self.number))
    }
}

/// What a packet is to its activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Begins something on the activity's own account: a probe, a connection, a question.
    Stimulus,
    /// Goes on with it: the rest of the connection, another try.
    Sequel,
    /// Sent in answer to something.
    Answer,
}

/// Why a packet was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    // The activity it belongs to, taken apart: so it takes eight bytes, of which a flood moves many.
    number: u16,
    /// What it is to it.
    pub role: Role,
    occasion: u32,
}

impl Cause {
    /// A stimulus of that activity.
    pub fn stimulus(activity: ActivityId) -> Self {
        Cause {
            number: activity.number,
            role: Role::Stimulus,
            occasion: activity.occasion,
        }
    }

    /// The activity it belongs to.
    pub fn activity(self) -> ActivityId {
        ActivityId {
            number: self.number,
            occasion: self.occasion,
        }
    }

    /// What goes on with what a packet of this cause began.
    #[must_use]
    pub fn continued(self) -> Self {
        match self.role {
            Role::Stimulus => Cause {
                role: Role::Sequel,
                ..self
            },
            Role::Sequel | Role::Answer => self,
        }
    }

    /// The answer to a packet of this cause.
    #[must_use]
    pub fn answered(self) -> Self {
        Cause {
            role: Role::Answer,
            ..self
        }
    }
}

/// A packet and why it was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The packet.
    pub packet: wire::Packet,
    /// Why.
    pub cause: Cause,
}

/// What a scenario says of an activity.
#[derive(Clone, Debug)]
pub struct Activity {
    /// Its name in the scenario.
    pub name: String,
    /// What it is to a sensor that sees its stimuli; `None` for background.
    pub class: Option<Class>,
    /// What it is to a sensor that sees only the answers.
    pub echo: Option<Class>,
    /// What a detector should do, where the class's verdict does not say it.
    pub expect: Option<Expect>,
    /// The tool or application.
    pub tool: Option<String>,
    /// The host that really does it.
    pub actor: Option<IpAddr>,
    /// Whether each occasion, such as a conversation or a lookup, is an event of its own.
    pub apart: bool,
    /// The activity of connections that its targets open in return.
    pub callback: Option<ActivityId>,
    /// When its minimum evidence exists.
    pub evident: Option<Minimum>,
    /// What its frames are where no event records them.
    pub label: Option<Class>,
    /// Whether a tool does it, whose pace is told; an application goes as people do.
    pub by_tool: bool,
    /// The mean gap that its tool was asked for, in nanoseconds, of all who run it together; `None` where nobody asked.
    pub gap: Option<u64>,
    /// The facts that make it what it is.
    pub because: Vec<String>,
    /// Blocks from which it forges sources.
    pub forged: Vec<ipnet::IpNet>,
}

impl Activity {
    /// The background, activity 0.
    pub fn background() -> Activity {
        Activity {
            name: "background".into(),
            class: None,
            echo: None,
            expect: None,
            tool: None,
            actor: None,
            apart: false,
            callback: None,
            evident: None,
            label: None,
            by_tool: false,
            gap: None,
            because: Vec::new(),
            forged: Vec::new(),
        }
    }
}

/// The least that shows an activity for what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minimum {
    /// How many.
    pub count: u64,
    /// Of what.
    pub of: Countable,
}

/// What a [`Minimum`] counts, per sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Countable {
    /// Different target ports.
    Ports,
    /// Different targets.
    Targets,
    /// Stimuli, or answers where the sensor sees no stimuli.
    Packets,
}

impl Minimum {
    /// The words a scenario file may use, with what they count.
    pub const WORDS: [(&'static str, Countable); 3] = [
        ("distinct ports", Countable::Ports),
        ("distinct targets", Countable::Targets),
        ("packets", Countable::Packets),
    ];

    /// Reads `2 distinct ports`, `3 distinct targets`, `10 packets`.
    pub fn parse(text: &str) -> Option<Minimum> {
        let (count, words) = text.split_once(' ')?;
        let (_, of) = Minimum::WORDS
            .iter()
            .find(|(name, _)| *name == words.trim())?;
        let count = count.parse().ok().filter(|count| *count > 0)?;
        Some(Minimum { count, of: *of })
    }
}

impl std::fmt::Display for Minimum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = Minimum::WORDS
            .iter()
            .find(|(_, of)| *of == self.of)
            .map_or("", |(name, _)| name);
        write!(f, "{} {words}", self.count)
    }
}
