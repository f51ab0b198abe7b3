//! How a scenario's words become programs: a blueprint is read and checked once, and built for each host.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::activity::ActivityId;
use crate::host::program::Program;
use crate::reading::fields::Fields;
use crate::seed::{Draws, SeedTree};

/// A program that has been read from a scenario and found right.
pub trait Blueprint: Debug + Send + Sync {
    /// Builds the program for one host.
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program>;

    /// The pace that it is asked to keep with so many targets; `None` where nobody asks for one.
    fn asked(&self, _targets: usize) -> Option<Asked> {
        None
    }

    /// What it makes by hand that only IPv4 has, if anything.
    fn ipv4_alone(&self) -> Option<&'static str> {
        None
    }

    /// Blocks from which it forges source addresses.
    fn forged(&self) -> Vec<IpNet> {
        Vec::new()
    }

    /// The receive buffer of the connections that it accepts, in bytes, where it asks for one.
    fn buffer(&self) -> Option<u32> {
        None
    }

    /// TCP ports on which it listens.
    fn listens_on(&self) -> Vec<u16> {
        Vec::new()
    }
}

/// The pace that a program is asked to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The mean gap between what it sends on its own account, in nanoseconds.
    pub gap: u64,
    /// How often it sends, two times or more.
    pub visits: u64,
}

/// The parts that a scenario hands out to a program.
#[derive(Debug)]
pub struct Cast<'a> {
    /// The beginning of its draw paths: `tool/scan`, `app/web/workstation-3`, `service/server/ftp`.
    pub path: String,
    /// The activity it acts for; the background for a service.
    pub activity: ActivityId,
    /// Whom it is aimed at.
    pub targets: Vec<IpAddr>,
    /// The IPv6 addresses of those targets whose names have both kinds.
    pub twins: Arc<BTreeMap<IpAddr, IpAddr>>,
    /// Nanoseconds from its start to the end of the scenario.
    pub duration: u64,
    /// The streams.
    pub tree: &'a SeedTree,
}

impl Cast<'_> {
    /// The stream for one purpose of this program.
    pub fn draws(&self, purpose: &str) -> Draws {
        self.tree.draws(&format!("{}/{purpose}", self.path))
    }
}

/// Reads the parameters of one kind of program; mistakes are noted in the fields.
pub type Reader = fn(&mut Fields<'_, '_>) -> Arc<dyn Blueprint>;

/// A kind of program, by the name that scenarios use.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The name.
    pub name: &'static str,
    /// Reads its parameters.
    pub read: Reader,
}
