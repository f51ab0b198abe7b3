//! Watches while frames are sent: whether the interface is still there, whether anybody takes what goes in, and what the
//! sentry has to say.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::batch::Origin;
use crate::error::ReplayError;
use crate::guard::{Admission, Entry};
use crate::link::{Bell, Counters, Kind, Links};
use crate::promptness;
use crate::sentry::Sentry;
use crate::statistics::InterfaceTally;

/// How often the counters are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How long frames may go in with none coming out. With a look before and one after, that is within a second.
const PATIENCE: Duration = Duration::from_millis(700);
/// What senders and monitor tell each other.
#[derive(Debug)]
pub(crate) struct Shared<'a> {
    /// The user has had enough.
    stop: &'a AtomicBool,
    /// There is no point in going on.
    halt: AtomicBool,
    /// Why.
    fault: OnceLock<ReplayError>,
    /// Frames that the kernel took.
    accepted: &'a AtomicU64,
    /// Whether it takes none just now.
    stalled: AtomicBool,
    /// The frame of the capture that stands last in it of those that went, passes together.
    furthest: AtomicU64,
}

impl<'a> Shared<'a> {
    pub(crate) fn new(stop: &'a AtomicBool, accepted: &'a AtomicU64) -> Shared<'a> {
        Shared {
            stop,
            halt: AtomicBool::new(false),
            fault: OnceLock::new(),
            accepted,
            stalled: AtomicBool::new(false),
            furthest: AtomicU64::new(0),
        }
    }

    /// How many of the frames that just went stand before one in the capture that had gone.
    pub(crate) fn overtaken(&self, origins: impl Iterator<Item = Origin>) -> u64 {
        let mut overtaken = 0;
        let mut furthest = self.furthest.load(Ordering::Relaxed);
        for origin in origins {
            let place = u64::from(origin.pass) << 40 | origin.number.min((1 << 40) - 1);
            overtaken += u64::from(place < furthest);
            furthest = furthest.max(place);
        }
        self.furthest.fetch_max(furthest, Ordering::Relaxed);
        overtaken
    }

    /// Whether the user has had enough.
    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether to end for whatever reason.
    pub(crate) fn over(&self) -> bool {
        self.stopped() || self.halt.load(Ordering::Relaxed)
    }

    /// Ends the run for a reason, of which the first counts.
    pub(crate) fn fail(&self, error: ReplayError) {
        // A second one follows from the first.
        let _ = self.fault.set(error);
        self.halt.store(true, Ordering::Relaxed);
    }

    pub(crate) fn accept(&self, frames: u64) {
        self.accepted.fetch_add(frames, Ordering::Relaxed);
    }

    pub(crate) fn stalled(&self, stalled: bool) {
        self.stalled.store(stalled, Ordering::Relaxed);
    }

    /// Frames that have gone in, and whether the kernel refuses the next one.
    fn offered(&self) -> Offered {
        Offered {
            accepted: self.accepted.load(Ordering::Relaxed),
            stalled: self.stalled.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn into_fault(self) -> Option<ReplayError> {
        self.fault.into_inner()
    }
}

/// Watches one interface from the moment it is made.
pub struct Monitor {
    links: Links,
    bell: Bell,
    admission: Admission,
    sentry: Option<Sentry>,
    before: Counters,
}

impl Monitor {
    /// Begins to watch the interface that the guard has admitted, with a sentry who watches what is around it.
    ///
    /// # Errors
    /// It has gone, or the kernel does not answer.
    pub fn new(
        mut links: Links,
        admission: &Admission,
        sentry: Option<Sentry>,
    ) -> Result<Monitor, ReplayError> {
        let interface = admission.interface();
        let gone = || ReplayError::Gone {
            name: interface.name.clone(),
        };
        let before = links.counters(interface.index)?.ok_or_else(gone)?;
        Ok(Monitor {
            links,
            bell: Bell::new().map_err(ReplayError::Netlink)?,
            admission: admission.clone(),
            sentry,
            before,
        })
    }

    /// What ends the watch at once, when nothing more is sent.
    pub(crate) fn bell(&self) -> io::Result<Bell> {
        self.bell.another()
    }

    /// What the interface has counted since.
    pub(crate) fn tally(&mut self) -> Result<InterfaceTally, ReplayError> {
        let now = self.links.counters(self.admission.interface().index)?;
        let now = now.ok_or_else(|| ReplayError::Gone { name: self.name() })?;
        let written = self.admission.entry() == Entry::Written;
        Ok(InterfaceTally::new(&now.since(&self.before), written))
    }

    /// Watches until `done` or until something is wrong, which ends the run.
    pub(crate) fn watch(&mut self, shared: &Shared<'_>, done: &AtomicBool) {
        promptness::give_up();
        let mut flow = Flow::new();
        let mut looked = Instant::now();
        while !done.load(Ordering::Relaxed) && !shared.over() {
            let accepted = || shared.offered().accepted;
            let told = match &mut self.sentry {
                Some(sentry) => sentry.wait(&self.bell, LOOK, accepted),
                None => {
                    self.bell.wait(LOOK);
                    None
                }
            };
            if let Some(error) = told {
                return shared.fail(error);
            }
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                if let Err(error) = self.look(&mut flow, shared) {
                    return shared.fail(error);
                }
            }
        }
    }

    /// Whether what goes in comes out.
    fn look(&mut self, flow: &mut Flow, shared: &Shared<'_>) -> Result<(), ReplayError> {
        // In this order, so that no frame is missed that had no time to come out.
        let offered = shared.offered();
        let tally = self.tally()?;
        let meanwhile = shared.offered();
        let now = Instant::now();
        if flow.refuses(offered, now) {
            return Err(self.refusing(offered.accepted));
        }
        let frames = (offered.frames(), meanwhile.frames());
        if flow.stands(frames, tally.passed.frames, now) {
            return Err(self.unread(offered.frames(), &tally));
        }
        Ok(())
    }

    /// Waits until all accepted frames have come out or are known to be lost, for as long as a reader is given.
    ///
    /// # Errors
    /// None came out, or some were not taken in time.
    pub(crate) fn settle(&mut self, accepted: u64) -> Result<InterfaceTally, ReplayError> {
        let start = Instant::now();
        loop {
            let tally = self.tally()?;
            let (passed, dropped) = (tally.passed.frames, tally.dropped);
            if accepted == 0 || (passed > 0 && passed.saturating_add(dropped) >= accepted) {
                return Ok(tally);
            }
            if start.elapsed() > PATIENCE || dropped >= accepted {
                return Err(self.unread(accepted, &tally));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn unread(&self, accepted: u64, tally: &InterfaceTally) -> ReplayError {
        ReplayError::Unread {
            name: self.name(),
            waiting: accepted.saturating_sub(tally.passed.frames),
            hint: self.hint(),
        }
    }

    fn refusing(&self, accepted: u64) -> ReplayError {
        ReplayError::Refusing {
            name: self.name(),
            accepted,
            hint: self.hint(),
        }
    }

    fn name(&self) -> String {
        self.admission.interface().name.clone()
    }

    /// What else to try.
    fn hint(&self) -> String {
        let name = self.name();
        match self.admission.interface().kind {
            Kind::Tap => format!(
                "; is there a program that reads the tap? For those who listen on {name} itself, use --tap {name}"
            ),
            Kind::Veth => "; is its other end up, and its MTU as large?".to_owned(),
            _ => String::new(),
        }
    }
}

/// What has been given to an interface at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Offered {
    /// Frames that the kernel took.
    accepted: u64,
    /// Whether it takes none just now.
    stalled: bool,
}

impl Offered {
    /// With the one that is on its way in.
    fn frames(self) -> u64 {
        self.accepted + u64::from(self.stalled)
    }
}

/// Whether frames that go in come out.
struct Flow {
    /// Frames that had come out when something last did.
    passed: u64,
    /// Frames that had gone in by then.
    frames: u64,
    /// Since when more have gone in and none has come out.
    since: Option<Instant>,
    /// Frames that the kernel had taken when it last took one.
    accepted: u64,
    /// Since when it has refused the next one. What comes out meanwhile may be somebody else's.
    refused: Option<Instant>,
}

impl Flow {
    fn new() -> Flow {
        Flow {
            passed: 0,
            frames: 0,
            since: None,
            accepted: 0,
            refused: None,
        }
    }

    /// Whether frames have gone in for too long with none coming out. How many had gone in is told before and after it was
    /// counted how many had come out: one that went in and out in between is no frame that stands.
    fn stands(&mut self, (before, after): (u64, u64), passed: u64, now: Instant) -> bool {
        if passed != self.passed {
            (self.passed, self.frames, self.since) = (passed, after, None);
            return false;
        }
        if before <= self.frames {
            return false;
        }
        now.duration_since(*self.since.get_or_insert(now)) >= PATIENCE
    }

    /// Whether the kernel has refused the next frame for too long.
    fn refuses(&mut self, offered: Offered, now: Instant) -> bool {
        if !offered.stalled || offered.accepted != self.accepted {
            (self.accepted, self.refused) = (offered.accepted, None);
            return false;
        }
        now.duration_since(*self.refused.get_or_insert(now)) >= PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stands(looks: &[(u64, u64, u64)]) -> Vec<bool> {
        let start = Instant::now();
        let mut flow = Flow::new();
        looks
            .iter()
            .map(|(millis, accepted, passed)| {
                let now = start + Duration::from_millis(*millis);
                flow.stands((*accepted, *accepted), *passed, now)
            })
            .collect()
    }

    #[test]
    fn frames_that_stay_inside_are_noticed_within_a_second() {
        let looks = [(100, 5, 0), (400, 9, 0), (800, 9, 0), (900, 9, 0)];
        assert_eq!(stands(&looks), [false, false, true, true]);
    }

    #[test]
    fn frames_that_come_out_late_are_no_fault() {
        let looks = [(100, 5, 0), (700, 9, 3), (900, 9, 3), (1500, 9, 9)];
        assert_eq!(stands(&looks), [false; 4]);
    }

    #[test]
    fn a_frame_that_passes_while_it_is_counted_does_not_stand_in_the_gap_behind_it() {
        let start = Instant::now();
        let mut flow = Flow::new();
        assert!(!flow.stands((5, 6), 6, start));
        for later in [100, 900, 5_000] {
            assert!(!flow.stands((6, 6), 6, start + Duration::from_millis(later)));
        }
        assert!(!flow.stands((7, 7), 6, start + Duration::from_millis(6_000)));
        assert!(flow.stands((7, 7), 6, start + Duration::from_millis(6_800)));
    }

    #[test]
    fn frames_lost_on_the_way_are_no_fault_later() {
        let looks = [(100, 5, 3), (5_000, 5, 3), (9_000, 6, 4)];
        assert_eq!(stands(&looks), [false; 3]);
    }

    #[test]
    fn a_frame_that_is_refused_for_too_long_is_noticed() {
        let start = Instant::now();
        let mut flow = Flow::new();
        let mut refuses = |millis: u64, accepted: u64, stalled: bool| {
            let offered = Offered { accepted, stalled };
            flow.refuses(offered, start + Duration::from_millis(millis))
        };
        assert!(!refuses(100, 7, true));
        assert!(!refuses(200, 9, true));
        assert!((3..=9).all(|nth| !refuses(nth * 100, 9, true)));
        assert!(refuses(1000, 9, true));
        // One that is taken ends it, and so does a moment without one.
        assert!(!refuses(1100, 10, true));
        assert!(!refuses(1200, 10, false));
        assert!(!refuses(1900, 10, true));
    }
}
