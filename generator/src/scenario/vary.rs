//! `[vary]`: what a seed may change in a scenario, within what range.
//!
//! Written as `"path.in.the.file" = RANGE`: `"5ms..80ms"`, `"3..9"`, `"10/s..100/s"`, `"1%..5%"`, `"192.0.2.2..192.0.2.99"`, or a
//! list of which one is taken.

use std::net::Ipv4Addr;

use crate::reading::document::{Node, Value};
use crate::reading::error::Origin;
use crate::reading::fields::Mistakes;
use crate::reading::units;
use crate::seed::{Draws, SeedTree};

/// The values that a seed gives to the varied paths of a table, in the order of the file.
///
/// Addresses are drawn apart: a scenario's ranges may overlap, its hosts may not.
pub fn draw(table: &Node, tree: &SeedTree, mistakes: &mut Mistakes) -> Vec<(String, Node)> {
    let mut taken: Vec<Ipv4Addr> = Vec::new();
    let mut drawn = Vec::new();
    for (path, range) in table.entries() {
        let mut draws = tree.draws(&format!("vary/{path}"));
        match one(range, &mut draws, &mut taken) {
            Some(value) => drawn.push((path.clone(), Node { origin: range.origin.clone(), value })),
            None => mistakes.note(
                &range.origin,
                format!(
                    "{path} = {}: it must be a range such as \"5ms..80ms\", \"3..9\", \"10/s..100/s\", \"0%..2%\" or \
                     \"192.0.2.2..192.0.2.99\", or a list to choose from",
                    range.to_line()
                ),
            ),
        }
    }
    drawn
}

fn one(range: &Node, draws: &mut Draws, taken: &mut Vec<Ipv4Addr>) -> Option<Value> {
    match &range.value {
        Value::List(choices) => draws.pick(choices).map(|choice| choice.value.clone()),
        Value::Text(text) => {
            let (low, high) = text.split_once("..")?;
            between(low.trim(), high.trim(), draws, taken)
        }
        _ => None,
    }
}

fn between(low: &str, high: &str, draws: &mut Draws, taken: &mut Vec<Ipv4Addr>) -> Option<Value> {
    if let (Ok(low), Ok(high)) = (low.parse::<u64>(), high.parse::<u64>()) {
        let value = (low <= high).then(|| draws.range(low..=high))?;
        return i64::try_from(value).ok().map(Value::Integer);
    }
    if let (Ok(low), Ok(high)) = (low.parse::<Ipv4Addr>(), high.parse::<Ipv4Addr>()) {
        return address(low, high, draws, taken).map(|address| Value::Text(address.to_string()));
    }
    if let (Some(low), Some(high)) = (units::duration(low), units::duration(high)) {
        let nanos = (low <= high).then(|| draws.range(low..=high))?;
        // Whole microseconds: what a person would write, and what a capture shows.
        return Some(Value::Text(units::write_duration(if nanos > 1_000 {
            nanos / 1_000 * 1_000
        } else {
            nanos
        })));
    }
    if let (Some(long), Some(short)) = (units::rate(low), units::rate(high)) {
        let gap = (short <= long).then(|| draws.range(short..=long))?;
        return Some(Value::Text(units::write_duration(gap)));
    }
    let (low, high) = (units::share(low)?, units::share(high)?);
    let parts = (low <= high).then(|| draws.range(u64::from(low)..=u64::from(high)))?;
    Some(Value::Text(format!(
        "{}.{:04}%",
        parts / 10_000,
        parts % 10_000
    )))
}

fn address(
    low: Ipv4Addr,
    high: Ipv4Addr,
    draws: &mut Draws,
    taken: &mut Vec<Ipv4Addr>,
) -> Option<Ipv4Addr> {
    let (low, high) = (u32::from(low), u32::from(high));
    if low > high {
        return None;
    }
    let span = u64::from(high - low) + 1;
    let offset = draws.range(0..=span - 1);
    // The next free one, around the end of the range; a range that is used up repeats.
    let free = (0..span)
        .map(|step| low + u32::try_from((offset + step) % span).unwrap_or(0))
        .map(Ipv4Addr::from);
    let address = free.into_iter().find(|address| !taken.contains(address))?;
    taken.push(address);
    Some(address)
}

/// A value that the command line states for a path.
pub fn stated(path: &str, value: &str) -> (String, Node) {
    let origin = Origin::Stated(format!("--set {path}={value}"));
    (path.to_owned(), Node::stated(origin, value))
}
