//! What a detector said, whatever format it said it in.
//!
//! Adapters make these; the rest of the scorer knows nothing of formats.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use labels::{AddressBlock, Class, Evidence, Family, PortRange, Transport, Verdict};

/// One statement of a detector about a capture. What its format lacks stays empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// When it was raised: what time to detect is measured to.
    pub time: Timestamp,
    /// The time of the first frame it speaks of; `time` where the format knows only one.
    pub start: Timestamp,
    /// The time of the last frame it speaks of; `time` where the format knows only one.
    pub end: Timestamp,
    /// Whom it blames, or whom it speaks of as the origin.
    pub sources: Vec<AddressBlock>,
    /// Whom it says this was aimed at.
    pub targets: Vec<AddressBlock>,
    /// The ports it says this was aimed at.
    pub ports: Vec<PortRange>,
    /// What carries it.
    pub transport: Option<Transport>,
    /// The rule, signature or notice that spoke. Equal rules share the text.
    pub rule: Arc<str>,
    /// What the detector's map makes of the rule.
    pub class: Option<Class>,
    /// The family, where it is known without a class.
    pub family: Option<Family>,
    /// The conclusion, where it is known without a class or family.
    pub verdict: Option<Verdict>,
    /// Why it is none, where the detector's map says that its rule is to be passed over.
    pub ignored: Option<Arc<str>>,
    /// How sure the detector is, on a scale of its own: higher is surer.
    pub score: Option<f64>,
    /// Number of the frame at which it was raised, from 1.
    pub frame: Option<u64>,
    /// Numbers of frames that it says belong to it, from 1.
    pub frames: Vec<u64>,
    /// Community ID of the flow it speaks of.
    pub community_id: Option<String>,
    /// How many repeats it stands for, itself included.
    pub count: u64,
    /// Why, in the detector's words.
    pub evidence: Vec<Evidence>,
}

impl Alert {
    /// An alert of `rule` that was raised at `time` and says nothing else.
    pub fn at(time: Timestamp, rule: impl Into<Arc<str>>) -> Alert {
        Alert {
            time,
            start: time,
            end: time,
            sources: Vec::new(),
            targets: Vec::new(),
            ports: Vec::new(),
            transport: None,
            rule: rule.into(),
            class: None,
            family: None,
            verdict: None,
            ignored: None,
            score: None,
            frame: None,
            frames: Vec::new(),
            community_id: None,
            count: 1,
            evidence: Vec::new(),
        }
    }

    /// The same, by a clock that is `offset` behind the one it was stamped by.
    pub(crate) fn set_back(&mut self, offset: SignedDuration) {
        for time in [&mut self.time, &mut self.start, &mut self.end] {
            // It fails on calendar units only, which a duration has none of.
            *time = time.saturating_sub(offset).unwrap_or(*time);
        }
    }

    /// The same without frame numbers.
    pub(crate) fn forget_frames(&mut self) {
        self.frame = None;
        self.frames.clear();
    }

    /// What it concludes; `None` when the map knows its rule by neither class nor family nor verdict.
    pub fn conclusion(&self) -> Option<Verdict> {
        (self.verdict)
            .or(self.class.map(Class::verdict))
            .or(self.family.map(Family::verdict))
    }

    /// The family it names, by itself or by its class.
    pub fn named_family(&self) -> Option<Family> {
        self.class.map(Class::family).or(self.family)
    }

    /// Whether all its times lie on whole seconds.
    pub(crate) fn is_on_whole_seconds(&self) -> bool {
        ([self.time, self.start, self.end].iter()).all(|time| time.subsec_nanosecond() == 0)
    }

    /// Whether it calls something an attack or reconnaissance.
    pub fn is_alerting(&self) -> bool {
        self.conclusion().is_some_and(Verdict::is_alerting)
    }
}

/// A time in nanoseconds since 1970, clamped to what 64 bits hold (the years 1677 to 2262).
pub(crate) fn nanos(time: Timestamp) -> i64 {
    let nanos = time.as_nanosecond();
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

/// The time of that many nanoseconds since 1970.
pub(crate) fn timestamp(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanos))
        .expect("64 bits of nanoseconds lie within the range of time stamps")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_conclusion_follows_from_the_class() {
        let mut alert = Alert::at(Timestamp::UNIX_EPOCH, "r");
        assert_eq!(alert.conclusion(), None);
        alert.class = Some(Class::SynScan);
        assert_eq!(alert.conclusion(), Some(Verdict::Reconnaissance));
        alert.class = None;
        alert.verdict = Some(Verdict::Attack);
        assert!(alert.is_alerting());
    }

    #[test]
    fn times_beyond_64_bits_are_clamped() {
        assert_eq!(
            timestamp(nanos(Timestamp::UNIX_EPOCH)),
            Timestamp::UNIX_EPOCH
        );
        assert_eq!(nanos(Timestamp::MAX), i64::MAX);
        assert_eq!(nanos(Timestamp::MIN), i64::MIN);
    }
}
