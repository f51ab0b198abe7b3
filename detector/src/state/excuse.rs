//! Why an attempt that led to nothing is held against nobody.
//!
//! Asked once per attempt, when it has settled, in the order of [`Excuse`]; the first that holds is the answer. What a
//! rule makes of it is the rule's: a scan rule leaves excused attempts out, rules that explain look for theirs.
//!
//! 1. `Trace`: a rule found the source tracing the route to the target.
//! 2. `Ident`: a query of the ident service of a host that has just connected to the asker (RFC 1413).
//! 3. `Callback`: the target had just opened a conversation with the source.
//! 4. `Guest`: the target is in a chat, and is asked at ports of proxies: servers and those in the room do so.
//! 5. `Peer`: the source speaks a peer-to-peer protocol with some, and others at programs' ports are gone.
//! 6. `Assignment`: a host that gives addresses away tries one before it does, itself or through a relay.
//! 7. `ServiceDied`: the service had answered before and now refuses, or no longer answers one that it had served.
//! 8. `Named`: a name was just resolved to this address for this client, or asked for if the answer was not caught.
//! 9. `OtherFamily`: within seconds, the same port was reached over the other version of IP (RFC 8305).
//! 10. `Outage`: several clients that had been served before fail, and nobody has been served since.
//! 11. `Missed`: the sensor sees about as many answers without a question as questions without an answer.

use super::State;
use crate::address::Address;
use crate::news::{Attempt, Excuse, Outcome, Technique};
use crate::tools;

/// Port of the ident service, RFC 1413.
const IDENT: u16 = 113;
/// Port from which FTP servers open connections for data.
const FTP_DATA: u16 = 20;

impl State {
    pub(super) fn excuse(&mut self, attempt: &Attempt, outcome: Outcome) -> Option<Excuse> {
        let (source, target) = (attempt.source, attempt.target);
        let opened = attempt.opened.time;
        let limits = &self.context.limits;
        if self.pair(source, target).traced {
            return Some(Excuse::Trace);
        }
        let called = self
            .pair(target, source)
            .opened
            .filter(|call| call.frame < attempt.opened.frame);
        let since = called.map(|call| opened.nanos_since(call.time));
        if attempt.dport == IDENT
            && attempt.technique == Technique::Syn
            && since.is_some_and(|nanos| nanos <= limits.ident_within.nanos())
        {
            return Some(Excuse::Ident);
        }
        // An FTP server opens a connection for each file, however long the session lasts: RFC 959 section 3.2.
        let data = attempt.sport == FTP_DATA && !tools::is_system(attempt.dport) && attempt.friend;
        if since.is_some_and(|nanos| nanos <= limits.callback_within.nanos() || data) {
            return Some(Excuse::Callback);
        }
        if attempt.technique == Technique::Syn
            && crate::tools::PROXIES.contains(&attempt.dport)
            && self.is_in_chat(target)
        {
            return Some(Excuse::Guest);
        }
        if matches!(attempt.technique, Technique::Syn | Technique::Udp)
            && !tools::is_system(attempt.dport)
            && !attempt.raw
            && self.is_peer(source)
        {
            return Some(Excuse::Peer);
        }
        if matches!(attempt.technique, Technique::Arp | Technique::Echo)
            && (self.assigns(source) || self.was_given_after(target, opened))
        {
            return Some(Excuse::Assignment);
        }
        if attempt.technique == Technique::Arp {
            let missed = self.sides.is_lossy() && self.missed.silent(source, None);
            return missed.then_some(Excuse::Missed);
        }
        if self.service_died(attempt, outcome) {
            return Some(Excuse::ServiceDied);
        }
        if self.names.means(source, target, attempt.dport, opened) {
            return Some(Excuse::Named);
        }
        if self.has_turned(attempt) {
            return Some(Excuse::OtherFamily);
        }
        if self.is_outage(source, outcome) {
            return Some(Excuse::Outage);
        }
        self.is_missed(source, attempt.dport, outcome)
            .then_some(Excuse::Missed)
    }

    /// Whether the same was reached over the other version of IP.
    pub(super) fn has_turned(&self, attempt: &Attempt) -> bool {
        let opened = attempt.opened.time;
        let within = self.context.limits.other_family_within.nanos();
        attempt.technique == Technique::Syn
            && !attempt.raw
            && (self.context).other_family(attempt, opened, opened.plus_nanos(within))
    }

    fn service_died(&self, attempt: &Attempt, outcome: Outcome) -> bool {
        let worked = self.worked(attempt.target, attempt.dport).is_some();
        worked
            && !attempt.raw
            && match outcome {
                Outcome::Refused | Outcome::Unreachable => true,
                Outcome::Silent => attempt.friend,
                Outcome::Torn | Outcome::Abandoned | Outcome::Empty => false,
            }
    }

    fn is_outage(&mut self, source: Address, outcome: Outcome) -> bool {
        if !matches!(outcome, Outcome::Silent | Outcome::Unreachable) || self.friends(source) == 0 {
            return false;
        }
        self.context.fails(source)
    }

    /// Whether it is one of those whose answers the sensor has missed.
    fn is_missed(&mut self, asker: Address, port: u16, outcome: Outcome) -> bool {
        let lossy = self.sides.is_lossy();
        match outcome {
            Outcome::Refused | Outcome::Unreachable => false,
            Outcome::Silent => {
                let of_all = lossy && self.missed.silent(asker, None);
                self.missed.silent(asker, Some(port)) || of_all
            }
            // What came next was missed.
            Outcome::Torn | Outcome::Abandoned | Outcome::Empty => lossy,
        }
    }
}
