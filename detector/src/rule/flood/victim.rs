//! What is known of the flood of one host.

use labels::{AddressBlock, Class, Evidence, Finding, Transport};

use super::insistence::Insistence;
use super::limits::Limits;
use crate::address::Address;
use crate::docket::{Brief, Life};
use crate::extent::{Addresses, Crowd, NAMED_SOURCES, Ports};
use crate::news::{FloodSyn, Moment};
use crate::report::{Draft, Examples, fact};
use crate::tools;

/// Whose part of a flood is smaller than an equal one by this factor takes no part in it.
const SHARE: u64 = 8;

/// SYNs of each source from which on its name is no draw.
const STEADY: u64 = 16;

/// What is known of the flood of one host.
#[derive(Default)]
pub(super) struct Victim {
    pub(super) ports: Ports,
    /// With how many SYNs each, as long as they are few.
    pub(super) sources: Vec<(Address, u64)>,
    pub(super) crowd: Crowd,
    pub(super) syns: u64,
    pub(super) accepted: u64,
    pub(super) refused: u64,
    /// Half-open connections that their source tore down.
    pub(super) torn: u64,
    pub(super) completed: u64,
    /// The sequence number that repeats.
    pub(super) isn: Option<u32>,
    pub(super) equal_isns: u64,
    /// Source ports or numbers that went on counting from name to name.
    pub(super) counted: u32,
    pub(super) insistence: Insistence,
    pub(super) examples: Examples,
}

impl Victim {
    pub(super) fn syn(&mut self, syn: &FloodSyn, now: Moment) {
        self.insistence.note(syn, now.time);
        self.syns += 1;
        self.equal_isns += u64::from(self.isn == Some(syn.isn));
        self.ports.insert(syn.service.port);
        self.name(syn.source, 1);
        self.crowd.add(syn.source);
    }

    pub(super) fn name(&mut self, source: Address, syns: u64) {
        if self.sources.len() > NAMED_SOURCES {
            return;
        }
        match self.sources.iter_mut().find(|(known, _)| *known == source) {
            Some((_, sent)) => *sent += syns,
            None => self.sources.push((source, syns)),
        }
    }

    fn is_forged(&self) -> bool {
        match self.crowd.count() {
            None => true,
            Some(sources) if self.is_steady(sources) => false,
            // True hosts would tear down what they did not mean, forged ones mostly do not exist.
            Some(sources) if sources >= 8 => self.torn * 4 < self.syns,
            Some(_) => {
                let accepted = self.accepted * 2 > self.syns;
                self.torn == 0 && (accepted || (self.isn.is_some() && self.refused == 0))
            }
        }
    }

    /// Whether names are not drawn anew, nor only one: who comes with a few, each again and again, has no others.
    fn is_steady(&self, sources: u64) -> bool {
        let several = match self.flooders() {
            Some(flooders) => flooders.count() as u64,
            None => sources,
        };
        several >= 2 && self.syns >= several * STEADY
    }

    /// Who takes part in the flood, where the sources are few: a client of the service has sent a few SYNs beside.
    fn flooders(&self) -> Option<impl Iterator<Item = Address>> {
        let few = self.sources.len() <= NAMED_SOURCES;
        let all: u64 = self.sources.iter().map(|(_, syns)| syns).sum();
        let least = all.div_ceil(SHARE * self.sources.len().max(1) as u64);
        let flooders = self.sources.iter().filter(move |(_, syns)| *syns >= least);
        few.then(|| flooders.map(|(source, _)| *source))
    }

    /// The sources one by one where they are few, else the smallest block that holds nine tenths of them.
    fn blocks(&self) -> Vec<AddressBlock> {
        if let Some(few) = self.flooders() {
            let mut flooders = Addresses::default();
            few.for_each(|source| flooders.insert(source));
            return flooders.blocks();
        }
        self.crowd.block().into_iter().collect()
    }
}

impl Victim {
    fn evidence(&self, limits: &Limits) -> Vec<Evidence> {
        let mut evidence = vec![fact(
            "SYNs that were never followed by a handshake",
            format!("{} SYNs, {} completed", self.syns, self.completed),
            format!(
                "completions, or retransmissions from the same port; at most {} open at a time",
                limits.level
            ),
            &self.examples,
        )];
        if let Some(isn) = self.isn {
            evidence.push(fact(
                "one sequence number for different ports or sources",
                format!("{isn} in {} SYNs", self.equal_isns),
                "a new one for each connection (RFC 9293 section 3.4.1)",
                &self.examples,
            ));
        }
        if self.counted >= limits.counted_ports {
            evidence.push(fact(
                "source ports or numbers that count on from one source to the next",
                format!("{} times", self.counted),
                "each source has its own",
                &self.examples,
            ));
        }
        evidence.push(fact(
            "sources and their reaction",
            format!(
                "{} sources; {} answers accept, {} refuse, {} torn down by the source",
                self.crowd.text(),
                self.accepted,
                self.refused,
                self.torn
            ),
            "a forged source knows of no connection and stays silent",
            [],
        ));
        evidence
    }
}

impl Brief for Victim {
    type Key = Address;
    type Limits = Limits;

    fn finding(&self, target: &Address, life: &Life, limits: &Limits) -> Option<Finding> {
        // Sessions that go on with data after all: a crowd. Stacks that insist: the clients of a host that is gone.
        let insists = self.isn.is_none() && self.insistence.is_of_stacks();
        if self.completed * 2 > self.syns || insists {
            return None;
        }
        let tool = self.isn.and_then(tools::flooder);
        let evidence = self.evidence(limits);
        // Nobody sends himself what comes over a wire.
        let own = self.sources.iter().any(|(source, _)| source == target);
        let draft = Draft {
            class: if own || self.is_forged() {
                Class::SpoofedSynFlood
            } else {
                Class::SynFlood
            },
            tool,
            sources: if own { Vec::new() } else { self.blocks() },
            targets: vec![target.to_ip().into()],
            transport: Transport::Tcp,
            ports: self.ports.ranges(),
            span: life.activity?,
            detected: life.detected?,
            confidence: if self.syns >= 100 || tool.is_some() {
                0.95
            } else {
                0.8
            },
            evidence,
        };
        Some(draft.finish())
    }
}
