//! What one side of a conversation says, waits for and answers, as a list of steps and rules.
//!
//! - `line TEXT`, `text TEXT`, `hex BYTES`: says it, with CRLF behind a line; `urgent BYTES`: the last byte is urgent; `lines
//!   1500..80000`, `bytes 400`: so much text, or content without meaning
//! - `{ message = "dns", … }`: says a message of a known protocol
//! - `expect`, `expect TEXT`, `expect-line TEXT`: waits for anything, for a line that begins so, that is this; `expect-within
//!   TIME TEXT` goes on after that time; `expect-or PART TEXT` goes to a part where the next line begins otherwise
//! - `think TIME`: a pause of that mean, exponentially distributed; `pause TIME`: of exactly that
//! - `set NAME TEXT`, `tos N`
//! - `do PART`, `times 1..3 PART`, `chance 4% PART`, `if NAME VALUE PART`: goes through another part; `next` leaves it
//! - `call PORT within TIME PART`: opens a second connection to the peer, says the part there, and goes on when that has ended;
//!   `called` is then `open`, `closed` or `silent`. `listen`: lets the peer open one, on a port that `data port` and `data
//!   endpoint` name
//! - `serve`: from now on each line is answered by the first rule that fits
//! - `close`, `abort`, `hold`: ends in order, resets, says no more; a script that ends closes
//!
//! Texts have [parts](crate::content::wording) in braces that are drawn or known: `peer`, `peer port`, `date`, `time`, `line` (the
//! last one), `1` to `9` (what the stars of the rule stood for), `called`, `data port`, `data endpoint`, and names that were set.

mod play;
mod step;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use play::Player;
pub use step::{Expected, Rule, Step};

use super::filler::Filler;
use crate::content::message::MessagePlan;
use crate::reading::fields::text_ref;
use crate::reading::{Fields, Mistakes, Node, Origin, Value, units};
use crate::seed::Draws;

/// Most steps of a part, and most parts and rules.
const MOST_STEPS: usize = 1000;
/// How long a server that answers by rules waits for a line: RFC 5321 section 4.5.3.2.7 has five minutes, and others follow it.
const IDLE: u64 = 300_000_000_000;
/// What every conversation knows by name.
const KNOWN: [&str; 18] = [
    "peer",
    "peer port",
    "date",
    "time",
    "line",
    "called",
    "data port",
    "data endpoint",
    "number",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
];

/// What a scenario says in place of the keys of an application: the text, and where it stands if the scenario says it.
pub type Keys = BTreeMap<String, (String, Option<Origin>)>;

/// A script, as it was stated.
#[derive(Clone, Debug)]
pub struct Script {
    begin: Arc<[Step]>,
    parts: Arc<BTreeMap<String, Arc<[Step]>>>,
    rules: Arc<[Rule]>,
    /// Pause before each rule's steps.
    think: Option<u64>,
    idle: u64,
}

impl Script {
    /// Reads a script under that key of a table; `None` where there is none. Parts lie in the table `part`.
    pub fn read(fields: &mut Fields<'_, '_>, key: &'static str) -> Option<Script> {
        let node = fields.node(key)?;
        let parts = fields.node("part");
        Some(Script::from_nodes(
            Some(node),
            parts,
            None,
            &Keys::new(),
            fields.mistakes(),
        ))
    }

    /// Reads the side of an application: `script`, `part`, `on`, `think` and `idle`, in which `keys` stand for what the scenario
    /// says.
    pub fn side(side: &Node, keys: &Keys, mistakes: &mut Mistakes) -> Script {
        let mut fields = Fields::new("the script", side, mistakes);
        let [begin, parts, rules] = ["script", "part", "on"].map(|key| fields.node(key));
        let time = |node: Option<&Node>, fields: &mut Fields<'_, '_>| {
            let node = node?;
            let text = substitute(&node.to_line(), keys);
            let time = units::duration(&text);
            if time.is_none() {
                let origin = blame(&node.to_line(), keys).unwrap_or(&node.origin);
                fields.mistake(
                    origin,
                    format!("{text}: a time with its unit, such as \"20ms\""),
                );
            }
            time
        };
        let think = fields.node("think");
        let think = time(think, &mut fields);
        let idle = fields.node("idle");
        let idle = time(idle, &mut fields).unwrap_or(IDLE);
        fields.finish();
        Script {
            think,
            idle,
            ..Script::from_nodes(begin, parts, rules, keys, mistakes)
        }
    }

    fn from_nodes(
        begin: Option<&Node>,
        parts: Option<&Node>,
        rules: Option<&Node>,
        keys: &Keys,
        mistakes: &mut Mistakes,
    ) -> Script {
        let part_nodes = parts.map(Node::entries).unwrap_or_default();
        let rule_nodes = rules.map(Node::entries).unwrap_or_default();
        let lists = begin
            .into_iter()
            .chain(part_nodes.iter().chain(rule_nodes).map(|(_, node)| node));
        let mut known: Vec<String> = KNOWN.iter().map(|name| (*name).to_owned()).collect();
        for node in lists {
            known.extend(
                texts(node)
                    .iter()
                    .filter_map(|(_, text)| Step::names(text).map(str::to_owned)),
            );
        }
        let names: Vec<&str> = part_nodes.iter().map(|(name, _)| name.as_str()).collect();
        let mut read = |node: &Node| steps(node, keys, &known, &names, mistakes);
        let begin = begin.map(&mut read).unwrap_or_default();
        let parts: BTreeMap<String, Arc<[Step]>> = part_nodes
            .iter()
            .map(|(name, node)| (name.clone(), read(node).into()))
            .collect();
        let rules: Vec<Rule> = rule_nodes
            .iter()
            .map(|(pattern, node)| Rule::new(pattern, read(node).into()))
            .collect();
        Script {
            begin: begin.into(),
            parts: Arc::new(parts),
            rules: rules.into(),
            think: None,
            idle: IDLE,
        }
    }

    /// A script of one step: `close`, `abort` or `hold`.
    pub fn one(text: &str) -> Script {
        Script {
            begin: Step::parse(text, &[]).into_iter().collect(),
            parts: Arc::default(),
            rules: Arc::from([]),
            think: None,
            idle: IDLE,
        }
    }

    /// Whether it answers by rules.
    pub fn has_rules(&self) -> bool {
        !self.rules.is_empty()
    }
}

/// What the conversations of one program share: their script, and what they fill with.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The script.
    pub script: Script,
    text: Filler,
    bytes: Filler,
}

impl Stage {
    /// Prepares a script for a program.
    pub fn new(script: &Script, mut draws: Draws) -> Stage {
        Stage {
            script: script.clone(),
            text: Filler::text(&mut draws),
            bytes: Filler::random(&mut draws),
        }
    }
}

/// The texts of a list of steps, or of one.
fn texts(node: &Node) -> Vec<(&Node, String)> {
    let nodes = match &node.value {
        Value::List(items) => items.iter().collect(),
        _ => vec![node],
    };
    let text = |node: &Node| text_ref(&node.value).unwrap_or_default().to_owned();
    nodes.into_iter().map(|node| (node, text(node))).collect()
}

fn steps(
    node: &Node,
    keys: &Keys,
    known: &[String],
    parts: &[&str],
    mistakes: &mut Mistakes,
) -> Vec<Step> {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let mut steps = Vec::new();
    for (node, written) in texts(node).into_iter().take(MOST_STEPS) {
        if matches!(node.value, Value::Table(_)) {
            let message = MessagePlan::read(&substituted(node, keys), mistakes);
            steps.push(Step::Message(Arc::new(message)));
            continue;
        }
        let text = substitute(&written, keys);
        match Step::parse(&text, &known) {
            Some(step) if step.part().is_none_or(|part| parts.contains(&part)) => steps.push(step),
            Some(_) => mistakes.note(
                &node.origin,
                format!("{text}: there is no such part; parts: {}", parts.join(", ")),
            ),
            None => mistakes.note(
                blame(&written, keys).unwrap_or(&node.origin),
                format!("{text}: a step is {}", step::WANTED),
            ),
        }
    }
    steps
}

/// A table with what the scenario says in place of keys.
fn substituted(node: &Node, keys: &Keys) -> Node {
    let mut node = node.clone();
    match &mut node.value {
        Value::Text(text) => *text = substitute(text, keys),
        Value::Table(entries) => {
            for (_, inner) in entries {
                *inner = substituted(inner, keys);
            }
        }
        _ => {}
    }
    node
}

/// Where the scenario stated a value that a text uses.
fn blame<'k>(written: &str, keys: &'k Keys) -> Option<&'k Origin> {
    let used =
        |(key, _): &(&String, &(String, Option<Origin>))| written.contains(&format!("{{{key}}}"));
    keys.iter()
        .filter(used)
        .find_map(|(_, (_, origin))| origin.as_ref())
}

/// Puts what a scenario says in place of the keys of an application; a key's text may use others.
fn substitute(text: &str, keys: &Keys) -> String {
    /// Keys that name each other in a circle stay what they are.
    const DEPTH: usize = 3;
    let mut text = text.to_owned();
    for _ in 0..DEPTH {
        for (key, (value, _)) in keys {
            let braced = format!("{{{key}}}");
            if text.contains(&braced) && !value.contains(&braced) {
                text = text.replace(&braced, value);
            }
        }
    }
    text
}
