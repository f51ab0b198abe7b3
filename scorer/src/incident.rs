//! Alerts that are one mistake: same rule, same source, same target, gaps of up to 60 s.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexSet;
use jiff::Timestamp;
use labels::{AddressBlock, Class, Evidence, Family, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alert::{Alert, timestamp};
use crate::matching::When;

/// Alerts of one rule with one source and one target, no more than 60 s apart: one mistake, or one success.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// The rule that spoke.
    pub rule: String,
    /// The class it names.
    pub class: Option<Class>,
    /// The family it names without a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// Its conclusion; `None` for a rule the map does not know.
    pub verdict: Option<Verdict>,
    /// Whom it blames.
    pub sources: Vec<AddressBlock>,
    /// Whom it says this was aimed at.
    pub targets: Vec<AddressBlock>,
    /// When it was first raised.
    pub raised: Timestamp,
    /// The earliest time it speaks of.
    pub start: Timestamp,
    /// The latest time it speaks of.
    pub end: Timestamp,
    /// The frame at which it was first raised.
    pub frame: Option<u64>,
    /// How many alerts it holds, repeats included.
    pub alerts: u64,
    /// Why, in the words of the first alert of its rule, source and target; empty where the event deserved one.
    pub evidence: Vec<Evidence>,
}

/// The longest gap within an incident, protocol `crywolf-1`.
pub(crate) const GAP_NS: i64 = 60_000_000_000;

/// What the alerts of an incident share.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    place: Place,
    rule: Arc<str>,
    class: Option<Class>,
    family: Option<Family>,
    verdict: Option<Verdict>,
    sources: Vec<AddressBlock>,
    targets: Vec<AddressBlock>,
}

/// Alerts of one key without a gap; at first one alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    key: u32,
    start: i64,
    end: i64,
    raised: i64,
    /// 0 for an unknown one.
    frame: u64,
    alerts: u64,
}

/// So many groups are joined where they can be, before more are taken.
const MANY: usize = 1 << 20;

/// Where an alert fell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    /// To the event of that place in the truth.
    Event(u32),
    /// To none.
    Background,
}

/// The alerts of a capture, on the way to incidents.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// Numbered as they came.
    keys: IndexSet<Key>,
    groups: Vec<Group>,
    /// How many groups there may be before they are joined.
    room: usize,
    /// By the number of the key, the evidence of its earliest alert.
    reasons: Vec<Option<(i64, Vec<Evidence>)>>,
}

impl Book {
    /// Takes an alert down, with its evidence where `with_evidence`.
    pub(crate) fn enter(&mut self, place: Place, alert: Alert, when: When, with_evidence: bool) {
        let verdict = alert.conclusion();
        let sorted = |mut blocks: Vec<AddressBlock>| {
            blocks.sort_unstable();
            blocks.dedup();
            blocks
        };
        let (key, is_new) = self.keys.insert_full(Key {
            place,
            rule: alert.rule,
            class: alert.class,
            family: alert.family.filter(|_| alert.class.is_none()),
            verdict,
            sources: sorted(alert.sources),
            targets: sorted(alert.targets),
        });
        if is_new {
            self.reasons.push(None);
        }
        if self.groups.len() >= self.room {
            self.join();
        }
        self.groups.push(Group {
            key: u32::try_from(key).unwrap_or(u32::MAX),
            start: when.start,
            end: when.end,
            raised: when.raised,
            frame: alert.frame.unwrap_or(0),
            alerts: alert.count.max(1),
        });
        if with_evidence && let Some(reason) = self.reasons.get_mut(key) {
            let comes_first = reason.as_ref().is_none_or(|(raised, known)| {
                (when.raised.cmp(raised))
                    .then_with(|| evidence_key(&alert.evidence).cmp(evidence_key(known)))
                    .is_lt()
            });
            if comes_first {
                *reason = Some((when.raised, alert.evidence));
            }
        }
    }

    /// Joins what belongs together, so that memory grows with incidents and not with alerts.
    fn join(&mut self) {
        self.groups.sort_unstable();
        self.groups.dedup_by(|later, group| group.takes(later));
        self.room = MANY.max(2 * self.groups.len());
    }

    /// The incidents, by place, in order of time.
    pub(crate) fn close(mut self) -> BTreeMap<Place, Vec<Incident>> {
        self.join();
        let mut incidents: BTreeMap<Place, Vec<Incident>> = BTreeMap::new();
        // Keys are numbered as they came, groups sorted by that number: each key meets its own groups.
        let groups = self.groups.chunk_by(|a, b| a.key == b.key);
        for ((key, groups), reason) in self.keys.iter().zip(groups).zip(self.reasons) {
            let evidence = reason.map(|(_, evidence)| evidence).unwrap_or_default();
            let list = incidents.entry(key.place).or_default();
            list.extend((groups.iter()).map(|group| group.incident(key, &evidence)));
        }
        for list in incidents.values_mut() {
            list.sort_by(|a, b| order(a).cmp(&order(b)));
        }
        incidents
    }
}

impl Group {
    /// Takes in a group that begins no earlier, where the two are one incident.
    fn takes(&mut self, later: &Group) -> bool {
        let joins = later.key == self.key && later.start.saturating_sub(self.end) <= GAP_NS;
        if joins {
            self.end = self.end.max(later.end);
            self.alerts = self.alerts.saturating_add(later.alerts);
            (self.raised, self.frame) = (self.raised, self.frame).min((later.raised, later.frame));
        }
        joins
    }

    fn incident(self, shared: &Key, evidence: &[Evidence]) -> Incident {
        Incident {
            rule: shared.rule.to_string(),
            class: shared.class,
            family: shared.family,
            verdict: shared.verdict,
            sources: shared.sources.clone(),
            targets: shared.targets.clone(),
            raised: timestamp(self.raised),
            start: timestamp(self.start),
            end: timestamp(self.end),
            frame: (self.frame != 0).then_some(self.frame),
            alerts: self.alerts,
            evidence: evidence.to_vec(),
        }
    }
}

type Order<'a> = (
    jiff::Timestamp,
    &'a str,
    (Option<Class>, Option<Family>),
    Option<Verdict>,
    &'a [AddressBlock],
    &'a [AddressBlock],
    jiff::Timestamp,
);

/// By time, then by what tells two incidents apart, so that the order of the alerts never shows.
fn order(incident: &Incident) -> Order<'_> {
    (
        incident.raised,
        &incident.rule,
        (incident.class, incident.family),
        incident.verdict,
        &incident.sources,
        &incident.targets,
        incident.start,
    )
}

/// Evidence in an order of its own.
pub(crate) fn evidence_key(
    evidence: &[Evidence],
) -> impl Iterator<Item = (&str, &str, &str, &[u64])> {
    evidence.iter().map(|fact| {
        let (observed, expected) = (fact.observed.as_str(), fact.expected.as_str());
        (fact.fact.as_str(), observed, expected, &fact.frames[..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn enter(book: &mut Book, rule: &str, second: i64) {
        let alert = Alert::at(Timestamp::from_second(second).unwrap(), rule);
        let when = When::of(&alert, 0, false);
        book.enter(Place::Background, alert, when, true);
    }

    fn counts(book: Book) -> Vec<u64> {
        let mut incidents = book.close();
        let list = incidents.remove(&Place::Background).unwrap_or_default();
        list.iter().map(|incident| incident.alerts).collect()
    }

    #[test]
    fn a_gap_of_sixty_seconds_joins_and_a_longer_one_parts() {
        let mut book = Book::default();
        for second in [0, 60, 120, 181] {
            enter(&mut book, "a", second);
        }
        assert_eq!(counts(book), [3, 1]);
    }

    #[test]
    fn to_join_early_changes_nothing() {
        let seconds = [0, 200, 60, 140, 500, 100, 421, 440];
        let counted = |early: bool| {
            let mut book = Book::default();
            for second in seconds {
                enter(&mut book, if second % 200 == 0 { "a" } else { "b" }, second);
                if early {
                    book.join();
                }
            }
            counts(book)
        };
        assert_eq!(counted(true), counted(false));
    }

    #[test]
    fn rules_do_not_share_an_incident() {
        let mut book = Book::default();
        enter(&mut book, "a", 0);
        enter(&mut book, "b", 0);
        assert_eq!(counts(book), [1, 1]);
    }

    #[test]
    fn a_long_alert_bridges_what_it_spans() {
        let mut book = Book::default();
        let second = |s| Timestamp::from_second(s).unwrap();
        let long = Alert {
            end: second(100),
            ..Alert::at(second(0), "a")
        };
        let when = When::of(&long, 0, false);
        book.enter(Place::Background, long, when, true);
        enter(&mut book, "a", 10);
        enter(&mut book, "a", 160);
        assert_eq!(counts(book), [3]);
    }
}
