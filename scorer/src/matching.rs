//! Does an alert fit an event? Time, who, transport; and how near its class comes.
//!
//! **Time.** What the alert speaks of, from its start to its end, shares a moment with the event's first frame to
//! its last plus the detector's latency, and it was not raised before the event's first frame, nor later than its
//! latency after the last (but for a detector that says so). Both ends give way by the clock tolerance. An alert that knows one time only is a span of no length, for which this is
//! `start <= time <= end + latency`. Stamps that are coarser than the tolerance widen both ends by what they hide.
//!
//! **Who.** The strongest evidence that the alert carries decides, and no weaker one can mend it: frames, then the
//! Community ID, then source and target together, then the one address it has. What the truth cannot answer is as
//! good as absent: a frame beyond the capture, a Community ID when the caller gave none of the capture's.
//!
//! **Transport** must be equal where the alert states one. An event that uses several agrees with each.
//!
//! **Ports** only rank events that fit equally well.

use std::cmp::Reverse;

use labels::{AddressBlock, Class, Event, Expect, Family, Transport, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Options;
use crate::alert::{Alert, nanos};
use crate::blocks::Blocks;

/// By what an alert was matched to an event, from the weakest.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// Nothing but the time: it names nobody, and one event alone was under way.
    Weak,
    /// The one address it names.
    Address,
    /// Source and target.
    Pair,
    /// The Community ID of a flow.
    CommunityId,
    /// A frame.
    Frame,
}

/// How near an alert comes to an event's class, from the farthest.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ClassGrade {
    /// Another verdict.
    None,
    /// The same verdict.
    Verdict,
    /// The same family.
    Family,
    /// The very class.
    Class,
}

impl ClassGrade {
    /// How near a statement of `class`, `family` and `verdict` comes to `truth`.
    pub fn of(
        class: Option<Class>,
        family: Option<Family>,
        verdict: Verdict,
        truth: Class,
    ) -> ClassGrade {
        if class == Some(truth) {
            ClassGrade::Class
        } else if family == Some(truth.family()) {
            ClassGrade::Family
        } else if verdict == truth.verdict() {
            ClassGrade::Verdict
        } else {
            ClassGrade::None
        }
    }
}

/// The time an alert speaks of, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct When {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) raised: i64,
    /// An event that it fits has not ended before this, allowing for what its stamps may hide,
    earliest: i64,
    /// and has begun by this.
    latest: i64,
}

impl When {
    /// The time of an alert whose stamps are as coarse as `give`. One that may be raised late speaks of events that ended
    /// long before it.
    pub(crate) fn of(alert: &Alert, give: i64, raised_late: bool) -> When {
        let [start, end, raised] = [alert.start, alert.end, alert.time].map(nanos);
        let earliest = if raised_late {
            start
        } else {
            start.max(raised)
        };
        When {
            start,
            end,
            raised,
            earliest: earliest.saturating_sub(give),
            latest: end.min(raised).saturating_add(give),
        }
    }

    /// All of time.
    pub(crate) const ALWAYS: When = When {
        start: i64::MIN,
        end: i64::MAX,
        raised: 0,
        earliest: i64::MIN,
        latest: i64::MAX,
    };

    /// An event that it fits has not ended before the first of these, and has begun by the second.
    pub(crate) fn reach(&self) -> (i64, i64) {
        (self.earliest, self.latest)
    }

    /// The least and the greatest by which its clock may be ahead for it to speak of a subject.
    pub(crate) fn shifts(&self, subject: &Subject<'_>) -> (i64, i64) {
        let least = self.earliest.saturating_sub(subject.until);
        (least, self.latest.saturating_sub(subject.from))
    }
}

/// An event, prepared to be matched.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) event: &'a Event,
    /// Its first frame, less the tolerance.
    pub(crate) from: i64,
    /// Its last frame, plus latency and tolerance.
    pub(crate) until: i64,
    length: i128,
    sources: Blocks,
    targets: Blocks,
    either_way: bool,
}

impl<'a> Subject<'a> {
    /// Prepares an event for a detector.
    pub(crate) fn new(event: &'a Event, options: &Options) -> Subject<'a> {
        let (latency, tolerance) = options.window();
        let actor = event.actor.map(AddressBlock::from);
        Subject {
            event,
            from: nanos(event.start).saturating_sub(tolerance),
            until: nanos(event.end)
                .saturating_add(latency)
                .saturating_add(tolerance),
            length: event.end.as_nanosecond() - event.start.as_nanosecond(),
            sources: event.sources.iter().copied().chain(actor).collect(),
            targets: event.targets.iter().copied().collect(),
            either_way: is_either_way(event.class),
        }
    }

    /// The addresses that play a role in it.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = AddressBlock> {
        let event = self.event;
        let actor = event.actor.map(AddressBlock::from);
        (event.sources.iter().chain(&event.targets).copied()).chain(actor)
    }

    /// Whether the alert's time allows it to speak of this event.
    pub(crate) fn is_in_time(&self, when: When) -> bool {
        let (earliest, latest) = when.reach();
        earliest <= self.until && latest >= self.from
    }

    /// Whether the alert, which `strength` led here, agrees on all but the time.
    pub(crate) fn agrees(&self, alert: &Alert, strength: Strength) -> bool {
        let by_name = strength <= Strength::Pair;
        self.agrees_on_transport(alert) && (!by_name || self.agrees_on_addresses(alert))
    }

    /// Whether the alert's transport, if it states one, is this event's.
    fn agrees_on_transport(&self, alert: &Alert) -> bool {
        let own = self.event.transport;
        let agrees = |stated| stated == own || [stated, own].contains(&Transport::Other);
        alert.transport.is_none_or(agrees)
    }

    /// Whether the addresses that the alert names play the roles it gives them. True for one that names none.
    fn agrees_on_addresses(&self, alert: &Alert) -> bool {
        let (from, to) = (&alert.sources[..], &alert.targets[..]);
        match (from.is_empty(), to.is_empty()) {
            (true, true) => true,
            (false, false) => {
                self.pair_fits(from, to) || (self.either_way && self.pair_fits(to, from))
            }
            _ => [from, to]
                .iter()
                .any(|side| self.sources.cover_any(side) || self.targets.cover_any(side)),
        }
    }

    /// Whether the truth leaves one of its roles open, so that one address alone leads to it.
    pub(crate) fn is_half_open(&self) -> bool {
        self.sources.is_empty() != self.targets.is_empty()
    }

    /// Whether `from` and `to` are its source and target: at least half of each, since to blame everybody is to blame
    /// nobody. A role that the truth leaves open agrees with everybody, both together with nobody.
    fn pair_fits(&self, from: &[AddressBlock], to: &[AddressBlock]) -> bool {
        let fits = |role: &Blocks, named| role.is_empty() || role.cover_half(named);
        !(self.sources.is_empty() && self.targets.is_empty())
            && fits(&self.sources, from)
            && fits(&self.targets, to)
    }

    /// How well the alert fits, to be compared with its fit to other events: the greatest gets the credit.
    pub(crate) fn rank(&self, alert: &Alert, verdict: Verdict, strength: Strength) -> Rank {
        Rank {
            strength,
            deserved: match self.event.expect {
                _ if !verdict.is_alerting() => 0,
                Expect::Alert => 2,
                Expect::May => 1,
                Expect::Silence => 0,
            },
            class_grade: ClassGrade::of(
                alert.class,
                alert.named_family(),
                verdict,
                self.event.class,
            ),
            shares_port: share_port(alert, self.event),
            shorter: Reverse(self.length),
            later: self.from,
            id: Reverse(self.event.id.0),
        }
    }
}

/// The order in which events compete for an alert, the first field first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    pub(crate) strength: Strength,
    /// An alert goes rather to an event that deserves one, on equal evidence.
    deserved: u8,
    pub(crate) class_grade: ClassGrade,
    shares_port: bool,
    shorter: Reverse<i128>,
    later: i64,
    id: Reverse<u32>,
}

/// Whether who asked and who answered cannot be told from what the wire shows: answers to forged questions, and
/// two services that answer each other.
fn is_either_way(class: Class) -> bool {
    class.verdict() == Verdict::Backscatter || class == Class::EchoChargenLoop
}

fn share_port(alert: &Alert, event: &Event) -> bool {
    alert.ports.iter().any(|said| {
        event
            .ports
            .iter()
            .any(|own| said.first() <= own.last() && own.first() <= said.last())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_graded_by_how_much_it_shares() {
        let grade = |class: Class, truth| {
            ClassGrade::of(Some(class), Some(class.family()), class.verdict(), truth)
        };
        assert_eq!(grade(Class::SynScan, Class::SynScan), ClassGrade::Class);
        assert_eq!(grade(Class::FinScan, Class::SynScan), ClassGrade::Family);
        assert_eq!(grade(Class::PingSweep, Class::SynScan), ClassGrade::Verdict);
        assert_eq!(grade(Class::SynFlood, Class::SynScan), ClassGrade::None);
        assert_eq!(
            ClassGrade::of(None, None, Verdict::Attack, Class::SynFlood),
            ClassGrade::Verdict
        );
        let family = Some(Family::PortScan);
        assert_eq!(
            ClassGrade::of(None, family, Verdict::Reconnaissance, Class::FinScan),
            ClassGrade::Family
        );
    }

    #[test]
    fn stronger_evidence_is_greater() {
        assert!(Strength::Frame > Strength::CommunityId);
        assert!(Strength::CommunityId > Strength::Pair);
        assert!(Strength::Pair > Strength::Address);
        assert!(Strength::Address > Strength::Weak);
    }
}
