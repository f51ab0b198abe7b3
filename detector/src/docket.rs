//! The life of a case, once for all rules: it is opened, grows, ripens into a claim, and ends with its finding: when it
//! has been quiet for long, when it must make room, or at the end.
//!
//! A rule keeps what it needs to know in a [`Brief`]; the docket keeps when it began, how far it has come and when the
//! evidence sufficed.

use std::hash::Hash;

use labels::Finding;
use wire::Timestamp;

use crate::extent::Activity;
use crate::news::Moment;
use crate::report::Findings;
use crate::state::{Keep, Table};

/// What one rule knows of one suspect.
pub(crate) trait Brief: Default {
    /// Whom a case is about.
    type Key: Hash + Eq + Copy + Ord;
    /// The rule's thresholds.
    type Limits;

    /// Visits of the eviction hand that a case which is no claim yet survives.
    fn worth(&self) -> u8 {
        1
    }

    /// What is known, once it is a claim: of the whole at the end, or so far. `None` where it turned out to be nothing.
    fn finding(&self, key: &Self::Key, life: &Life, limits: &Self::Limits) -> Option<Finding>;
}

/// When a case began, how far it has come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Life {
    pub(crate) activity: Option<Activity>,
    pub(crate) detected: Option<Moment>,
}

impl Life {
    /// Something more happened.
    #[inline]
    pub(crate) fn extend(&mut self, at: Moment, packets: u64) {
        match &mut self.activity {
            Some(activity) => activity.extend(at, packets),
            None => self.activity = Some(Activity::new(at, packets)),
        }
    }

    fn is_over(&self, now: Timestamp, quiet: u64) -> bool {
        self.activity
            .is_some_and(|activity| activity.is_over(now, quiet))
    }
}

/// A brief and its life.
pub(crate) struct Folder<B> {
    pub(crate) life: Life,
    pub(crate) brief: B,
}

impl<B> Folder<B> {
    /// One of which so much is known, and nothing has happened.
    pub(crate) fn of(brief: B) -> Self {
        Folder {
            life: Life::default(),
            brief,
        }
    }
}

impl<B: Default> Default for Folder<B> {
    fn default() -> Self {
        Folder::of(B::default())
    }
}

impl<B: Brief> Keep for Folder<B> {
    fn worth(&self) -> u8 {
        if self.life.detected.is_some() {
            8
        } else {
            self.brief.worth()
        }
    }
}

/// When cases are closed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Closing {
    /// Those that have been quiet for so many nanoseconds at this time.
    Quiet(Timestamp, u64),
    /// All.
    End,
}

/// The cases of one rule.
pub(crate) struct Docket<B: Brief> {
    folders: Table<B::Key, Folder<B>>,
    limits: B::Limits,
}

impl<B: Brief> Docket<B> {
    pub(crate) fn new(capacity: usize, limits: B::Limits) -> Self {
        Docket {
            folders: Table::new(capacity),
            limits,
        }
    }

    pub(crate) fn limits(&self) -> &B::Limits {
        &self.limits
    }

    /// The case of that key, opened where there is none; one that must make room ends.
    pub(crate) fn open(&mut self, key: B::Key, findings: &mut Findings) -> &mut Folder<B> {
        let (folder, evicted) = self.folders.get_or_insert_with(key, Folder::default);
        if let Some((key, old)) = evicted
            && old.life.detected.is_some()
        {
            findings.close(old.brief.finding(&key, &old.life, &self.limits));
        }
        folder
    }

    /// Opens, and adds what happened.
    pub(crate) fn note(
        &mut self,
        key: B::Key,
        at: Moment,
        packets: u64,
        findings: &mut Findings,
    ) -> &mut Folder<B> {
        let folder = self.open(key, findings);
        folder.life.extend(at, packets);
        folder
    }

    pub(crate) fn get(&mut self, key: &B::Key) -> Option<&mut Folder<B>> {
        self.folders.get_mut(key)
    }

    pub(crate) fn peek(&self, key: &B::Key) -> Option<&Folder<B>> {
        self.folders.peek(key)
    }

    /// Drops a case: it turned out to be nothing.
    pub(crate) fn drop(&mut self, key: &B::Key) {
        self.folders.remove(key);
    }

    /// The evidence suffices: the case is a claim from now on, and whoever wants to hear at once, hears.
    pub(crate) fn claim(&mut self, key: B::Key, now: Moment, findings: &mut Findings) {
        let Some(folder) = self.folders.get_mut(&key) else {
            return;
        };
        if folder.life.detected.is_none() {
            folder.life.detected = Some(now);
            findings.open(|| folder.brief.finding(&key, &folder.life, &self.limits));
        }
    }

    /// Claims a case whose evidence suffices; whether it has become a claim just now.
    pub(crate) fn judge(
        &mut self,
        key: B::Key,
        now: Moment,
        findings: &mut Findings,
        suffices: impl FnOnce(&B, &B::Limits) -> bool,
    ) -> bool {
        let ripe = self.folders.peek(&key).is_some_and(|folder| {
            folder.life.detected.is_none() && suffices(&folder.brief, &self.limits)
        });
        if ripe {
            self.claim(key, now, findings);
        }
        ripe
    }

    /// Ends cases.
    pub(crate) fn close(&mut self, closing: Closing, findings: &mut Findings) {
        self.close_with(closing, findings, |_, _| {});
    }

    /// Ends cases, and has each that is a claim seen before it is told.
    pub(crate) fn close_with(
        &mut self,
        closing: Closing,
        findings: &mut Findings,
        mut see: impl FnMut(&B::Key, &mut B),
    ) {
        let ripe = self.folders.take_ripe(|folder| match closing {
            Closing::End => true,
            Closing::Quiet(now, quiet) => {
                folder.life.detected.is_some() && folder.life.is_over(now, quiet)
            }
        });
        for (key, mut folder) in ripe {
            if folder.life.detected.is_some() {
                see(&key, &mut folder.brief);
                findings.close(folder.brief.finding(&key, &folder.life, &self.limits));
            }
        }
    }

    /// Cases that had to make room.
    pub(crate) fn evicted(&self) -> u64 {
        self.folders.evicted()
    }
}
