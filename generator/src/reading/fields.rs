//! Reading a table key by key: typed, strict, and collecting every mistake.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::document::{Node, Value};
use super::error::{Mistake, Origin};
use super::units;

const PORTS_WANTED: &str = "a port, a range such as \"1-1024\", or a list of them";

/// Mistakes found so far.
#[derive(Debug, Default)]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistakes {
    /// Notes one, once: what the command line states of all sensors is wrong at each.
    pub fn note(&mut self, origin: &Origin, message: impl Into<String>) {
        let mistake = Mistake {
            origin: origin.clone(),
            message: message.into(),
        };
        if !self.0.contains(&mistake) {
            self.0.push(mistake);
        }
    }
}

/// A table being read. Whatever is not asked for by the time of [`Fields::finish`] is a mistake.
#[derive(Debug)]
pub struct Fields<'n, 'm> {
    name: String,
    origin: Origin,
    entries: Vec<(&'n str, &'n Node)>,
    asked: Vec<&'static str>,
    named: Vec<String>,
    mistakes: &'m mut Mistakes,
}

impl<'n, 'm> Fields<'n, 'm> {
    /// Starts reading `node`, which messages call `name`.
    pub fn new(name: impl Into<String>, node: &'n Node, mistakes: &'m mut Mistakes) -> Self {
        let name = name.into();
        let entries = match &node.value {
            Value::Table(entries) => entries
                .iter()
                .map(|(key, node)| (key.as_str(), node))
                .collect(),
            other => {
                mistakes.note(
                    &node.origin,
                    format!("{name} is {}, it must be a table", other.kind()),
                );
                Vec::new()
            }
        };
        Fields {
            name,
            origin: node.origin.clone(),
            entries,
            asked: Vec::new(),
            named: Vec::new(),
            mistakes,
        }
    }

    /// Where the table stands.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Takes the value under `key` as it stands.
    pub fn node(&mut self, key: &'static str) -> Option<&'n Node> {
        self.asked.push(key);
        let at = self.entries.iter().position(|(name, _)| *name == key)?;
        Some(self.entries.remove(at).1)
    }

    /// The same, under a key that only data names.
    pub fn node_named(&mut self, key: &str) -> Option<&'n Node> {
        self.named.push(key.to_owned());
        let at = self.entries.iter().position(|(name, _)| *name == key)?;
        Some(self.entries.remove(at).1)
    }

    /// Notes a mistake at a place.
    pub fn mistake(&mut self, origin: &Origin, message: impl Into<String>) {
        self.mistakes.note(origin, message);
    }

    /// The list of mistakes, for reading a table inside this one.
    pub fn mistakes(&mut self) -> &mut Mistakes {
        self.mistakes
    }

    /// A value that `read` understands; `wanted` says in words what it understands.
    pub fn parsed<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Option<T> {
        let node = self.node(key)?;
        let value = read(&node.value);
        if value.is_none() {
            self.mistakes.note(
                &node.origin,
                format!("{key} = {}: it must be {wanted}", node.to_line()),
            );
        }
        value
    }

    /// The same, which must be there.
    pub fn required<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Option<T> {
        if !self.entries.iter().any(|(name, _)| *name == key) {
            self.asked.push(key);
            self.mistakes.note(
                &self.origin,
                format!("{} lacks '{key}': {wanted}", self.name),
            );
            return None;
        }
        self.parsed(key, wanted, read)
    }

    /// Text.
    pub fn text(&mut self, key: &'static str) -> Option<String> {
        self.parsed(key, "a text", text)
    }

    /// Text, which must be there.
    pub fn required_text(&mut self, key: &'static str) -> Option<String> {
        self.required(key, "a text", text)
    }

    /// True or false; false when absent.
    pub fn flag(&mut self, key: &'static str) -> bool {
        self.yes_or_no(key).unwrap_or(false)
    }

    /// True or false, where the file says so.
    pub fn yes_or_no(&mut self, key: &'static str) -> Option<bool> {
        let read = |value: &Value| {
            if let Value::Boolean(yes) = value {
                Some(*yes)
            } else {
                None
            }
        };
        self.parsed(key, "true or false", read)
    }

    /// A whole number of a range.
    pub fn number(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let wanted = format!("a whole number from {} to {}", range.start(), range.end());
        self.parsed(key, &wanted, |value| {
            number(value).filter(|number| range.contains(number))
        })
    }

    /// A number of 8 bits.
    pub fn byte(&mut self, key: &'static str) -> Option<u8> {
        self.number(key, 0..=255)
            .and_then(|number| u8::try_from(number).ok())
    }

    /// A number of 16 bits.
    pub fn word(&mut self, key: &'static str) -> Option<u16> {
        self.number(key, 0..=65535)
            .and_then(|number| u16::try_from(number).ok())
    }

    /// A time in nanoseconds.
    pub fn duration(&mut self, key: &'static str) -> Option<u64> {
        self.parsed(
            key,
            "a time with its unit, such as \"750ms\", of at most 3650d",
            |value| units::duration(text_ref(value)?),
        )
    }

    /// The mean gap in nanoseconds, written as a time or as a rate.
    pub fn gap(&mut self, key: &'static str) -> Option<u64> {
        self.parsed(
            key,
            "a time such as \"20ms\" or a rate such as \"50/s\"",
            |value| {
                let text = text_ref(value)?;
                units::duration(text).or_else(|| units::rate(text))
            },
        )
    }

    /// A share in parts per million.
    pub fn share(&mut self, key: &'static str) -> Option<u32> {
        self.parsed(key, "a share such as \"0.5%\"", |value| {
            units::share(text_ref(value)?)
        })
    }

    /// An address.
    pub fn address(&mut self, key: &'static str) -> Option<IpAddr> {
        self.required(key, "an address", |value| text_ref(value)?.parse().ok())
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let wanted = format!("one of: {}", names.join(", "));
        self.parsed(key, &wanted, |value| {
            let text = text_ref(value)?;
            choices
                .iter()
                .find(|(name, _)| *name == text)
                .map(|(_, choice)| *choice)
        })
    }

    /// A list of texts, or one text for a list of one.
    pub fn texts(&mut self, key: &'static str) -> Vec<String> {
        self.parsed(key, "a text or a list of texts", |value| list(value, text))
            .unwrap_or_default()
    }

    /// A list of ports and port ranges: `21`, `[21, 80]`, `["1-1024", 8080]`.
    pub fn ports(&mut self, key: &'static str) -> Vec<u16> {
        let lists = self
            .parsed(key, PORTS_WANTED, |value| list(value, ports))
            .unwrap_or_default();
        lists.into_iter().flatten().collect()
    }

    /// The same, of a value that was taken already.
    pub fn ports_of(&mut self, key: &'static str, node: Option<&Node>) -> Vec<u16> {
        let Some(node) = node else {
            return Vec::new();
        };
        let lists = list(&node.value, ports);
        if lists.is_none() {
            self.mistakes.note(
                &node.origin,
                format!("{key} = {}: it must be {PORTS_WANTED}", node.to_line()),
            );
        }
        lists.unwrap_or_default().into_iter().flatten().collect()
    }

    /// Takes all that nobody has asked for yet, as a table of its own.
    pub fn take_rest(&mut self) -> Node {
        let rest = std::mem::take(&mut self.entries);
        let rest = rest
            .into_iter()
            .map(|(key, node)| (key.to_owned(), node.clone()));
        Node {
            origin: self.origin.clone(),
            value: Value::Table(rest.collect()),
        }
    }

    /// Ends the reading: a key that nobody asked for is a mistake.
    pub fn finish(self) {
        let named = self.named.iter().map(String::as_str);
        let known: Vec<&str> = self.asked.iter().copied().chain(named).collect();
        let known = known.join(", ");
        for (key, node) in self.entries {
            self.mistakes.note(
                &node.origin,
                format!("{} has no '{key}'; it takes: {known}", self.name),
            );
        }
    }
}

/// Text, as it is.
pub fn text(value: &Value) -> Option<String> {
    text_ref(value).map(str::to_owned)
}

/// Text, borrowed.
pub fn text_ref(value: &Value) -> Option<&str> {
    if let Value::Text(text) = value {
        Some(text)
    } else {
        None
    }
}

/// A whole number that is not negative.
pub fn number(value: &Value) -> Option<u64> {
    if let Value::Integer(number) = value {
        u64::try_from(*number).ok()
    } else {
        None
    }
}

/// Each item of a list, or the one value that stands for a list of one.
pub fn list<T>(value: &Value, read: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    match value {
        Value::List(items) => items.iter().map(|item| read(&item.value)).collect(),
        single => read(single).map(|item| vec![item]),
    }
}

fn ports(value: &Value) -> Option<Vec<u16>> {
    if let Some(port) = number(value) {
        return Some(vec![u16::try_from(port).ok()?]);
    }
    let text = text_ref(value)?;
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last): (u16, u16) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then(|| (first..=last).collect())
}
