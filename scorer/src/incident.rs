//! Alerts that are one mistake: same rule, same source, same target, gaps of up to 60 s.

use std::collections::BTreeMap;
use std::sync::Arc;

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

/// What the alerts of an incident share. The place decides most comparisons, and the rule's text is compared once an
/// alert instead of once a step of the search.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    place: Place,
    rule: u32,
    class: Option<Class>,
    family: Option<Family>,
    verdict: Option<Verdict>,
    sources: Vec<AddressBlock>,
    targets: Vec<AddressBlock>,
}

/// One alert, as small as grouping allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Hit {
    key: u32,
    start: i64,
    end: i64,
    raised: i64,
    /// 0 for an unknown one.
    frame: u64,
    count: u64,
}

/// Where an alert fell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// To the event of that place in the truth.
    Event(u32),
    /// To none.
    Background,
}

/// The alerts of a capture, on the way to incidents.
#[derive(Debug, Default)]
pub(crate) struct Book {
    rules: BTreeMap<Arc<str>, u32>,
    keys: BTreeMap<Key, u32>,
    hits: Vec<Hit>,
    /// By key, the evidence of its earliest alert.
    reasons: BTreeMap<u32, (i64, Vec<Evidence>)>,
}

/// The number of `key`, which is the next one for a key not seen before.
fn number<K: Ord>(numbers: &mut BTreeMap<K, u32>, key: K) -> u32 {
    let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    *numbers.entry(key).or_insert(next)
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
        let key = Key {
            place,
            rule: number(&mut self.rules, alert.rule),
            class: alert.class,
            family: alert.family.filter(|_| alert.class.is_none()),
            verdict,
            sources: sorted(alert.sources),
            targets: sorted(alert.targets),
        };
        let key = number(&mut self.keys, key);
        self.hits.push(Hit {
            key,
            start: when.start,
            end: when.end,
            raised: when.raised,
            frame: alert.frame.unwrap_or(0),
            count: alert.count.max(1),
        });
        if with_evidence {
            let reason = (self.reasons.entry(key)).or_insert_with(|| (i64::MAX, Vec::new()));
            let order = (when.raised.cmp(&reason.0))
                .then_with(|| evidence_key(&alert.evidence).cmp(evidence_key(&reason.1)));
            if order.is_lt() {
                *reason = (when.raised, alert.evidence);
            }
        }
    }

    /// The incidents, by place, in order of time.
    pub(crate) fn close(mut self) -> BTreeMap<Place, Vec<Incident>> {
        self.hits.sort_unstable();
        let mut rules: Vec<(u32, Arc<str>)> = self.rules.into_iter().map(|(r, n)| (n, r)).collect();
        rules.sort_unstable_by_key(|(number, _)| *number);
        let mut keys: Vec<(u32, Key)> = self.keys.into_iter().map(|(k, n)| (n, k)).collect();
        keys.sort_unstable_by_key(|(number, _)| *number);
        let mut incidents: BTreeMap<Place, Vec<Incident>> = BTreeMap::new();
        // Keys are numbered as they came, hits sorted by that number: each key meets its own hits.
        let hits = self.hits.chunk_by(|a, b| a.key == b.key);
        for ((number, key), hits) in keys.into_iter().zip(hits) {
            let rule = rules.get(key.rule as usize).map_or("", |(_, rule)| rule);
            let reason = self.reasons.remove(&number);
            let evidence = reason.map(|(_, evidence)| evidence).unwrap_or_default();
            let list = incidents.entry(key.place).or_default();
            list.extend(split(hits).map(|group| group.incident(rule, &key, &evidence)));
        }
        for list in incidents.values_mut() {
            list.sort_by(|a, b| order(a).cmp(&order(b)));
        }
        incidents
    }
}

/// Alerts of one key without a gap.
#[derive(Clone, Copy, Debug)]
struct Group {
    start: i64,
    end: i64,
    raised: i64,
    frame: u64,
    alerts: u64,
}

impl Group {
    fn incident(self, rule: &str, shared: &Key, evidence: &[Evidence]) -> Incident {
        Incident {
            rule: rule.to_owned(),
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

/// Splits alerts of one key, sorted by start, at their gaps.
fn split(hits: &[Hit]) -> impl Iterator<Item = Group> {
    let mut groups: Vec<Group> = Vec::new();
    for hit in hits {
        match groups.last_mut() {
            Some(group) if hit.start.saturating_sub(group.end) <= GAP_NS => {
                group.end = group.end.max(hit.end);
                group.alerts = group.alerts.saturating_add(hit.count);
                if (hit.raised, hit.frame) < (group.raised, group.frame) {
                    (group.raised, group.frame) = (hit.raised, hit.frame);
                }
            }
            _ => groups.push(Group {
                start: hit.start,
                end: hit.end,
                raised: hit.raised,
                frame: hit.frame,
                alerts: hit.count,
            }),
        }
    }
    groups.into_iter()
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
        let when = When::of(&alert, 0);
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
        let when = When::of(&long, 0);
        book.enter(Place::Background, long, when, true);
        enter(&mut book, "a", 10);
        enter(&mut book, "a", 160);
        assert_eq!(counts(book), [3]);
    }
}
