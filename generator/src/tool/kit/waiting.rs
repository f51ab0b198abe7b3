//! Probes that wait: their tries, their answers, and their end.

use std::sync::Arc;

use super::answer::Answer;
use super::run::{CALL, LOW, PACE, Run, SMALL_BITS};
use super::stage::{Action, Found, Stage};
use super::values::Name;
use crate::host::program::System;

impl Run {
    /// A probe was sent for the first time, or again: it waits for its answer.
    pub(super) fn wait_for(&mut self, at: usize, stage: &Stage, call: u64, sys: &mut System<'_>) {
        let (Some(going), Some(open)) = (self.stages.get_mut(at), self.calls.get(call)) else {
            return;
        };
        let wait = stage.retry.wait(open.sent, &mut going.retry);
        let sent = open.sent;
        if wait == 0 && sent >= stage.retry.tries {
            return self.close(call, Found::Silent, sys);
        }
        sys.timer(wait, timer(call, sent));
    }

    /// A connection was opened: it has so long to come about.
    pub(super) fn give_up_after(&mut self, time: Option<u64>, call: u64, sys: &mut System<'_>) {
        if let (Some(time), Some(open)) = (time, self.calls.get(call)) {
            sys.timer(time, timer(call, open.sent));
        }
    }

    /// The wait for an answer is over.
    pub(super) fn waited(&mut self, token: u64, sys: &mut System<'_>) {
        let number = (token & LOW) >> SMALL_BITS;
        let Some(call) = self.calls.get(number) else {
            return;
        };
        if call.settled || call.sent & ((1 << SMALL_BITS) - 1) != token & ((1 << SMALL_BITS) - 1) {
            return;
        }
        let plan = Arc::clone(&self.plan);
        let at = self.jobs.get(&call.job).map(|job| job.stage);
        let Some((at, stage)) = at.and_then(|at| Some((at, plan.stages.get(at)?))) else {
            return;
        };
        if matches!(stage.action, Action::Connect { .. })
            && let Some(socket) = call.socket
        {
            // No longer this call's: its end is no answer.
            self.calls.rename(number, None, None);
            sys.abort(socket);
            return self.failed(number, Found::Silent, sys);
        }
        if call.sent >= stage.retry.tries {
            return self.close(number, Found::Silent, sys);
        }
        call.sent += 1;
        self.again(at, stage, number, sys);
    }

    /// Something came of a probe: it ends, or it is tried again although it was refused.
    pub(super) fn settle(&mut self, number: u64, found: Found, sys: &mut System<'_>) {
        let plan = Arc::clone(&self.plan);
        let Some(call) = self.calls.get(number) else {
            return;
        };
        let stage = self.jobs.get(&call.job).map(|job| job.stage);
        let Some(stage) = stage.and_then(|at| plan.stages.get(at)) else {
            return;
        };
        let again = stage.retry.refused_too && call.sent < stage.retry.tries;
        if found == Found::Closed && again {
            return;
        }
        self.close(number, found, sys);
    }

    /// Notes what became of a probe before it is over.
    pub(super) fn note(&mut self, number: u64, found: Found, sys: &mut System<'_>) {
        let Some(call) = self.calls.get(number) else {
            return;
        };
        call.settled = true;
        let (job, host, port) = (call.job, call.host, call.port);
        let Some(at) = self.jobs.get(&job).map(|job| job.stage) else {
            return;
        };
        if self.plan.stages.get(at).is_some_and(|stage| stage.heeded)
            && let Some(results) = self.results.get_mut(at)
        {
            results.note(host, port, found);
            self.begin_for(at, host, sys);
        }
    }

    /// A probe is over.
    pub(super) fn close(&mut self, number: u64, found: Found, sys: &mut System<'_>) {
        let settled = self.calls.get(number).is_some_and(|call| call.settled);
        if !settled {
            self.note(number, found, sys);
        }
        let Some(call) = self.calls.close(number) else {
            return;
        };
        if let Some(socket) = call.socket
            && Some(socket) != self.shared
        {
            self.hang_up(&call, socket, sys);
        }
        let Some(job) = self.jobs.get_mut(&call.job) else {
            return;
        };
        job.open = job.open.saturating_sub(1);
        if job.done {
            return self.end_job(call.job, sys);
        }
        if std::mem::take(&mut job.waits) {
            let plan = Arc::clone(&self.plan);
            let (at, next, begins_round) = (job.stage, job.peek(), job.begins_round());
            if let (Some(stage), Some(next)) = (plan.stages.get(at), next) {
                let gap = self.gap(at, stage, (next, begins_round), sys.now.as_nanos());
                sys.timer(gap, PACE | call.job);
            } else {
                self.go_on(call.job, sys);
            }
        }
    }

    /// A packet answers a probe, perhaps.
    pub(super) fn answered(&mut self, answer: Answer, sys: &mut System<'_>) {
        let Some(number) = self.calls.named(&answer.key) else {
            return;
        };
        let plan = Arc::clone(&self.plan);
        let Some(call) = self.calls.get(number) else {
            return;
        };
        let (job, host, hop) = (
            call.job,
            call.host,
            call.values.as_ref().map_or(0, |sent| sent.byte(Name::HOP)),
        );
        let at = self.jobs.get(&job).map(|job| job.stage);
        let Some((at, stage)) = at.and_then(|at| Some((at, plan.stages.get(at)?))) else {
            return;
        };
        if answer.accepts()
            && let Some(reply) = &stage.reply
        {
            self.reply(at, reply, number, &answer, sys);
        }
        if stage.hops.is_some() && answer.reached {
            self.distances.entry(host).or_insert(hop);
            if let Some(job) = self.jobs.get_mut(&job) {
                job.reached(host, hop);
            }
        }
        self.settle(number, answer.found, sys);
    }
}

/// The timer of a call's try.
fn timer(call: u64, sent: u64) -> u64 {
    CALL | (call << SMALL_BITS) & LOW | sent & ((1 << SMALL_BITS) - 1)
}
