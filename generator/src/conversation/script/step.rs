//! The steps of a script, and how they are read.

use std::ops::RangeInclusive;
use std::sync::Arc;

use wire::Payload;

use crate::content::message::MessagePlan;
use crate::content::payload::hex;
use crate::content::wording::Wording;
use crate::reading::units;

/// Most bytes that one step says, and times that one step repeats another.
const MOST_BYTES: u64 = 1 << 30;
const MOST_TIMES: u64 = 1_000_000;

/// A step.
#[derive(Clone, Debug)]
pub enum Step {
    /// Says a text, with what comes behind it.
    Say(Wording, &'static str),
    /// Says bytes.
    Bytes(Payload),
    /// Says a message of a known protocol.
    Message(Arc<MessagePlan>),
    /// Says bytes of which the last is urgent.
    Urgent(Payload),
    /// Says so many bytes, in lines of letters or without any meaning.
    Fill(RangeInclusive<u64>, bool),
    /// Waits.
    Expect(Expected, Option<u64>),
    /// Waits for a line that begins so; another line leads to a part in place of what follows.
    ExpectOr(String, String),
    /// Pauses, exponentially distributed.
    Think(u64),
    /// Pauses.
    Pause(u64),
    /// Sets the type of service of what is said from now on.
    Tos(u8),
    /// Remembers a text under a name.
    Set(String, Wording),
    /// Goes through another part, so often.
    Times(RangeInclusive<u64>, String),
    /// The same, by chance, in parts per million.
    Chance(u32, String),
    /// The same, where a name says that.
    If(String, String, String),
    /// Goes on behind this part.
    Next,
    /// Begins to answer by the rules.
    Serve,
    /// Opens a second connection to the peer, from a port of its own or not, and waits until it has come to something.
    Call {
        /// The peer's port.
        port: Wording,
        /// Our own.
        from: Option<u16>,
        /// How long it waits.
        within: u64,
        /// What is said on it.
        part: Option<String>,
    },
    /// Accepts a second connection from the peer, on a port that is drawn.
    Listen,
    /// Closes in order.
    Close,
    /// Resets.
    Abort,
    /// Says no more.
    Hold,
}

/// What a step waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Anything.
    Anything,
    /// A line that begins so.
    Prefix(String),
    /// A line that is this and nothing else.
    Line(String),
}

/// What a step must be, for messages.
pub const WANTED: &str = "one of: line TEXT, text TEXT, hex BYTES, urgent BYTES, lines RANGE, bytes RANGE, expect, expect TEXT, \
                          expect-line TEXT, expect-or PART TEXT, expect-within TIME TEXT, think TIME, pause TIME, tos N, set NAME TEXT, do PART, \
                          times RANGE PART, chance SHARE PART, if NAME VALUE PART, next, serve, call PORT [from PORT] within TIME \
                          [PART], listen, close, abort, hold";

impl Step {
    /// Reads a step; its texts may use these names.
    pub fn parse(text: &str, known: &[&str]) -> Option<Step> {
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        let words = |text: &str| Wording::parse(text, known);
        Some(match verb {
            "line" => Step::Say(words(rest)?, "\r\n"),
            "text" => Step::Say(words(rest)?, ""),
            "hex" => Step::Bytes(Payload::new(hex(rest)?)),
            "urgent" => Step::Urgent(Payload::new(hex(rest)?)),
            "lines" => Step::Fill(range(rest, MOST_BYTES)?, true),
            "bytes" => Step::Fill(range(rest, MOST_BYTES)?, false),
            "expect" if rest.is_empty() => Step::Expect(Expected::Anything, None),
            "expect" => Step::Expect(Expected::Prefix(rest.to_owned()), None),
            "expect-line" => Step::Expect(Expected::Line(rest.to_owned()), None),
            "expect-or" => {
                let (name, text) = rest.split_once(' ')?;
                Step::ExpectOr(text.to_owned(), part(name)?)
            }
            "expect-within" => {
                let (time, text) = rest.split_once(' ').unwrap_or((rest, ""));
                let expected = if text.is_empty() {
                    Expected::Anything
                } else {
                    Expected::Prefix(text.to_owned())
                };
                Step::Expect(expected, Some(units::duration(time)?))
            }
            "think" => Step::Think(units::duration(rest)?),
            "pause" => Step::Pause(units::duration(rest)?),
            "tos" => Step::Tos(rest.parse().ok()?),
            "set" => {
                let (name, text) = rest.split_once(' ')?;
                Step::Set(name.to_owned(), words(text)?)
            }
            "do" => Step::Times(1..=1, part(rest)?),
            "times" => {
                let (count, name) = rest.split_once(' ')?;
                Step::Times(range(count, MOST_TIMES)?, part(name)?)
            }
            "chance" => {
                let (share, name) = rest.split_once(' ')?;
                Step::Chance(units::share(share)?, part(name)?)
            }
            "if" => {
                let mut words = rest.split_whitespace();
                let (name, value) = (words.next()?.to_owned(), words.next()?.to_owned());
                Step::If(name, value, part(words.next()?)?)
            }
            "call" => call(rest, known)?,
            "next" | "serve" | "listen" | "close" | "abort" | "hold" if !rest.is_empty() => {
                return None;
            }
            "next" => Step::Next,
            "serve" => Step::Serve,
            "listen" => Step::Listen,
            "close" => Step::Close,
            "abort" => Step::Abort,
            "hold" => Step::Hold,
            _ => return None,
        })
    }

    /// The part that it goes through.
    pub fn part(&self) -> Option<&str> {
        match self {
            Step::Times(_, part) | Step::Chance(_, part) | Step::If(_, _, part) => Some(part),
            Step::ExpectOr(_, part) => Some(part),
            Step::Call { part, .. } => part.as_deref(),
            _ => None,
        }
    }

    /// The name that a step gives to a text, before it is read.
    pub fn names(text: &str) -> Option<&str> {
        let mut words = text.strip_prefix("set ")?.split_whitespace();
        words.next()
    }
}

fn part(name: &str) -> Option<String> {
    let name = name.trim();
    (!name.is_empty() && !name.contains(' ')).then(|| name.to_owned())
}

fn call(rest: &str, known: &[&str]) -> Option<Step> {
    let (port, rest) = match rest.split_once(" within ") {
        Some((port, rest)) => (port, rest),
        None => return None,
    };
    let (port, from) = match port.split_once(" from ") {
        Some((port, from)) => (port, Some(from.trim().parse().ok()?)),
        None => (port, None),
    };
    let (time, name) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    let part = if name.is_empty() {
        None
    } else {
        Some(part(name)?)
    };
    Some(Step::Call {
        port: Wording::parse(port.trim(), known)?,
        from,
        within: units::duration(time)?,
        part,
    })
}

/// `5` or `1500..80000`; from 0 to `most`.
fn range(text: &str, most: u64) -> Option<RangeInclusive<u64>> {
    let (low, high) = text
        .trim()
        .split_once("..")
        .unwrap_or((text.trim(), text.trim()));
    let (low, high): (u64, u64) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
    (low <= high && high <= most).then_some(low..=high)
}

/// A rule: what a line must look like, and what is done then.
#[derive(Clone, Debug)]
pub struct Rule {
    words: Vec<String>,
    /// What is done.
    pub steps: Arc<[Step]>,
}

impl Rule {
    /// A rule for lines of these words; `*` stands for one word, at the end for all that is left.
    pub fn new(pattern: &str, steps: Arc<[Step]>) -> Rule {
        Rule {
            words: pattern.split_whitespace().map(str::to_owned).collect(),
            steps,
        }
    }

    /// What the line has where the rule has `*`, if it fits.
    pub fn fits(&self, line: &str) -> Option<Vec<String>> {
        let mut found = Vec::new();
        let mut rest = line.trim_end();
        for (n, wanted) in self.words.iter().enumerate() {
            rest = rest.trim_start();
            if wanted == "*" && n + 1 == self.words.len() {
                found.push(rest.to_owned());
                return Some(found);
            }
            let end = rest.find(' ').unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            match wanted.as_str() {
                "*" if !word.is_empty() => found.push(word.to_owned()),
                wanted => match wanted.strip_suffix('*') {
                    // Such as FROM:*.
                    Some(start) if !start.is_empty() => {
                        let head = word.get(..start.len())?;
                        head.eq_ignore_ascii_case(start).then_some(())?;
                        found.push(word.get(start.len()..)?.to_owned());
                    }
                    _ => word.eq_ignore_ascii_case(wanted).then_some(())?,
                },
            }
            rest = after;
        }
        rest.trim().is_empty().then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_step_is_a_verb_and_what_it_needs() {
        for text in [
            "line HELO {host}",
            "expect",
            "expect 220 ",
            "expect-within 5s 220",
            "think 2s",
            "close",
            "hex fff4",
            "lines 1500..80000",
            "times 1..3 message",
            "chance 4% refuse",
            "if called open leave",
            "set tag {digits 4}",
            "call 113 within 10s ident",
            "call {1} from 20 within 5s",
            "tos 16",
            "urgent ff",
        ] {
            assert!(Step::parse(text, &["1"]).is_some(), "{text}");
        }
        for text in [
            "",
            "say x",
            "think",
            "close now",
            "hex f",
            "line {nobody}",
            "expect-within 220",
            "times 3",
            "chance x y",
            "call 113",
            "lines 9..1",
            "bytes 2000000000",
        ] {
            assert!(Step::parse(text, &[]).is_none(), "{text}");
        }
    }

    #[test]
    fn a_rule_takes_what_stars_stand_for() {
        let rule = |pattern: &str| Rule::new(pattern, Arc::from([]));
        assert_eq!(
            rule("MAIL FROM:*").fits("mail from:<a@b>"),
            Some(vec!["<a@b>".into()])
        );
        assert_eq!(
            rule("* LOGIN * *").fits("a1 LOGIN joe s3 cret"),
            Some(vec!["a1".into(), "joe".into(), "s3 cret".into()])
        );
        assert_eq!(rule("QUIT").fits("quit"), Some(vec![]));
        assert_eq!(rule("QUIT").fits("QUIT now"), None);
        assert_eq!(rule("*").fits(""), Some(vec![String::new()]));
    }

    proptest! {
        #[test]
        fn no_step_and_no_line_ends_the_program(text in "\\PC{0,40}", line in "\\PC{0,40}") {
            Step::parse(&text, &["peer"]);
            Rule::new(&text, Arc::from([])).fits(&line);
        }
    }
}
