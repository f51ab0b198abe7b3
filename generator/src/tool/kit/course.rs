//! The course of a tool: which stage begins when, on whom, and what follows it.

use std::sync::Arc;

use super::calls::Results;
use super::jobs::Job;
use super::run::{LOW, PACE, Run, SMALL_BITS, STAGE, TARGET};
use super::stage::{Action, Found, Ports};
use super::visits::Visits;
use crate::host::program::System;

impl Run {
    pub(super) fn begin_stage(&mut self, number: usize, sys: &mut System<'_>) {
        let hosts = self
            .stages
            .get(number)
            .map(|going| going.host_order.clone())
            .unwrap_or_default();
        self.begin_job(number, hosts, sys);
    }

    /// Begins a stage on those of these targets for which it is meant.
    pub(super) fn begin_job(&mut self, number: usize, hosts: Vec<usize>, sys: &mut System<'_>) {
        let plan = Arc::clone(&self.plan);
        let (Some(stage), Some(going)) = (plan.stages.get(number), self.stages.get_mut(number))
        else {
            return;
        };
        let nothing = Results::default();
        let before = stage.begins.after.and_then(|after| self.results.get(after));
        let before = before.unwrap_or(&nothing);
        let meant = |host: &usize| stage.only.is_none_or(|only| before.has(*host, only));
        let hosts: Vec<usize> = hosts.into_iter().filter(meant).collect();
        let found: Option<Vec<(usize, u16)>> = match stage.ports {
            Ports::Found(kind) => Some(
                hosts
                    .iter()
                    .flat_map(|host| before.ports(*host, kind).map(|port| (*host, port)))
                    .collect(),
            ),
            _ => None,
        };
        let probes = match &stage.action {
            Action::Craft(crafts) => crafts.len(),
            _ => 1,
        };
        let order = going.order.clone();
        let visits = match &found {
            Some(pairs) => Visits::new(pairs.len(), 1, probes, stage.order, || order),
            None => Visits::new(hosts.len(), going.ports.len(), probes, stage.order, || {
                order
            }),
        };
        let limits = (stage.count, stage.rounds);
        let job = Job::new(number, hosts, found, visits, stage.hops, limits);
        going.jobs_open += 1;
        let delay = going.pace.first(sys.now.as_nanos());
        self.job_number += 1;
        self.jobs.insert(self.job_number, job);
        match delay {
            0 => self.go_on(self.job_number, sys),
            delay => sys.timer(delay, PACE | self.job_number),
        }
    }

    /// Begins the stages that wait for an answer of this target.
    pub(super) fn begin_for(&mut self, after: usize, host: usize, sys: &mut System<'_>) {
        let plan = Arc::clone(&self.plan);
        for (number, stage) in plan.stages.iter().enumerate() {
            if stage.begins.after != Some(after) || !stage.begins.with_answer {
                continue;
            }
            let results = self.results.get(after);
            let only = stage.only.unwrap_or(Found::Answered);
            let meant = results.is_some_and(|results| results.has(host, only));
            if meant && self.begun_for.insert((number, host)) {
                let small = number as u64 & ((1 << SMALL_BITS) - 1);
                let token = TARGET | ((host as u64) << SMALL_BITS) & LOW | small;
                sys.timer(stage.begins.delay, token);
                if let Some(going) = self.stages.get_mut(number) {
                    going.expected += 1;
                }
            }
        }
    }

    /// A job has made all its visits: when nothing waits any more, its stage may be over.
    pub(super) fn end_job(&mut self, number: u64, sys: &mut System<'_>) {
        if self.jobs.get(&number).is_none_or(|job| job.open > 0) {
            return;
        }
        let Some(job) = self.jobs.remove(&number) else {
            return;
        };
        let plan = Arc::clone(&self.plan);
        if plan.whole_host {
            return self.next_of_host(&job, sys);
        }
        if let Some(going) = self.stages.get_mut(job.stage) {
            going.jobs_open -= 1;
        }
        self.end_stage(job.stage, sys);
    }

    /// Begins what follows a stage that is over: all its jobs have ended, and no target can be added any more.
    pub(super) fn end_stage(&mut self, number: usize, sys: &mut System<'_>) {
        let plan = Arc::clone(&self.plan);
        let Some(begins) = plan.stages.get(number).map(|stage| stage.begins) else {
            return;
        };
        let before = begins.after.and_then(|after| self.stages.get(after));
        let may_grow = begins.with_answer && before.is_some_and(|before| !before.over);
        let Some(going) = self.stages.get_mut(number) else {
            return;
        };
        if going.over || going.jobs_open > 0 || going.expected > 0 || may_grow {
            return;
        }
        going.over = true;
        for (follower, stage) in plan.stages.iter().enumerate() {
            if stage.begins.after != Some(number) || stage.begins.at.is_some() {
                continue;
            }
            if stage.begins.with_answer {
                self.end_stage(follower, sys);
            } else {
                sys.timer(stage.begins.delay, STAGE | follower as u64);
            }
        }
    }

    /// All stages on one target, then the next target.
    pub(super) fn next_of_host(&mut self, job: &Job, sys: &mut System<'_>) {
        let plan = Arc::clone(&self.plan);
        let Some(host) = self.current_host(job) else {
            return;
        };
        let next = job.stage + 1;
        if let Some(stage) = plan.stages.get(next) {
            let token = TARGET | ((host as u64) << SMALL_BITS) & LOW | next as u64;
            return sys.timer(stage.begins.delay, token);
        }
        let Some(first) = self.stages.get_mut(0) else {
            return;
        };
        let at = first.host_order.iter().position(|known| *known == host);
        let following = at.and_then(|at| first.host_order.get(at + 1)).copied();
        if let Some(following) = following {
            let gap = first.pace.next(sys.now.as_nanos());
            sys.timer(gap, TARGET | ((following as u64) << SMALL_BITS) & LOW);
        }
    }

    /// The one target of a job; a stage that was not meant for it has kept it in mind all the same.
    pub(super) fn current_host(&self, job: &Job) -> Option<usize> {
        job.hosts.first().copied().or(self.last_whole_host())
    }

    pub(super) fn last_whole_host(&self) -> Option<usize> {
        self.begun_for.last().map(|(host, _)| *host)
    }
}
