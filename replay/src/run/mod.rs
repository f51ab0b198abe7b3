//! The run: frames from the feed to the sinks, each at its moment, until they are all gone or something ends it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rewrite::Counts;
use wire::Timestamp;

use crate::batch::{BATCH_FRAMES, Batch, Origin};
use crate::clock::{self, Clock};
use crate::error::ReplayError;
use crate::feed::{Feed, Plan, Share, Source};
use crate::guard::{Guard, Limits};
use crate::monitor::{Monitor, Shared};
use crate::pace::{Pace, Steps};
use crate::promptness;
use crate::sink::Sink;
use crate::statistics::{Departures, InterfaceTally, Lateness, Sent, Span, Tally};

/// How long to wait for a sink before looking at everything else again.
const WAIT: Duration = Duration::from_millis(20);

/// How long before its call's end the first frame is taken to leave at most. Assumption: half of the call, of which 35 us
/// were measured in all.
const MOST_OF_CALL: u64 = 15_000;

/// How a run ended.
#[derive(Debug)]
pub enum End {
    /// Everything was sent.
    Complete,
    /// A bound on frames or time was reached.
    Bound,
    /// The user ended it.
    Stopped,
    /// Something went wrong.
    Failed(ReplayError),
}

/// What a run has done.
#[derive(Debug)]
pub struct Report {
    /// How it ended.
    pub end: End,
    /// What the kernel took.
    pub accepted: Tally,
    /// What the interface's counters say, where there is an interface and it is still there.
    pub interface: Option<InterfaceTally>,
    /// When the first and the last frame went.
    pub span: Option<Span>,
    /// How late frames were, where they had a time to keep.
    pub lateness: Option<Lateness>,
    /// The gaps between frames as they went.
    pub departures: Option<Departures>,
    /// How often the kernel could take nothing for a moment.
    pub stalls: u64,
    /// What time stamps were met.
    pub steps: Steps,
    /// What rewriting did.
    pub rewriting: Counts,
}

/// Hears of each frame that went, in order: whence it came, and when it went.
pub type Observer<'a> = &'a mut (dyn FnMut(Origin, Timestamp) + Send);

/// All that a run needs.
pub struct Run<'a> {
    /// The capture.
    pub source: &'a dyn Source,
    /// What is to be sent, and when.
    pub plan: &'a Plan,
    /// Checks each frame.
    pub guard: &'a Guard,
    /// What bounds it.
    pub limits: Limits,
    /// Ends the run within 100 ms when set.
    pub stop: &'a AtomicBool,
    /// Counts the frames that the kernel took, for who wants to show it.
    pub progress: &'a AtomicU64,
}

impl Run<'_> {
    /// Sends through the sinks: one worker each, conversations shared out between them. An observer sees the frames
    /// of a single sink only; with several nobody knows their order.
    pub fn start(
        &self,
        sinks: Vec<Box<dyn Sink>>,
        monitor: Option<Monitor>,
        observer: Option<Observer<'_>>,
    ) -> Report {
        let clock = Clock::starting_soon(self.plan.precise);
        self.start_by(clock, sinks, monitor, observer)
    }

    fn start_by(
        &self,
        clock: Clock,
        mut sinks: Vec<Box<dyn Sink>>,
        monitor: Option<Monitor>,
        observer: Option<Observer<'_>>,
    ) -> Report {
        let shared = Shared::new(self.stop, self.progress);
        let done = AtomicBool::new(false);
        let workers = sinks.len();
        let (outcomes, monitor) = std::thread::scope(|scope| {
            let watcher = monitor.map(|mut monitor| {
                let (shared, done) = (&shared, &done);
                let bell = monitor.bell();
                let watcher = scope.spawn(move || {
                    monitor.watch(shared, done);
                    monitor
                });
                (watcher, bell)
            });
            let mut observer = observer;
            let others: Vec<_> = sinks
                .iter_mut()
                .enumerate()
                .map(|(worker, sink)| {
                    let share = Share { worker, workers };
                    let (shared, observer) = (&shared, observer.take());
                    scope.spawn(move || self.work(share, sink.as_mut(), clock, shared, observer))
                })
                .collect();
            let outcomes: Vec<Outcome> = others
                .into_iter()
                .map(|worker| worker.join().expect("sending does not panic"))
                .collect();
            done.store(true, Ordering::Relaxed);
            let monitor = watcher.map(|(watcher, bell)| {
                // Without a bell the watcher notices at its next look.
                let _ = bell.map(|bell| bell.ring());
                watcher.join().expect("watching does not panic")
            });
            (outcomes, monitor)
        });
        // The sinks are still open: a tap is there as long as somebody holds it.
        conclude(outcomes, monitor, shared)
    }

    /// What one worker does.
    fn work(
        &self,
        share: Share,
        sink: &mut dyn Sink,
        clock: Clock,
        shared: &Shared<'_>,
        observer: Option<Observer<'_>>,
    ) -> Outcome {
        clock::sharpen_timers();
        let clock = match self.plan.precise && promptness::is_claimed() {
            true => clock.watched_at_once(),
            false => clock,
        };
        let feed = Feed::new(self.source, self.plan, self.guard, &self.limits, share);
        let mut feed = match feed {
            Ok(feed) => feed,
            Err(error) => {
                shared.fail(error);
                return Outcome::default();
            }
        };
        let mut worker = Worker {
            clock,
            alone: share.workers == 1,
            shared,
            observer,
            timed: self.plan.pace != Pace::Top,
            end: u64::try_from(self.limits.duration.as_nanos()).unwrap_or(u64::MAX),
            sent: Sent::default(),
            timed_out: false,
        };
        let mut batch = Batch::default();
        feed.fill(&mut batch);
        clock.wait_for_start();
        while !batch.is_empty() && worker.goes_on() {
            if let Err(error) = worker.send(&mut batch, sink) {
                shared.fail(error);
            }
            if batch.is_empty() {
                feed.fill(&mut batch);
            }
        }
        if let Err(error) = sink.flush() {
            shared.fail(error);
        }
        let (sent, timed_out) = (worker.sent, worker.timed_out);
        let fed = feed.into_outcome();
        if let Some(error) = fed.failure {
            shared.fail(error);
        }
        Outcome {
            sent,
            steps: fed.steps,
            rewriting: fed.rewriting,
            bound: timed_out || fed.bounded,
        }
    }
}

#[derive(Default)]
struct Outcome {
    sent: Sent,
    steps: Steps,
    rewriting: Counts,
    bound: bool,
}

struct Worker<'a, 'b> {
    clock: Clock,
    /// Whether nobody else keeps time by the same start.
    alone: bool,
    shared: &'a Shared<'a>,
    observer: Option<Observer<'b>>,
    /// Whether frames have a time to keep.
    timed: bool,
    /// When time is up, in nanoseconds after the start.
    end: u64,
    sent: Sent,
    timed_out: bool,
}

impl Worker<'_, '_> {
    fn goes_on(&self) -> bool {
        !self.timed_out && !self.shared.over()
    }

    /// Sends what is due, or waits for it.
    fn send(&mut self, batch: &mut Batch, sink: &mut dyn Sink) -> Result<(), ReplayError> {
        let now = self.clock.now();
        if now >= self.end {
            self.timed_out = true;
            return Ok(());
        }
        // The first frame goes alone: it is what the others count from.
        let most = if self.sent.span.is_some() {
            BATCH_FRAMES
        } else {
            1
        };
        let due = batch.due_by(now).min(most);
        if due == 0 {
            let next = batch.origin(0).map_or(0, |origin| origin.due);
            let rehearse = || sink.rehearse();
            self.clock
                .wait_until(next.min(self.end), rehearse, || self.shared.over());
            return Ok(());
        }
        let frames = batch.front(due);
        let taken = sink.send(frames)?;
        self.shared.stalled(taken == 0);
        if taken == 0 {
            self.sent.stalls += 1;
            sink.wait(WAIT);
            return Ok(());
        }
        if self.sent.span.is_none() {
            self.begin(batch, now);
        }
        self.count(batch, taken);
        batch.advance(taken);
        Ok(())
    }

    /// Lets time begin when the first frame leaves: it takes longer than those after it, on paths that nobody has gone
    /// before, and would make all of them early by the difference. It leaves somewhere within its call, in the middle
    /// at a guess; of a call that was interrupted, shortly before its end.
    fn begin(&mut self, batch: &Batch, called: u64) {
        if self.alone && self.timed {
            let due = batch.origin(0).map_or(0, |origin| origin.due);
            let back = self.clock.now();
            let left = back - (back.saturating_sub(called) / 2).min(MOST_OF_CALL);
            self.clock.delay(left.saturating_sub(due));
        }
    }

    fn count(&mut self, batch: &Batch, taken: usize) {
        let at = self.clock.now();
        let frames = batch.front(taken);
        let bytes: usize = frames.iter().map(<[u8]>::len).sum();
        let (count, bytes) = (as_u64(taken), as_u64(bytes));
        let wall = self.clock.wall(at);
        self.sent.count(count, bytes, wall);
        self.sent.out_of_order += self.shared.overtaken(frames.origins());
        self.shared.accept(count);
        if self.timed {
            for origin in frames.origins() {
                self.sent.late(at.saturating_sub(origin.due));
            }
        }
        if let Some(observer) = &mut self.observer {
            frames.origins().for_each(|origin| observer(origin, wall));
        }
    }
}

fn as_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn conclude(outcomes: Vec<Outcome>, monitor: Option<Monitor>, shared: Shared<'_>) -> Report {
    let mut sent = Sent::default();
    let mut rewriting = Counts::default();
    let steps = outcomes
        .first()
        .map_or_else(Steps::default, |first| first.steps);
    let bound = outcomes.iter().any(|outcome| outcome.bound);
    for outcome in &outcomes {
        sent.merge(&outcome.sent);
        rewriting.merge(&outcome.rewriting);
    }
    let stopped = shared.stopped();
    let mut fault = shared.into_fault();
    let mut interface = None;
    if let Some(mut monitor) = monitor {
        // After a fault, or when the user cannot wait, the counters stand as they are.
        let tally = if stopped || fault.is_some() {
            monitor.tally()
        } else {
            monitor.settle(sent.accepted.frames)
        };
        match tally {
            Ok(tally) => interface = Some(tally),
            Err(error) => fault = fault.or(Some(error)),
        }
    }
    if let Some(ReplayError::Changed { accepted, .. }) = &mut fault {
        // Those that were on their way count, too.
        *accepted = sent.accepted.frames;
    }
    let end = match fault {
        Some(error) => End::Failed(error),
        None if stopped => End::Stopped,
        None if bound => End::Bound,
        None => End::Complete,
    };
    Report {
        end,
        accepted: sent.accepted,
        interface,
        span: sent.span,
        lateness: sent.lateness(),
        departures: sent.departures(),
        stalls: sent.stalls,
        steps,
        rewriting,
    }
}

#[cfg(test)]
mod tests;
