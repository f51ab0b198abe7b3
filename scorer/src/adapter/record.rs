//! What one line says, before the map has said what that means.

use std::sync::Arc;

use jiff::Timestamp;
use labels::{AddressBlock, PortRange, Transport};

use super::fault::Fault;
use super::stamp::{Calendar, Stamp};
use crate::Alert;
use crate::map::{Blames, Conclusion, Named};

/// An alert as its line states it. What the line lacks stays empty.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) time: Stamp,
    pub(super) start: Option<Stamp>,
    pub(super) end: Option<Stamp>,
    pub(super) sources: Vec<AddressBlock>,
    pub(super) targets: Vec<AddressBlock>,
    pub(super) sport: Option<PortRange>,
    pub(super) dport: Option<PortRange>,
    pub(super) transport: Option<Transport>,
    pub(super) frame: Option<u64>,
    pub(super) community_id: Option<String>,
    /// What spoke, for people: number and message.
    pub(super) rule: String,
    pub(super) gid: Option<u64>,
    pub(super) sid: Option<u64>,
    pub(super) name: Option<String>,
    /// Where the map looks for words.
    pub(super) text: String,
    pub(super) category: Option<String>,
    pub(super) level: Option<u64>,
    pub(super) log: Option<String>,
    /// What it says of itself, which goes before the map.
    pub(super) said: Option<Conclusion>,
    pub(super) score: Option<f64>,
}

impl Record {
    /// A record that says no more than when, and what spoke.
    pub(super) fn new(time: Stamp, rule: String) -> Record {
        Record {
            time,
            start: None,
            end: None,
            sources: Vec::new(),
            targets: Vec::new(),
            sport: None,
            dport: None,
            transport: None,
            frame: None,
            community_id: None,
            rule,
            gid: None,
            sid: None,
            name: None,
            text: String::new(),
            category: None,
            level: None,
            log: None,
            said: None,
            score: None,
        }
    }

    /// What a map can ask for.
    pub(super) fn named(&self) -> Named<'_> {
        Named {
            gid: self.gid,
            sid: self.sid,
            name: self.name.as_deref(),
            text: &self.text,
            category: self.category.as_deref(),
            level: self.level,
            log: self.log.as_deref(),
        }
    }

    /// Gives the roles that the map says: who sent the packet is not always whom it accuses.
    pub(super) fn blame(&mut self, blames: Blames) {
        match blames {
            Blames::Source => {}
            Blames::Target => {
                std::mem::swap(&mut self.sources, &mut self.targets);
                std::mem::swap(&mut self.sport, &mut self.dport);
            }
            Blames::Either => {
                self.sources.append(&mut self.targets);
                (self.sport, self.dport) = (None, None);
            }
        }
    }

    /// The alert, of which `rule` is the shared text.
    ///
    /// # Errors
    /// A time of which nobody can tell when that is, and a span that runs backwards.
    pub(super) fn alert(
        self,
        rule: Arc<str>,
        conclusion: Option<&Conclusion>,
        calendar: &Calendar,
    ) -> Result<Alert, Fault> {
        let moment = |stamp: &Stamp| {
            let unknown =
                || Fault::Unreadable("its time names no year, and the capture has none".into());
            stamp.moment(calendar).ok_or_else(unknown)
        };
        let time = moment(&self.time)?;
        let or_time = |stamp: &Option<Stamp>| stamp.as_ref().map_or(Ok(time), moment);
        let (start, end): (Timestamp, Timestamp) = (or_time(&self.start)?, or_time(&self.end)?);
        if end < start {
            return Err(Fault::Wrong(format!(
                "it ends at {end}, before it starts at {start}"
            )));
        }
        let mut alert = Alert {
            start,
            end,
            sources: self.sources,
            targets: self.targets,
            ports: self.dport.into_iter().collect(),
            transport: self.transport,
            frame: self.frame,
            frames: self.frame.into_iter().collect(),
            community_id: self.community_id,
            score: self.score,
            ..Alert::at(time, rule)
        };
        match self.said.as_ref().or(conclusion) {
            Some(Conclusion::Class(class)) => alert.class = Some(*class),
            Some(Conclusion::Family(family)) => alert.family = Some(*family),
            Some(Conclusion::Verdict(verdict)) => alert.verdict = Some(*verdict),
            Some(Conclusion::Ignored(reason)) => alert.ignored = Some(Arc::clone(reason)),
            None => {}
        }
        Ok(alert)
    }
}

/// The address in a text; none in an empty one.
///
/// # Errors
/// A text that is no address.
pub(super) fn address(text: Option<&str>) -> Result<Vec<AddressBlock>, Fault> {
    match text {
        None | Some("") => Ok(Vec::new()),
        Some(text) => match text.parse() {
            Ok(address) => Ok(vec![address]),
            Err(_) => Err(Fault::Unreadable(format!("'{text}' is no address"))),
        },
    }
}

/// A single port; none where it is none.
pub(super) fn port(number: Option<u64>) -> Option<PortRange> {
    number
        .and_then(|port| u16::try_from(port).ok())
        .map(PortRange::single)
}

/// A port or a range of them, `20-36`.
pub(super) fn ports(text: &str) -> Option<PortRange> {
    match text.split_once('-') {
        Some((first, last)) => {
            PortRange::new(first.trim().parse().ok()?, last.trim().parse().ok()?)
        }
        None => text.parse().ok().map(PortRange::single),
    }
}

/// What carries it, by the names that logs use; none for other protocols.
pub(super) fn transport(name: Option<&str>) -> Option<Transport> {
    match name?.to_ascii_lowercase().as_str() {
        "tcp" => Some(Transport::Tcp),
        "udp" => Some(Transport::Udp),
        "icmp" | "icmpv6" | "icmp6" | "ipv6-icmp" => Some(Transport::Icmp),
        _ => None,
    }
}
