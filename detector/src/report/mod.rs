//! From cases that have closed to findings that are handed out: together, each event once, in order.

mod arbitration;
mod draft;
mod examples;
mod gather;
mod sleepers;

use labels::Finding;

pub(crate) use draft::{Draft, count, fact};
pub(crate) use examples::Examples;

use arbitration::arbitrate;
use gather::gather;
use sleepers::Sleepers;

section! {
    /// When findings are handed out.
    Reporting "report" {
        quiet: crate::config::Span,
        asleep: crate::config::Span,
        network_hosts: usize,
    }
}

/// What the detector has to say.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    ready: Vec<Finding>,
    /// Of cases that have just closed.
    closed: Vec<Finding>,
    sleepers: Sleepers,
    /// Hosts of a network from which on floods of them are one.
    network_hosts: usize,
    /// Where somebody wants to hear of cases at once.
    openings: Option<Vec<Finding>>,
}

impl Findings {
    /// None yet; floods of so many hosts of a network will be one.
    pub(crate) fn new(network_hosts: usize) -> Self {
        Findings {
            network_hosts,
            ..Findings::default()
        }
    }

    /// From now on openings are kept.
    pub(crate) fn want_openings(&mut self) {
        self.openings.get_or_insert_default();
    }

    /// A case has just become a claim; `finding` says what is known of it now, if somebody wants to hear.
    pub(crate) fn open(&mut self, finding: impl FnOnce() -> Option<Finding>) {
        if let Some(openings) = &mut self.openings {
            openings.extend(finding());
        }
    }

    /// A case has closed: its finding, if it had become a claim.
    pub(crate) fn close(&mut self, finding: impl IntoIterator<Item = Finding>) {
        self.closed.extend(finding);
    }

    /// Lets cases be closed that close together, and hands out what ended before the given moment, or all: in the order
    /// of detection. Whoever takes findings sooner or later gets them in the same order.
    pub(crate) fn close_together(
        &mut self,
        before: Option<wire::Timestamp>,
        close: impl FnOnce(&mut Findings),
    ) {
        close(self);
        let closed = std::mem::take(&mut self.closed);
        if self.sleepers.take_in(closed) {
            self.sleepers
                .replace(|findings| arbitrate(gather(findings, self.network_hosts)));
        }
        let mut together = self.sleepers.wake(before);
        together.sort_by(|a, b| {
            (a.detected_frame, a.class, &a.sources, &a.targets).cmp(&(
                b.detected_frame,
                b.class,
                &b.sources,
                &b.targets,
            ))
        });
        self.ready.extend(together);
    }

    /// Those that are ready, in the order in which their cases closed.
    pub(crate) fn take(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.ready)
    }

    /// The openings since the last call.
    pub(crate) fn take_openings(&mut self) -> Vec<Finding> {
        self.openings
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }
}
