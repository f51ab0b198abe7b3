//! `[vary]`: what a seed may change in a scenario, within what range.
//!
//! Written as `"path.in.the.file" = RANGE`:
//!
//! - `"5ms..80ms"`, `"3..9"`, `"10/s..100/s"`, `"1%..5%"`, `"192.0.2.2..192.0.2.99"`: anything between, each as likely; `"log
//!   1ms..10s"`: each power of two as likely
//! - a list, of which one is taken
//! - `{ choose = "3..9", of = […] }`: so many of a list, in its order; `mixed = true`: in any
//! - `{ shuffle = […] }`: a list in any order
//! - `{ chance = "30%", then = X, else = Y }`
//! - `"anywhere"`: a moment of the first four fifths of the scenario

use std::net::Ipv4Addr;

use crate::reading::document::{Node, Value};
use crate::reading::error::Origin;
use crate::reading::fields::{Fields, Mistakes, text_ref};
use crate::reading::units;
use crate::seed::{Draws, SeedTree};

const WANTED: &str = "a range such as \"5ms..80ms\", \"log 1ms..10s\", \"3..9\", \"10/s..100/s\", \"0%..2%\" or \
                      \"192.0.2.2..192.0.2.99\", a list to choose one from, { choose = \"3..9\", of = [...] }, { shuffle = [...] }, \
                      { chance = \"30%\", then = X, else = Y }, or \"anywhere\"";

/// The values that a seed gives to the varied paths of a table, in the order of the file.
///
/// Addresses are drawn apart: a scenario's ranges may overlap, its hosts may not.
pub fn draw(
    table: &Node,
    document: &Node,
    tree: &SeedTree,
    mistakes: &mut Mistakes,
) -> Vec<(String, Node)> {
    let mut taken: Vec<Ipv4Addr> = Vec::new();
    let mut drawn: Vec<(String, Node)> = Vec::new();
    for (path, range) in table.entries() {
        let mut draws = tree.draws(&format!("vary/{path}"));
        let varied = drawn
            .iter()
            .find(|(path, _)| path == "duration")
            .map(|(_, node)| node);
        let duration = varied.or(document.get("duration"));
        let duration = duration.and_then(|node| units::duration(text_ref(&node.value)?));
        let value = match &range.value {
            Value::Table(_) => table_of(range, &mut draws, mistakes),
            Value::Text(text) if text == "anywhere" => duration.map(|duration| {
                let at = draws.range(0..=duration / 5 * 4);
                Value::Text(units::write_duration(at / 1_000 * 1_000))
            }),
            _ => one(range, &mut draws, &mut taken),
        };
        match value {
            Some(value) => drawn.push((
                path.clone(),
                Node {
                    origin: range.origin.clone(),
                    value,
                },
            )),
            None => mistakes.note(
                &range.origin,
                format!("{path} = {}: it must be {WANTED}", range.to_line()),
            ),
        }
    }
    drawn
}

/// Subsets, orders and chances.
fn table_of(range: &Node, draws: &mut Draws, mistakes: &mut Mistakes) -> Option<Value> {
    let mut fields = Fields::new("the range", range, mistakes);
    let [choose, of, shuffle] = ["choose", "of", "shuffle"].map(|key| fields.node(key));
    let mixed = fields.flag("mixed");
    let chance = fields.share("chance");
    let [then, otherwise] = ["then", "else"].map(|key| fields.node(key));
    fields.finish();
    match (choose, of, shuffle, chance) {
        (Some(choose), Some(of), None, None) => {
            let Value::List(items) = &of.value else {
                return None;
            };
            let (low, high) = count(choose)?;
            let most = items.len() as u64;
            let wanted = draws.range(low.min(most)..=high.min(most));
            Some(Value::List(subset(items, wanted, mixed, draws)))
        }
        (None, None, Some(list), None) => {
            let Value::List(items) = &list.value else {
                return None;
            };
            let mut items = items.clone();
            draws.shuffle(&mut items);
            Some(Value::List(items))
        }
        (None, None, None, Some(chance)) => {
            let (then, otherwise) = (then?, otherwise?);
            let happens = draws.range(0..=999_999) < u64::from(chance);
            Some(if happens {
                then.value.clone()
            } else {
                otherwise.value.clone()
            })
        }
        _ => None,
    }
}

fn count(node: &Node) -> Option<(u64, u64)> {
    let text = node.to_line();
    let (low, high) = text.split_once("..").unwrap_or((&text, &text));
    let (low, high) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
    (low <= high).then_some((low, high))
}

/// So many of a list, each as likely as any other.
fn subset(items: &[Node], wanted: u64, mixed: bool, draws: &mut Draws) -> Vec<Node> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    draws.shuffle(&mut order);
    order.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
    if !mixed {
        order.sort_unstable();
    }
    order
        .into_iter()
        .filter_map(|at| items.get(at).cloned())
        .collect()
}

fn one(range: &Node, draws: &mut Draws, taken: &mut Vec<Ipv4Addr>) -> Option<Value> {
    match &range.value {
        Value::List(choices) => draws.pick(choices).map(|choice| choice.value.clone()),
        Value::Text(text) => {
            let (text, log) = match text.strip_prefix("log ") {
                Some(text) => (text, true),
                None => (text.as_str(), false),
            };
            let (low, high) = text.split_once("..")?;
            between(low.trim(), high.trim(), log, draws, taken)
        }
        _ => None,
    }
}

/// A number of a range: each as likely, or each power of two.
fn number(low: u64, high: u64, log: bool, draws: &mut Draws) -> u64 {
    if !log {
        return draws.range(low..=high);
    }
    let octave = draws.range(u64::from(low.max(1).ilog2())..=u64::from(high.max(1).ilog2()));
    let bottom = (1u64 << octave).max(low);
    let top = (1u64 << octave)
        .saturating_mul(2)
        .saturating_sub(1)
        .min(high)
        .max(bottom);
    draws.range(bottom..=top)
}

fn between(
    low: &str,
    high: &str,
    log: bool,
    draws: &mut Draws,
    taken: &mut Vec<Ipv4Addr>,
) -> Option<Value> {
    if let (Ok(low), Ok(high)) = (low.parse::<u64>(), high.parse::<u64>()) {
        let value = (low <= high).then(|| number(low, high, log, draws))?;
        return i64::try_from(value).ok().map(Value::Integer);
    }
    if let (Ok(low), Ok(high)) = (low.parse::<Ipv4Addr>(), high.parse::<Ipv4Addr>()) {
        return address(low, high, draws, taken).map(|address| Value::Text(address.to_string()));
    }
    if let (Some(low), Some(high)) = (units::duration(low), units::duration(high)) {
        let nanos = (low <= high).then(|| number(low, high, log, draws))?;
        // Whole microseconds: what a person would write, and what a capture shows.
        return Some(Value::Text(units::write_duration(if nanos > 1_000 {
            nanos / 1_000 * 1_000
        } else {
            nanos
        })));
    }
    if let (Some(long), Some(short)) = (units::rate(low), units::rate(high)) {
        let gap = (short <= long).then(|| number(short, long, log, draws))?;
        return Some(Value::Text(units::write_duration(gap)));
    }
    let (low, high) = (units::share(low)?, units::share(high)?);
    let parts = (low <= high).then(|| number(u64::from(low), u64::from(high), log, draws))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Pins;

    /// What twenty seeds make of a range.
    fn drawn(range: &str) -> Result<Vec<String>, String> {
        let table = Node::parse("v.toml", &format!("x = {range}")).unwrap();
        let document = Node::parse("d.toml", "duration = '100s'").unwrap();
        let mut all = Vec::new();
        for seed in 0..20 {
            let mut mistakes = Mistakes::default();
            let values = draw(
                &table,
                &document,
                &SeedTree::new(seed, Pins::new()),
                &mut mistakes,
            );
            if let Some(mistake) = mistakes.0.first() {
                return Err(mistake.message.clone());
            }
            all.extend(values.iter().map(|(_, node)| node.to_line()));
        }
        Ok(all)
    }

    fn distinct(range: &str) -> usize {
        let mut all = drawn(range).unwrap();
        all.sort();
        all.dedup();
        all.len()
    }

    #[test]
    fn a_subset_keeps_its_order_unless_it_is_mixed() {
        for line in drawn("{ choose = '2..4', of = [1, 2, 3, 4, 5, 6] }").unwrap() {
            let numbers: Vec<u8> = line
                .trim_matches(['[', ']'])
                .split(", ")
                .map(|n| n.parse().unwrap())
                .collect();
            assert!(
                (2..=4).contains(&numbers.len()) && numbers.is_sorted(),
                "{line}"
            );
        }
        assert!(distinct("{ choose = '2..4', of = [1, 2, 3, 4, 5, 6] }") > 12);
        assert!(distinct("{ choose = '3', of = [1, 2, 3], mixed = true }") >= 4);
        assert!(distinct("{ shuffle = ['a', 'b', 'c', 'd'] }") > 10);
    }

    #[test]
    fn a_moment_lies_anywhere_and_a_logarithm_in_every_octave() {
        let seconds = |line: &String| units::duration(line).unwrap() / 1_000_000_000;
        let moments: Vec<u64> = drawn("'anywhere'").unwrap().iter().map(seconds).collect();
        assert!(
            moments.iter().all(|at| *at <= 80) && moments.iter().any(|at| *at > 60),
            "{moments:?}"
        );
        let gaps = drawn("'log 1ms..1000s'").unwrap();
        let small = gaps
            .iter()
            .filter(|gap| units::duration(gap).unwrap() < 1_000_000_000)
            .count();
        assert!((5..=15).contains(&small), "{gaps:?}");
    }

    #[test]
    fn chances_come_true_about_as_often_as_they_are_told() {
        let many = drawn("{ chance = '50%', then = 'open', else = 'closed' }").unwrap();
        let open = many.iter().filter(|line| *line == "open").count();
        assert!((4..=16).contains(&open), "{open}");
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for range in [
            "'5'",
            "7",
            "{ choose = 3 }",
            "{ choose = 'x', of = [1] }",
            "{ shuffle = 1 }",
            "{ chance = '5%', then = 1 }",
            "'9..3'",
        ] {
            assert!(drawn(range).is_err(), "{range}");
        }
    }
}
