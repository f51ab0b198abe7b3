//! A tool at work: it goes through its stages, sends, waits, tries again, and lets one stage's findings decide the next's.
//!
//! Not modelled: adaptive timing. A pace is what the file says, however many answers come.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use wire::{Packet, Timestamp};

use super::answer::Answer;
use super::calls::{Call, Calls, Results, neighbour};
use super::craft::PortOf;
use super::formula::Series;
use super::jobs::{Job, Step};
use super::pace::Pace;
use super::sources::Sources;
use super::stage::{Action, Found, Ports, Stage, Tool};
use super::values::{Name, Values};
use crate::activity::ActivityId;
use crate::blueprint::Cast;
use crate::conversation::dialogue::Sessions;
use crate::conversation::script::Stage as Script;
use crate::host::program::{Program, System};
use crate::host::socket::{SocketEvent, SocketId};
use crate::seed::Draws;

/// Packets sent for each timer reach so far ahead, in nanoseconds: one event for the many packets of a fast flood. Others
/// on the same line wait behind them, which a shorter step than a line's jitter keeps from showing.
const BATCH: u64 = 500_000;

/// Timer tokens: what they are about in the upper bits, which in the lower. Those of conversations have the top bit clear.
const OWN: u64 = 1 << 63;
const KIND_BITS: u32 = 60;
pub(super) const PACE: u64 = OWN;
pub(super) const CALL: u64 = OWN | 1 << KIND_BITS;
pub(super) const STAGE: u64 = OWN | 2 << KIND_BITS;
pub(super) const TARGET: u64 = OWN | 3 << KIND_BITS;
pub(super) const LOW: u64 = (1 << KIND_BITS) - 1;
/// Bits of a call's token that hold how often it was sent, and of a target's that hold the stage.
pub(super) const SMALL_BITS: u32 = 10;

/// A tool at work.
pub struct Run {
    pub(super) plan: Arc<Tool>,
    pub(super) activity: ActivityId,
    pub(super) targets: Vec<IpAddr>,
    pub(super) series: Vec<Series>,
    pub(super) stages: Vec<Going>,
    pub(super) jobs: BTreeMap<u64, Job>,
    pub(super) job_number: u64,
    pub(super) calls: Calls,
    pub(super) results: Vec<Results>,
    /// Hops to targets that traces have found.
    pub(super) distances: BTreeMap<usize, u8>,
    /// Stages that have begun for a target on its own.
    pub(super) begun_for: BTreeSet<(usize, usize)>,
    pub(super) values: Values,
    pub(super) begun: Timestamp,
    pub(super) sessions: Sessions,
    pub(super) shared: Option<SocketId>,
    wants_packets: bool,
}

/// What a stage keeps while it is at work.
pub(super) struct Going {
    pub(super) pace: Pace,
    pub(super) retry: Draws,
    /// Sources and payload draws of each probe.
    pub(super) probes: Vec<(Sources, Draws)>,
    /// What its connections say.
    pub(super) script: Option<Arc<Script>>,
    /// Of what it asks.
    pub(super) payload: Draws,
    pub(super) ports: Vec<u16>,
    pub(super) host_order: Vec<usize>,
    pub(super) order: Draws,
    pub(super) jobs_open: usize,
    /// Targets whose turn is going to come.
    pub(super) expected: usize,
    pub(super) over: bool,
}

impl Run {
    /// Builds a tool for one host.
    pub fn new(plan: &Arc<Tool>, cast: &Cast<'_>) -> Run {
        let series = plan
            .formulas
            .all
            .iter()
            .map(|(path, formula)| Series::new(formula, cast.draws(path)));
        let stages = plan.stages.iter().map(|stage| going(stage, cast));
        let crafts = |stage: &Stage| matches!(stage.action, Action::Craft(_)) && stage.tracked;
        Run {
            series: series.collect(),
            stages: stages.collect(),
            targets: cast.targets.clone(),
            activity: cast.activity,
            jobs: BTreeMap::new(),
            job_number: 0,
            calls: Calls::default(),
            results: plan.stages.iter().map(|_| Results::default()).collect(),
            distances: BTreeMap::new(),
            begun_for: BTreeSet::new(),
            values: Values::default(),
            begun: Timestamp::ZERO,
            sessions: Sessions::new(cast.draws("think"), cast.draws("content")),
            shared: None,
            wants_packets: plan.stages.iter().any(crafts),
            plan: Arc::clone(plan),
        }
    }

    /// Makes the visits of a job that are due.
    pub(super) fn go_on(&mut self, number: u64, sys: &mut System<'_>) {
        let plan = Arc::clone(&self.plan);
        let Some(at) = self.jobs.get(&number).map(|job| job.stage) else {
            return;
        };
        let Some(stage) = plan.stages.get(at) else {
            return;
        };
        let mut after = 0;
        loop {
            let Some(job) = self.jobs.get_mut(&number) else {
                return;
            };
            let Some(step) = job.peek() else {
                job.done = true;
                return self.end_job(number, sys);
            };
            let host = job.host_of(step);
            if job.current.is_none_or(|(current, _)| current != host) {
                job.current = Some((host, sys.now.plus_nanos(after).seconds()));
                if stage.warm_up > 0 {
                    return sys.timer(after + stage.warm_up, PACE | number);
                }
            }
            let started = job.current.map_or(0, |(_, started)| started);
            job.advance();
            let port = match &job.found {
                Some(pairs) => pairs.get(step.visit.host).map(|(_, port)| *port),
                None => {
                    let listed = self.stages.get(at).map(|going| going.ports.as_slice());
                    listed.and_then(|ports| ports.get(step.visit.port)).copied()
                }
            };
            let due = Due {
                job: number,
                at,
                step,
                host,
                port: port.unwrap_or(0),
                started,
            };
            self.visit(stage, due, after, sys);
            let Some(job) = self.jobs.get_mut(&number) else {
                return;
            };
            let Some(next) = job.peek() else {
                job.done = true;
                return self.end_job(number, sys);
            };
            if job.open >= stage.parallel {
                job.waits = true;
                return;
            }
            let begins_round = job.begins_round();
            after += self.gap(at, stage, (next, begins_round), sys.now.as_nanos() + after);
            if stage.tracked || after >= BATCH {
                return sys.timer(after, PACE | number);
            }
        }
    }

    /// How long after a visit the next one comes, which may begin another round.
    pub(super) fn gap(
        &mut self,
        at: usize,
        stage: &Stage,
        (next, begins_round): (Step, bool),
        now: u64,
    ) -> u64 {
        if next.visit.probe > 0
            && let Some(gap) = stage.probe_gap
        {
            return gap;
        }
        if begins_round && let Some(gap) = stage.round_gap {
            return gap;
        }
        self.stages
            .get_mut(at)
            .map_or(0, |going| going.pace.next(now))
    }

    /// Makes one visit.
    fn visit(&mut self, stage: &Stage, due: Due, after: u64, sys: &mut System<'_>) {
        let Due {
            job,
            at,
            step,
            host,
            mut port,
            started,
        } = due;
        if let Action::Craft(crafts) = &stage.action
            && let Some(craft) = crafts.get(step.visit.probe)
        {
            let kind = match craft.port {
                PortOf::FoundOpen => Some(Found::Open),
                PortOf::FoundClosed => Some(Found::Closed),
                _ => None,
            };
            if let Some(kind) = kind {
                let before = stage.begins.after.and_then(|after| self.results.get(after));
                match before.and_then(|results| results.ports(host, kind).next()) {
                    Some(found) => port = found,
                    None => return,
                }
            }
        }
        let now = sys.now.plus_nanos(after);
        let values = &mut self.values;
        values.set(Name::PORT, u64::from(port));
        values.set(Name::N, step.number);
        values.set(Name::HOST, host as u64);
        values.set(Name::TRY, 0);
        values.set(Name::ROUND, step.round);
        values.set(Name::HOP, u64::from(step.hop.unwrap_or(0)));
        values.set(Name::TIME, now.seconds());
        values.set(Name::STARTED, started);
        values.set(Name::CLOCK, now.nanos_since(self.begun) / 1_000_000);
        let distance = self.distances.get(&host).copied().unwrap_or(0);
        values.set(Name::DISTANCE, u64::from(distance));
        if let Action::Craft(crafts) = &stage.action
            && !stage.tracked
        {
            let probe = step.visit.probe;
            if let Some((craft, target)) = crafts.get(probe).zip(self.targets.get(host).copied()) {
                self.craft(at, craft, probe, target, &[], after, sys);
            }
            return;
        }
        let call = Call {
            job,
            host,
            port,
            probe: step.visit.probe,
            sent: 1,
            settled: false,
            values: None,
            datagram: None,
            key: None,
            socket: None,
        };
        self.launch(at, stage, call, after, sys);
    }
}

/// A visit that is due.
struct Due {
    job: u64,
    /// Number of its stage.
    at: usize,
    step: Step,
    host: usize,
    port: u16,
    /// The second in which the work on the target began.
    started: u64,
}

fn going(stage: &Stage, cast: &Cast<'_>) -> Going {
    let path = |purpose: &str| format!("{}{purpose}", stage.path);
    let mut ports = match &stage.ports {
        Ports::List(list) => list.clone(),
        _ => Vec::new(),
    };
    let mut host_order: Vec<usize> = (0..cast.targets.len()).collect();
    let mut order = cast.draws(&path("order"));
    if stage.shuffle.0 {
        order.shuffle(&mut ports);
    }
    if stage.shuffle.1 {
        order.shuffle(&mut host_order);
    }
    let crafts = match &stage.action {
        Action::Craft(crafts) => crafts.as_slice(),
        _ => &[],
    };
    let probes = crafts.iter().map(|craft| {
        let own = |purpose: &str| cast.draws(&format!("{}{purpose}", craft.path));
        let sources = Sources::new(&craft.sources, own("sources"), || own("decoy-position"));
        (sources, own("payload"))
    });
    Going {
        pace: Pace::new(&stage.pace, cast.draws(&path("gap")), || {
            cast.draws(&path("tick-phase"))
        }),
        retry: cast.draws(&path("retry")),
        probes: probes.collect(),
        script: match &stage.action {
            Action::Connect { script, .. } => {
                Some(Arc::new(Script::new(script, cast.draws(&path("filler")))))
            }
            _ => None,
        },
        payload: cast.draws(&path("payload")),
        ports,
        host_order,
        order,
        jobs_open: 0,
        expected: 0,
        over: false,
    }
}

impl Program for Run {
    fn start(&mut self, sys: &mut System<'_>) {
        self.begun = sys.now;
        self.activity = sys.occasion(self.activity);
        let plan = Arc::clone(&self.plan);
        for (number, stage) in plan.stages.iter().enumerate() {
            match stage.begins.at {
                Some(at) if !plan.whole_host => sys.timer(at, STAGE | number as u64),
                _ if number == 0 && !plan.whole_host => self.begin_stage(0, sys),
                _ => {}
            }
        }
        if plan.whole_host
            && let Some(first) = self
                .stages
                .first()
                .and_then(|going| going.host_order.first())
        {
            self.timer(TARGET | ((*first as u64) << SMALL_BITS) & LOW, sys);
        }
    }

    fn timer(&mut self, token: u64, sys: &mut System<'_>) {
        let index = |bits: u64| usize::try_from(bits).unwrap_or(usize::MAX);
        if token & OWN == 0 {
            return self.sessions.timer(token, sys);
        }
        match token & !LOW {
            PACE => self.go_on(token & LOW, sys),
            CALL => self.waited(token, sys),
            STAGE => self.begin_stage(index(token & LOW), sys),
            _ => {
                let host = index((token & LOW) >> SMALL_BITS);
                let stage = index(token & ((1 << SMALL_BITS) - 1));
                if self.plan.whole_host {
                    self.begun_for = BTreeSet::from([(host, stage)]);
                } else if let Some(going) = self.stages.get_mut(stage) {
                    going.expected = going.expected.saturating_sub(1);
                }
                self.begin_job(stage, vec![host], sys);
            }
        }
    }

    fn wants_packets(&self) -> bool {
        self.wants_packets
    }

    fn packet(&mut self, packet: &Packet, sys: &mut System<'_>) {
        if let Some(answer) = Answer::read(packet) {
            self.answered(answer, sys);
        }
    }

    fn neighbour(&mut self, address: IpAddr, sys: &mut System<'_>) {
        if let Some(call) = self.calls.named(&neighbour(address)) {
            self.settle(call, Found::Open, sys);
        }
    }

    fn socket(&mut self, socket: SocketId, event: SocketEvent, sys: &mut System<'_>) {
        self.happened(socket, event, sys);
    }
}
