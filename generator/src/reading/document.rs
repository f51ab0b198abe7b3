//! A scenario file as a tree whose every value remembers where it was written.
//!
//! Whatever changes a scenario (`--set`, `[vary]`, `[published]`, a difficulty, a background) is an *overlay*: a value
//! put at a dotted path of this tree before it is checked. There is no other way to change one.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Mistake, Origin, ScenarioErrors};

/// A value and where it was written.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where.
    pub origin: Origin,
    /// What.
    pub value: Value,
}

/// A value of a scenario file.
#[derive(Clone, Debug)]
pub enum Value {
    /// Text, quantities with units among it.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Boolean(bool),
    /// A list.
    List(Vec<Node>),
    /// A table, in the order of the file.
    Table(Vec<(String, Node)>),
}

impl Value {
    /// What kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Text(_) => "a text",
            Value::Integer(_) => "a whole number",
            Value::Boolean(_) => "true or false",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

impl Node {
    /// Reads a file's text.
    ///
    /// # Errors
    /// Every line that is no TOML, and values that no scenario uses (floats, dates), at once.
    pub fn parse(file: &str, text: &str) -> Result<Node, ScenarioErrors> {
        let lines = Lines::new(file, text);
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut mistakes: Vec<Mistake> = errors
            .iter()
            .map(|error| Mistake {
                origin: lines.at(error.span().map_or(0, |span| span.start)),
                message: format!("not TOML: {}", error.message().trim_end()),
            })
            .collect();
        let root = Node {
            origin: lines.at(0),
            value: lines.table(table.get_ref(), &mut mistakes),
        };
        if mistakes.is_empty() {
            Ok(root)
        } else {
            Err(ScenarioErrors(mistakes))
        }
    }

    /// Reads one value as a file or the command line would state it: TOML where it parses, else plain text.
    pub fn stated(origin: Origin, text: &str) -> Node {
        let value = match text.parse::<i64>() {
            Ok(number) => Value::Integer(number),
            Err(_) if text == "true" || text == "false" => Value::Boolean(text == "true"),
            Err(_) if text.starts_with('[') && text.ends_with(']') => {
                return stated_list(origin, text);
            }
            Err(_) => Value::Text(text.to_owned()),
        };
        Node { origin, value }
    }

    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Table(entries) => entries
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, node)| node),
            _ => None,
        }
    }

    /// The value at a dotted path.
    pub fn at(&self, path: &str) -> Option<&Node> {
        path.split('.').try_fold(self, |node, key| node.get(key))
    }

    /// Takes the value under `key` out.
    pub fn take(&mut self, key: &str) -> Option<Node> {
        match &mut self.value {
            Value::Table(entries) => {
                let at = entries.iter().position(|(name, _)| name == key)?;
                Some(entries.remove(at).1)
            }
            _ => None,
        }
    }

    /// The entries of a table, in the order of the file; nothing for another value.
    pub fn entries(&self) -> &[(String, Node)] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    /// Puts a value at a dotted path, making the last key, but no table, on the way.
    ///
    /// # Errors
    /// Names the first part of the path that is not there, and what is.
    pub fn overlay(&mut self, path: &str, node: Node) -> Result<(), Mistake> {
        let (parents, last) = path.rsplit_once('.').unwrap_or(("", path));
        let origin = node.origin.clone();
        let mut here = self;
        // Below an activity or a host tables need not be there: a tool's file may have them.
        let makes = ["activity.", "host.", "group."]
            .iter()
            .any(|start| path.starts_with(start));
        for (depth, key) in parents.split('.').filter(|key| !key.is_empty()).enumerate() {
            if makes && depth >= 2 && here.get(key).is_none() {
                let empty = Node {
                    origin: origin.clone(),
                    value: Value::Table(Vec::new()),
                };
                put(here, key, empty);
            }
            let names: Vec<&str> = here
                .entries()
                .iter()
                .map(|(name, _)| name.as_str())
                .collect();
            let known = names.join(", ");
            let Value::Table(entries) = &mut here.value else {
                return Err(Mistake {
                    origin,
                    message: format!("'{path}' leads nowhere: nothing lies below '{key}'"),
                });
            };
            here = match entries.iter_mut().find(|(name, _)| name == key) {
                Some((_, node)) => node,
                None => {
                    let message = format!("'{path}' leads nowhere: no '{key}' here, only {known}");
                    return Err(Mistake { origin, message });
                }
            };
        }
        let Value::Table(entries) = &mut here.value else {
            return Err(Mistake {
                origin,
                message: format!("'{path}' leads nowhere: nothing lies below '{parents}'"),
            });
        };
        match entries.iter_mut().find(|(name, _)| name == last) {
            Some((_, old)) => *old = node,
            None => entries.push((last.to_owned(), node)),
        }
        Ok(())
    }

    /// Takes the value at a dotted path out; false where there is none.
    pub fn remove(&mut self, path: &str) -> bool {
        let (parents, last) = path.rsplit_once('.').unwrap_or(("", path));
        let mut here = self;
        for key in parents.split('.').filter(|key| !key.is_empty()) {
            let Value::Table(entries) = &mut here.value else {
                return false;
            };
            let Some((_, node)) = entries.iter_mut().find(|(name, _)| name == key) else {
                return false;
            };
            here = node;
        }
        here.take(last).is_some()
    }

    /// Makes an empty table at a dotted path whose parents are tables, where nothing is yet.
    pub fn make_table(&mut self, path: &str, origin: &Origin) {
        if self.at(path).is_none() {
            let node = Node {
                origin: origin.clone(),
                value: Value::Table(Vec::new()),
            };
            // Where a parent is missing, whoever sets a value below says so.
            let _ = self.overlay(path, node);
        }
    }

    /// The value as one line, as it would be stated.
    pub fn to_line(&self) -> String {
        match &self.value {
            Value::Text(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Boolean(yes) => yes.to_string(),
            Value::List(items) => {
                let items: Vec<String> = items.iter().map(Node::to_line).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Table(entries) => {
                let entries: Vec<String> = entries
                    .iter()
                    .map(|(name, node)| format!("{name} = {}", node.to_line()))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }
}

/// Puts a value into a table in place of the one it has.
pub fn put(table: &mut Node, key: &str, node: Node) {
    if let Value::Table(entries) = &mut table.value {
        match entries.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = node,
            None => entries.push((key.to_owned(), node)),
        }
    }
}

/// Lays one table over another: tables within them are laid over each other, everything else is replaced.
pub fn lay_over(base: &mut Node, over: &Node) {
    for (key, node) in over.entries() {
        let both = base.get(key).is_some_and(|old| {
            matches!(
                (&old.value, &node.value),
                (Value::Table(_), Value::Table(_))
            )
        });
        if both
            && let Value::Table(entries) = &mut base.value
            && let Some((_, old)) = entries.iter_mut().find(|(name, _)| name == key)
        {
            lay_over(old, node);
            old.origin = node.origin.clone();
        } else {
            put(base, key, node.clone());
        }
    }
}

fn stated_list(origin: Origin, text: &str) -> Node {
    let inner = text.trim_start_matches('[').trim_end_matches(']');
    let items = inner
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty());
    let items = items
        .map(|item| Node::stated(origin.clone(), item.trim_matches('"')))
        .collect();
    Node {
        origin,
        value: Value::List(items),
    }
}

/// Turns byte offsets into lines.
struct Lines {
    file: Arc<str>,
    starts: Vec<usize>,
}

impl Lines {
    fn new(file: &str, text: &str) -> Self {
        let after_newlines = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at + 1);
        Lines {
            file: file.into(),
            starts: std::iter::once(0).chain(after_newlines).collect(),
        }
    }

    fn at(&self, offset: usize) -> Origin {
        Origin::Line(
            Arc::clone(&self.file),
            self.starts.partition_point(|start| *start <= offset).max(1),
        )
    }

    fn table(&self, table: &DeTable<'_>, mistakes: &mut Vec<Mistake>) -> Value {
        let mut entries: Vec<(usize, String, Node)> = table
            .iter()
            .map(|(key, value)| {
                let mut node = self.node(value, mistakes);
                // A table's own span is its header's; the key's is where the reader looks.
                node.origin = self.at(key.span().start);
                (key.span().start, key.get_ref().to_string(), node)
            })
            .collect();
        entries.sort_by_key(|(at, _, _)| *at);
        Value::Table(
            entries
                .into_iter()
                .map(|(_, key, node)| (key, node))
                .collect(),
        )
    }

    fn node(&self, value: &Spanned<DeValue<'_>>, mistakes: &mut Vec<Mistake>) -> Node {
        let origin = self.at(value.span().start);
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Boolean(yes) => Value::Boolean(*yes),
            DeValue::Array(items) => {
                Value::List(items.iter().map(|item| self.node(item, mistakes)).collect())
            }
            DeValue::Table(table) => self.table(table, mistakes),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Value::Integer(number),
                    Err(_) => {
                        mistakes.push(Mistake {
                            origin: origin.clone(),
                            message: "the number is too large".into(),
                        });
                        Value::Integer(0)
                    }
                }
            }
            DeValue::Float(_) | DeValue::Datetime(_) => {
                let message =
                    "a bare float or date: write it as text with its unit, such as \"1.5s\"";
                mistakes.push(Mistake {
                    origin: origin.clone(),
                    message: message.into(),
                });
                Value::Integer(0)
            }
        };
        Node { origin, value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_knows_its_line() {
        let node = Node::parse("a.toml", "id = 'x'\n\n[path.internet]\ndelay = '5ms'\n").unwrap();
        assert_eq!(
            node.at("path.internet.delay").unwrap().origin.to_string(),
            "a.toml:4"
        );
    }

    #[test]
    fn every_broken_line_is_reported() {
        let errors =
            Node::parse("a.toml", "id = \nx = 1.5\ntitle = 'a'\nb = 'unclosed\n").unwrap_err();
        let lines: Vec<String> = errors
            .0
            .iter()
            .map(|mistake| mistake.origin.to_string())
            .collect();
        for line in ["a.toml:1", "a.toml:2", "a.toml:4"] {
            assert!(lines.iter().any(|l| l == line), "{line} in {lines:?}");
        }
    }

    #[test]
    fn an_overlay_must_lead_somewhere() {
        let mut node = Node::parse("a.toml", "[path.internet]\ndelay = '5ms'\n").unwrap();
        let stated = |text| Node::stated(Origin::Stated("--set".into()), text);
        node.overlay("path.internet.delay", stated("9ms")).unwrap();
        assert_eq!(node.at("path.internet.delay").unwrap().to_line(), "9ms");
        let error = node
            .overlay("path.intranet.delay", stated("9ms"))
            .unwrap_err();
        assert!(
            error.message.contains("intranet") && error.message.contains("internet"),
            "{}",
            error.message
        );
    }
}
