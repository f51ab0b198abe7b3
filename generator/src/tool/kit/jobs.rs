//! A stage at work on some targets: which visit is next.

use super::visits::{Visit, Visits};

/// A stage at work.
#[derive(Debug)]
pub struct Job {
    /// Number of the stage.
    pub stage: usize,
    /// Numbers of its targets among the tool's.
    pub hosts: Vec<usize>,
    /// The ports that each of them is visited at, where they were found and differ.
    pub found: Option<Vec<(usize, u16)>>,
    visits: Visits,
    /// Time to live of the first hop, hops, and probes a hop, of a trace.
    hops: Option<(u8, u64, u64)>,
    /// The next visit: its number, and in which pass and where in it that is.
    next: u64,
    round: u64,
    place: u64,
    count: u64,
    rounds: u64,
    /// Probes that wait.
    pub open: u64,
    /// Whether the next visit waits for room among them.
    pub waits: bool,
    /// Whether all visits are made.
    pub done: bool,
    /// The target that is being worked on, and the second in which that began.
    pub current: Option<(usize, u64)>,
}

/// The next visit.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Whom, where and with what.
    pub visit: Visit,
    /// Visits of the stage before it; of this target, in a trace.
    pub number: u64,
    /// Passes before it.
    pub round: u64,
    /// Its time to live, in a trace.
    pub hop: Option<u8>,
}

impl Job {
    /// A stage that begins.
    pub fn new(
        stage: usize,
        hosts: Vec<usize>,
        found: Option<Vec<(usize, u16)>>,
        visits: Visits,
        hops: Option<(u8, u8, u64)>,
        (count, rounds): (u64, u64),
    ) -> Job {
        Job {
            stage,
            hosts,
            found,
            visits,
            hops: hops.map(|(first, last, each)| (first, u64::from(last - first) + 1, each)),
            next: 0,
            round: 0,
            place: 0,
            count,
            rounds,
            open: 0,
            waits: false,
            done: false,
            current: None,
        }
    }

    /// The next visit, without taking it; `None` when there is none.
    #[inline]
    pub fn peek(&self) -> Option<Step> {
        if let Some((first, hops, each)) = self.hops {
            return self.peek_hop(first, hops * each, each);
        }
        let left = self.next < self.count && self.round < self.rounds;
        (left && self.visits.total() > 0).then(|| Step {
            visit: self.visits.get(self.place),
            number: self.next,
            round: self.round,
            hop: None,
        })
    }

    fn peek_hop(&self, first: u8, per_host: u64, each: u64) -> Option<Step> {
        let host = usize::try_from(self.next / per_host).ok()?;
        let within = self.next % per_host;
        (host < self.hosts.len()).then_some(())?;
        let hop = u8::try_from(u64::from(first) + within / each).ok()?;
        Some(Step {
            visit: Visit {
                host,
                port: 0,
                probe: 0,
            },
            number: within,
            round: 0,
            hop: Some(hop),
        })
    }

    /// The target of a visit, by its number among the tool's.
    #[inline]
    pub fn host_of(&self, step: Step) -> usize {
        let at = step.visit.host;
        let host = match &self.found {
            Some(pairs) => pairs.get(at).map(|(host, _)| *host),
            None => self.hosts.get(at).copied(),
        };
        host.unwrap_or(0)
    }

    /// Takes the next visit.
    #[inline]
    pub fn advance(&mut self) {
        self.next += 1;
        self.place += 1;
        if self.place == self.visits.total() {
            self.place = 0;
            self.round += 1;
        }
    }

    /// Whether the visit that comes begins another pass.
    pub fn begins_round(&self) -> bool {
        self.hops.is_none() && self.round > 0 && self.place == 0
    }

    /// A trace has come to its target: what remains are the other probes of that hop.
    pub fn reached(&mut self, host: usize, hop: u8) {
        let Some((first, hops, each)) = self.hops else {
            return;
        };
        let per_host = hops * each;
        let Some(at) = self.hosts.iter().position(|known| *known == host) else {
            return;
        };
        let end_of_hop = at as u64 * per_host + (u64::from(hop.saturating_sub(first)) + 1) * each;
        let end_of_host = (at as u64 + 1) * per_host;
        if self.next >= end_of_hop && self.next < end_of_host {
            self.next = end_of_host;
        }
    }
}
