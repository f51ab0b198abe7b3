//! A management sensor that looks who its neighbours are.
//!
//! # What
//! A rogue-system sensor asks each host that it notices on its own segment for the list of ports with which the product
//! is shipped, UDP first, then TCP.
//!
//! # Why these facts
//! By its extent it is a scan. But it asks its own segment only (no router has touched its packets), it asks for the
//! ports of that list and for no other, by both protocols, and for the same ones at every neighbour. A scanner picks
//! ports of its own. Nothing of this proves who sent it: it says whose look it has, and the sources to ask about.
//!
//! # Evidence
//! How many ports of the list were asked, of how many neighbours.
//!
//! # Blind spots
//! An insider who takes the list for his own scan is taken for the sensor. A sensor whose list was changed is taken for
//! a scanner.
//!
//! # References
//! "McAfee Rogue System Detection Sensors": the lists for hosts and for services.

use labels::{Class, Finding, Transport};

use crate::config::Config;
use crate::contract::Rule;
use crate::docket::{Brief, Closing, Docket, Life};
use crate::extent::{Addresses, Ports};
use crate::news::{Attempt, Moment, News, NewsKind, NewsKinds, Technique};
use crate::report::{Draft, Examples, Findings, count, fact};
use crate::state::{Memory, State};
use crate::tools;

section! {
    /// When questions to neighbours are a sensor's.
    Limits "asset" {
        listed_udp: usize,
        listed_tcp: usize,
    }
}

/// What is known of one who asks its neighbours.
#[derive(Default)]
struct Sensor {
    udp: Ports,
    tcp: Ports,
    targets: Addresses,
    frames: Examples,
    /// It asked for something else, or somebody else.
    other: bool,
}

impl Brief for Sensor {
    type Key = crate::address::Address;
    type Limits = Limits;

    fn finding(&self, source: &Self::Key, life: &Life, _: &Limits) -> Option<Finding> {
        if self.other {
            return None;
        }
        let mut ports = self.udp.clone();
        ports.merge(&self.tcp);
        let draft = Draft {
            class: Class::RogueSystemSensor,
            tool: Some("mcafee-rsd"),
            sources: vec![source.to_ip().into()],
            targets: self.targets.blocks(),
            transport: Transport::Other,
            ports: ports.ranges(),
            span: life.activity?,
            detected: life.detected?,
            confidence: 0.7,
            evidence: vec![fact(
                "the ports with which a sensor is shipped, and no other, asked of neighbours",
                format!(
                    "{} of UDP and {} of TCP, of {}",
                    count(self.udp.len(), "port"),
                    count(self.tcp.len(), "port"),
                    count(self.targets.len(), "host")
                ),
                "a scanner chooses other ports, and asks beyond its segment",
                &self.frames,
            )],
        };
        Some(draft.finish())
    }
}

/// The rule.
pub(super) struct Asset {
    sensors: Docket<Sensor>,
}

impl Asset {
    pub(super) fn new(config: &Config) -> Self {
        Asset {
            sensors: Docket::new(config.get::<Memory>().cases, config.get()),
        }
    }

    fn asked(&mut self, attempt: &Attempt, now: Moment, findings: &mut Findings) {
        let udp = match attempt.technique {
            Technique::Udp => true,
            Technique::Syn => false,
            _ => return,
        };
        let key = attempt.source;
        let watched = self.sensors.peek(&key).is_some();
        // Only who begins as a sensor does is watched: UDP first.
        if !watched && !udp {
            return;
        }
        let fits = attempt.is_local() && tools::is_of_sensor(udp, attempt.dport);
        if !watched && !fits {
            return;
        }
        let sensor = &mut self.sensors.note(key, now, 1, findings).brief;
        if !fits {
            // Its user's own lookups and sessions go on.
            let errand = !attempt.raw && attempt.size > 0;
            sensor.other |= !errand;
            return;
        }
        let ports = if udp {
            &mut sensor.udp
        } else {
            &mut sensor.tcp
        };
        ports.insert(attempt.dport);
        sensor.targets.insert(attempt.target);
        sensor.frames.note(now.frame);
        self.sensors.judge(key, now, findings, |sensor, limits| {
            sensor.udp.len() >= limits.listed_udp && sensor.tcp.len() >= limits.listed_tcp
        });
    }
}

impl Rule for Asset {
    fn name(&self) -> &'static str {
        "asset"
    }

    fn hears(&self) -> NewsKinds {
        NewsKinds::of(&[NewsKind::Opening, NewsKind::MoreProbes])
    }

    fn hear(&mut self, news: &News, now: Moment, _: &mut State, findings: &mut Findings) {
        if let News::Opening(attempt) | News::MoreProbes(attempt) = news {
            self.asked(attempt, now, findings);
        }
    }

    fn close(&mut self, closing: Closing, _: &mut State, findings: &mut Findings) {
        self.sensors.close(closing, findings);
    }

    fn evicted(&self) -> u64 {
        self.sensors.evicted()
    }
}
