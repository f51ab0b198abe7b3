//! Tools: what a person runs against somebody. A tool only sends stimuli and reacts to replies; the replies come from
//! stacks.
//!
//! All are made of one [`kit`]. What distinguishes them is data: a new tool is a file of `tools/`.

pub mod file;
pub mod kit;

use std::sync::Arc;

use ipnet::IpNet;

use crate::blueprint::{Asked, Blueprint, Cast};
use crate::host::program::Program;
use crate::reading::Fields;
use crate::reading::document::lay_over;
use kit::run::Run;
use kit::stage::{PROGRAMS, Tool};

/// The names that an activity's `tool` may have.
pub fn names() -> Vec<&'static str> {
    let programs = PROGRAMS.iter().map(|(name, _)| *name);
    programs
        .chain(file::built_in().keys().map(String::as_str))
        .collect()
}

/// Reads the parameters of a tool: those of its file, and over them what the activity says. `None` for an unknown name.
pub fn read(name: &str, fields: &mut Fields<'_, '_>) -> Option<Arc<dyn Blueprint>> {
    let program = PROGRAMS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, program)| *program);
    let (program, mut table) = match (program, file::built_in().get(name)) {
        (Some(program), _) => (program, None),
        (None, Some(file)) => (file.program, Some(file.parameters.clone())),
        (None, None) => return None,
    };
    let stated = fields.take_rest();
    let table = match &mut table {
        Some(table) => {
            lay_over(table, &stated);
            table.origin = stated.origin.clone();
            table.clone()
        }
        None => stated,
    };
    Some(Arc::new(Plan(Arc::new(Tool::read(program, table, fields)))))
}

#[derive(Debug)]
struct Plan(Arc<Tool>);

impl Blueprint for Plan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        Box::new(Run::new(&self.0, cast))
    }

    fn asked(&self, targets: usize) -> Option<Asked> {
        self.0.asked(targets)
    }

    fn ipv4_alone(&self) -> Option<&'static str> {
        self.0.ipv4_alone()
    }

    fn forged(&self) -> Vec<IpNet> {
        self.0.forged()
    }
}
