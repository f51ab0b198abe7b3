//! The guard: it decides where frames may go, which, how fast and how many.
//!
//! Nothing in this crate sends without it. A sink is opened with an [`Admission`], which only the guard hands out;
//! every frame passes [`Guard::check_frame`] on its way; and [`Limits`] are always finite. Each [`Refusal`] names the
//! rule that was broken and the flag of `crywolf replay` that lifts it.
//!
//! What it cannot see: where the other end of a veth leads in another network namespace, and what the program does
//! that holds the other end of a tap. While frames go, a [`sentry`](crate::sentry) looks again and again.

mod address;
mod content;
mod hearing;
mod interface;
mod route;
mod way;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

pub use content::Control;
pub use hearing::Hearing;
pub(crate) use hearing::hears_more;
pub use interface::Admission;
pub use way::Entry;

/// Frames a run may send unless told otherwise.
const MAX_FRAMES: u64 = 100_000_000;
/// How long a run may take unless told otherwise.
const MAX_DURATION: Duration = Duration::from_hours(24);
/// Frames a second on an interface of a lab unless told otherwise: more than one machine can send there.
const MAX_PPS_LAB: f64 = 5_000_000.0;
/// Frames a second on a physical interface unless told otherwise: what any switch and host bears.
const MAX_PPS_PHYSICAL: f64 = 1_000.0;

/// A rule of the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Frames go to a tap, veth, dummy or loopback interface.
    LabInterface,
    /// Frames go nowhere from where they could leave the machine.
    NoWayOut,
    /// Addresses are those of documentation, benchmarks, private and local networks.
    LabAddresses,
    /// Frames by which networks are run go where no kernel and no network hears them.
    NoControl,
    /// Nothing is sent of which it cannot be said what it is.
    Readable,
    /// The rate is bounded.
    BoundedRate,
    /// The number of frames is bounded.
    BoundedTotal,
    /// The time is bounded.
    BoundedTime,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Rule::LabInterface => "lab-interface",
            Rule::NoWayOut => "no-way-out",
            Rule::LabAddresses => "lab-addresses",
            Rule::NoControl => "no-control",
            Rule::Readable => "readable",
            Rule::BoundedRate => "bounded-rate",
            Rule::BoundedTotal => "bounded-total",
            Rule::BoundedTime => "bounded-time",
        })
    }
}

/// Why something is not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}\n  refused by the rule {rule}; {lift}")]
pub struct Refusal {
    /// The rule that was broken.
    pub rule: Rule,
    /// What broke it.
    pub what: String,
    /// What lifts the rule, or keeps to it.
    pub lift: String,
}

/// What the user lifts or narrows.
#[derive(Clone, Debug, Default)]
pub struct Permissions {
    /// An interface that leads out and may be used all the same (`--allow-physical`).
    pub physical: Option<String>,
    /// Whether any address may be sent from and to (`--allow-public-addresses`).
    pub public_addresses: bool,
    /// Whether frames by which networks are run may be sent wherever they are heard (`--allow-control-frames`).
    pub control_frames: bool,
    /// Whether frames may be sent that cannot be read (`--allow-unreadable`).
    pub unreadable: bool,
    /// Frames a second (`--max-pps`).
    pub max_pps: Option<f64>,
    /// Frames in all (`--limit`).
    pub frames: Option<u64>,
    /// Time in all (`--duration`).
    pub duration: Option<Duration>,
}

/// What bounds a run. Always finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Frames a second.
    pub pps: f64,
    /// Frames in all.
    pub frames: u64,
    /// Time in all.
    pub duration: Duration,
}

/// The guard.
#[derive(Clone, Debug)]
pub struct Guard {
    permissions: Permissions,
    hearing: Option<Hearing>,
}

impl Guard {
    /// A guard that keeps to all rules but those lifted.
    pub fn new(permissions: Permissions) -> Guard {
        Guard {
            permissions,
            hearing: None,
        }
    }

    /// The bounds of a run through an interface, which may lead out of the lab.
    pub fn limits(&self, leads_out: bool) -> Limits {
        let usual = if leads_out {
            MAX_PPS_PHYSICAL
        } else {
            MAX_PPS_LAB
        };
        Limits {
            pps: self.permissions.max_pps.unwrap_or(usual),
            frames: self.permissions.frames.unwrap_or(MAX_FRAMES),
            duration: self.permissions.duration.unwrap_or(MAX_DURATION),
        }
    }

    /// Refuses a run that would break a bound which the user has not set. Bounds that the user has set end it instead.
    ///
    /// # Errors
    /// The refusal.
    pub fn check_plan(
        &self,
        limits: &Limits,
        frames: u64,
        duration: Duration,
        pps: Option<f64>,
    ) -> Result<(), Refusal> {
        if pps.is_some_and(|pps| pps > limits.pps) {
            return Err(Refusal {
                rule: Rule::BoundedRate,
                what: format!(
                    "{:.0} frames a second were asked for, {:.0} are allowed here",
                    pps.unwrap_or_default(),
                    limits.pps
                ),
                lift: format!("--max-pps {:.0} allows them", pps.unwrap_or_default()),
            });
        }
        if self.permissions.frames.is_none() && frames > limits.frames {
            return Err(Refusal {
                rule: Rule::BoundedTotal,
                what: format!(
                    "the run would send {frames} frames, {} are allowed",
                    limits.frames
                ),
                lift: format!("--limit {frames} allows them, a lower one sends the first of them"),
            });
        }
        if self.permissions.duration.is_none() && duration > limits.duration {
            let hours = duration.as_secs().div_ceil(3600);
            return Err(Refusal {
                rule: Rule::BoundedTime,
                what: format!(
                    "the run would take {hours} h, {} h are allowed",
                    limits.duration.as_secs() / 3600
                ),
                lift: format!(
                    "--duration {hours}h allows it, a lower one sends what fits; --speed and --gap-cap shorten it"
                ),
            });
        }
        Ok(())
    }

    /// Lets frames by which networks are run pass: nobody hears them where they go.
    pub fn let_control_pass(&mut self) {
        self.permissions.control_frames = true;
    }

    /// Minds what this machine hears: where its answers could leave the lab, frames that it would answer are refused.
    pub fn mind(&mut self, hearing: Hearing) {
        self.hearing = Some(hearing);
    }

    /// Whether this machine would answer the frame.
    pub fn is_answered(&self, frame: &[u8]) -> bool {
        let hearing = self.hearing.as_ref();
        hearing.is_some_and(|hearing| hearing.answers(frame).is_some())
    }

    /// Refuses an Ethernet frame that holds an address that does not belong into a lab, or cannot be read. `number` is that
    /// of the frame in its capture. Tells how the frame runs a network, if it does: [`Guard::check_control`] decides
    /// about that.
    ///
    /// # Errors
    /// The refusal.
    #[inline]
    pub fn check_frame(&self, frame: &[u8], number: u64) -> Result<Option<Control>, Refusal> {
        if let Some(hearing) = &self.hearing {
            hearing.check(frame, number)?;
        }
        let content = content::read(frame);
        match (&content.foreign, &content.unreadable) {
            (None, None) => {}
            (foreign, unreadable) => {
                if let (Some((address, place)), false) =
                    (foreign, self.permissions.public_addresses)
                {
                    return Err(public(number, *address, place));
                }
                if let (Some(what), false) = (unreadable, self.permissions.unreadable) {
                    return Err(Refusal {
                        rule: Rule::Readable,
                        what: format!(
                            "frame {number} cannot be read, and may hold any address: {what}"
                        ),
                        lift: "--allow-unreadable sends it as it is".to_owned(),
                    });
                }
            }
        }
        Ok(content.control)
    }

    /// Refuses frames by which networks are run, counted by kind, where somebody hears them.
    ///
    /// # Errors
    /// The refusal.
    pub fn check_control(&self, frames: &BTreeMap<Control, u64>) -> Result<(), Refusal> {
        if self.permissions.control_frames || frames.is_empty() {
            return Ok(());
        }
        let kinds = frames
            .iter()
            .map(|(kind, count)| format!("{kind} ({count})"));
        let kinds: Vec<String> = kinds.collect();
        Err(Refusal {
            rule: Rule::NoControl,
            what: format!(
                "the capture holds frames by which networks are run, and who hears them may change its routes and \
                 addresses: {}",
                kinds.join(", ")
            ),
            lift: "--tap NAME of a new tap, which is silent, takes them; --allow-control-frames sends them here".to_owned(),
        })
    }
}

fn public(number: u64, address: std::net::IpAddr, place: &str) -> Refusal {
    let (within, lift) = match place {
        "" => (
            String::new(),
            "--map PREFIX=PREFIX moves addresses into a lab's, --allow-public-addresses sends them as they are",
        ),
        place => (
            format!(" in {place}"),
            "--allow-public-addresses sends it as it is",
        ),
    };
    Refusal {
        rule: Rule::LabAddresses,
        what: format!("frame {number} carries the public address {address}{within}"),
        lift: lift.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            pps: 100.0,
            frames: 1000,
            duration: Duration::from_secs(7200),
        }
    }

    fn rule(guard: &Guard, frames: u64, seconds: u64, pps: Option<f64>) -> Option<Rule> {
        guard
            .check_plan(&limits(), frames, Duration::from_secs(seconds), pps)
            .err()
            .map(|refusal| refusal.rule)
    }

    #[test]
    fn a_plan_within_the_bounds_passes() {
        let guard = Guard::new(Permissions::default());
        assert_eq!(rule(&guard, 1000, 7200, Some(100.0)), None);
    }

    #[test]
    fn each_bound_refuses_and_names_its_flag() {
        let guard = Guard::new(Permissions::default());
        for (frames, seconds, pps, broken, flag) in [
            (1001, 1, None, Rule::BoundedTotal, "--limit"),
            (1, 7201, None, Rule::BoundedTime, "--duration"),
            (1, 1, Some(101.0), Rule::BoundedRate, "--max-pps"),
        ] {
            let refusal = guard
                .check_plan(&limits(), frames, Duration::from_secs(seconds), pps)
                .unwrap_err();
            assert_eq!(refusal.rule, broken);
            let text = refusal.to_string();
            assert!(
                text.contains(flag) && text.contains(&broken.to_string()),
                "{text}"
            );
        }
    }

    #[test]
    fn bounds_that_the_user_sets_end_a_run_and_refuse_none() {
        let guard = Guard::new(Permissions {
            frames: Some(1000),
            duration: Some(Duration::from_secs(7200)),
            ..Permissions::default()
        });
        assert_eq!(rule(&guard, u64::MAX, u64::MAX / 4, None), None);
    }
}
