//! What is known of pairs, services and sources: what rules ask, and what they tell.

use wire::Timestamp;

use super::State;
use super::pairs::Pair;
use crate::address::{Address, Service};
use crate::news::Moment;

impl State {
    /// When `source` last opened a conversation with `target`, and whether the two have exchanged data.
    pub(crate) fn pair(&self, source: Address, target: Address) -> Pair {
        self.pairs.get(source, target)
    }

    /// Whether data has flowed between the two, whoever began.
    pub(crate) fn are_friends(&self, a: Address, b: Address) -> bool {
        self.pair(a, b).friends || self.pair(b, a).friends
    }

    /// Whether data has flowed between the two, more than answers to the question whether one is there.
    pub(crate) fn have_talked(&self, a: Address, b: Address) -> bool {
        self.pair(a, b).talked || self.pair(b, a).talked
    }

    /// Whether either has opened a conversation with the other, whatever came of it.
    pub(crate) fn have_met(&self, a: Address, b: Address) -> bool {
        let (there, back) = (self.pair(a, b), self.pair(b, a));
        there.friends || back.friends || there.opened.is_some() || back.opened.is_some()
    }

    /// What `source` sends to `target` from now on is taken for a trace of the route.
    pub(crate) fn mark_traced(&mut self, source: Address, target: Address) {
        self.pairs.mark_traced(source, target);
    }

    #[inline]
    pub(crate) fn is_flooded(&self, address: Address, port: u16) -> bool {
        self.services.is_flooded(address, port)
    }

    /// When the service last answered anybody.
    pub(crate) fn worked(&self, address: Address, port: u16) -> Option<Moment> {
        self.services.worked_at(address, port)
    }

    /// From now on SYNs to that service are counted only, or followed again; port 0 stands for all of the host.
    pub(crate) fn set_flooded(&mut self, service: Service, flooded: bool) {
        self.services.set_flooded(service, flooded);
    }

    #[inline]
    pub(crate) fn is_scanning(&self, source: Address) -> bool {
        self.sources.is_scanning(source)
    }

    /// From now on the probes of that source are counted only, or followed again.
    pub(crate) fn set_scanning(&mut self, source: Address, scanning: bool) {
        self.sources.set_scanning(source, scanning);
    }

    /// Whether it gives addresses away.
    pub(super) fn assigns(&self, source: Address) -> bool {
        self.sources.get(source).assigns
    }

    pub(super) fn mark_assigns(&mut self, source: Address) {
        self.sources.entry(source).assigns = true;
    }

    /// Whether that address was given to somebody after a moment.
    pub(super) fn was_given_after(&self, address: Address, moment: Timestamp) -> bool {
        let given = self.sources.get(address).given;
        given.is_some_and(|given| given >= moment)
    }

    pub(super) fn mark_given(&mut self, address: Address) {
        self.sources.entry(address).given = Some(self.clock);
    }

    /// Whether it resolves names for others.
    pub(crate) fn resolves(&self, source: Address) -> bool {
        self.sources.get(source).resolves
    }

    pub(super) fn mark_resolves(&mut self, source: Address) {
        self.sources.entry(source).resolves = true;
    }

    /// Whether a rule found it looking for hosts.
    pub(crate) fn is_walking(&self, source: Address) -> bool {
        self.sources.get(source).walks
    }

    /// Whether it has pinged hosts that are not there.
    pub(crate) fn is_seeking(&self, source: Address) -> bool {
        self.sources.get(source).seeks
    }

    pub(crate) fn mark_seeking(&mut self, source: Address) {
        self.sources.entry(source).seeks = true;
    }

    /// From now on what that source asks is the second stage of its walk.
    pub(crate) fn mark_walking(&mut self, source: Address) {
        self.sources.entry(source).walks = true;
    }

    /// Whether it has spoken with a chat server.
    pub(super) fn is_in_chat(&self, source: Address) -> bool {
        self.sources.get(source).chats
    }

    pub(super) fn mark_chats(&mut self, source: Address) {
        self.sources.entry(source).chats = true;
    }

    /// Whether its stack's SYNs look like those that programs make by hand.
    pub(crate) fn is_bare(&self, source: Address) -> bool {
        self.sources.get(source).bare
    }

    /// Whether it has spoken a peer-to-peer protocol.
    pub(super) fn is_peer(&self, source: Address) -> bool {
        self.sources.get(source).peers
    }

    pub(super) fn mark_peer(&mut self, source: Address) {
        self.sources.entry(source).peers = true;
    }

    /// With how many hosts it has exchanged data.
    pub(crate) fn friends(&self, source: Address) -> usize {
        usize::try_from(self.sources.get(source).friends).unwrap_or(usize::MAX)
    }

    /// Whether this sensor misses so much that silence says nothing of a single question.
    pub(crate) fn misses_much(&self) -> bool {
        self.sides.is_lossy()
    }

    /// How many answers to somebody are known of whose questions this sensor has missed, if it misses so much, and these are so
    /// many, that silence says nothing of what he asks.
    pub(crate) fn missed_answers_to(&self, asker: Address) -> usize {
        if self.sides.is_lossy() {
            self.missed.answers(asker)
        } else {
            0
        }
    }

    /// An answer to nothing, which says yes.
    pub(super) fn unasked(&mut self, asker: Address, (target, port): (Address, u16)) {
        // Who had turned to that host has done so again, and the sensor has missed it.
        if self.pair(asker, target).seen {
            self.sides.lost = self.sides.lost.saturating_add(1);
        }
        self.missed.answered(asker, Some(port));
        self.unasked_of_any(asker);
    }

    /// The same, whatever was asked: told apart only where the sensor has shown that it misses something.
    pub(super) fn unasked_of_any(&mut self, asker: Address) {
        if self.sides.misses_some() {
            self.missed.answered(asker, None);
        }
    }
}
