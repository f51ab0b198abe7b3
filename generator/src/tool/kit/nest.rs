//! Tables that inherit: a probe's from its stage's, a stage's from its activity's.
//!
//! A key that an inner table does not state is the outer one's. A formula belongs to the table where it is written: two probes
//! that inherit a counter share it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::formula::Formula;
use super::values::{MOST_OWN, Name};
use crate::reading::document::put;
use crate::reading::fields::{number, text_ref};
use crate::reading::{Fields, Mistakes, Node, Value};

/// A table with what it inherits.
#[derive(Clone, Debug)]
pub struct Nest {
    /// All keys, inner ones first served.
    pub table: Node,
    /// In which table of `paths` a key is written.
    depth: BTreeMap<String, usize>,
    /// Draw paths of the tables, outermost first, without the activity's own.
    paths: Vec<String>,
}

impl Nest {
    /// The outermost table.
    pub fn new(table: Node) -> Nest {
        let keys = table.entries().iter().map(|(key, _)| (key.clone(), 0));
        Nest {
            depth: keys.collect(),
            table,
            paths: vec![String::new()],
        }
    }

    /// The same table with its draws under a path.
    #[must_use]
    pub fn under(self, path: &str) -> Nest {
        Nest {
            paths: vec![format!("{path}/")],
            ..self
        }
    }

    /// A table inside this one, whose draws lie under `name`.
    pub fn inner(&self, name: &str, inner: &Node) -> Nest {
        let mut nest = self.clone();
        let outer = self.paths.last().cloned().unwrap_or_default();
        nest.paths.push(format!("{outer}{name}/"));
        for (key, node) in inner.entries() {
            nest.depth.insert(key.clone(), self.paths.len());
            put(&mut nest.table, key, node.clone());
        }
        nest.table.origin = inner.origin.clone();
        nest
    }

    /// The draw path of the innermost table, with its end.
    pub fn innermost(&self) -> String {
        self.paths.last().cloned().unwrap_or_default()
    }

    /// The draw path of a key, or of a purpose of the innermost table.
    pub fn path(&self, key: &str) -> String {
        let innermost = self.paths.len() - 1;
        let depth = self.depth.get(key).copied().unwrap_or(innermost);
        let table = self.paths.get(depth).map_or("", String::as_str);
        format!("{table}{key}")
    }
}

/// The formulas of a tool, each once, with the draw path below the activity's own.
#[derive(Debug, Default)]
pub struct Formulas {
    /// Path and formula.
    pub all: Vec<(String, Arc<Formula>)>,
    /// Names of the tool's own values.
    pub own: Vec<String>,
    /// Which formula each own name has.
    pub own_formulas: Vec<usize>,
}

impl Formulas {
    /// Reads `let`, the table of a tool's own values.
    pub fn read_own(&mut self, fields: &mut Fields<'_, '_>) {
        let Some(table) = fields.node("let") else {
            return;
        };
        for (name, node) in table.entries() {
            if Name::is_taken(name) || self.own.len() == MOST_OWN {
                fields.mistake(
                    &node.origin,
                    format!("let.{name}: up to {MOST_OWN} names that mean nothing else yet; taken are {}", Name::all()),
                );
                continue;
            }
            let formula = self.parse(name, node, fields.mistakes());
            let index = self.add(format!("let/{name}"), formula);
            self.own.push(name.clone());
            self.own_formulas.push(index);
        }
    }

    /// Reads a key that holds a formula, and returns its number.
    pub fn read(
        &mut self,
        fields: &mut Fields<'_, '_>,
        nest: &Nest,
        key: &'static str,
    ) -> Option<usize> {
        let node = fields.node(key)?;
        let formula = self.parse(key, node, fields.mistakes());
        Some(self.add(nest.path(key), formula))
    }

    /// Reads a formula under a key that was looked at before.
    pub fn read_again(
        &mut self,
        table: &Node,
        nest: &Nest,
        key: &str,
        fields: &mut Fields<'_, '_>,
    ) -> Option<usize> {
        let formula = self.parse(key, table.get(key)?, fields.mistakes());
        Some(self.add(nest.path(key), formula))
    }

    /// Adds a formula.
    pub fn give(&mut self, path: String, formula: Formula) -> usize {
        self.add(path, formula)
    }

    /// The formula of a path that no file states.
    pub fn usual(&mut self, path: String, text: &str) -> usize {
        let formula = Formula::parse(text, &self.own).unwrap_or_else(|| Formula::number(0));
        self.add(path, formula)
    }

    fn add(&mut self, path: String, formula: Formula) -> usize {
        if let Some(known) = self.all.iter().position(|(other, _)| *other == path) {
            return known;
        }
        self.all.push((path, Arc::new(formula)));
        self.all.len() - 1
    }

    fn parse(&self, key: &str, node: &Node, mistakes: &mut Mistakes) -> Formula {
        let formula = match &node.value {
            Value::Integer(_) => number(&node.value).map(Formula::number),
            value => text_ref(value).and_then(|text| Formula::parse(text, &self.own)),
        };
        formula.unwrap_or_else(|| {
            let own = if self.own.is_empty() {
                String::new()
            } else {
                format!(", {}", self.own.join(", "))
            };
            mistakes.note(
                &node.origin,
                format!(
                    "{key} = {}: it must be a number or a formula such as \"random\", \"constant\", \"count 1\", \
                     \"random 1024..65535\", \"per-host 37..59\", \"source_port + 1000\"; names: {}{own}",
                    node.to_line(),
                    Name::all()
                ),
            );
            Formula::number(0)
        })
    }
}
