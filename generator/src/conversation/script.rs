//! What one side of a conversation says and waits for, as a list of steps.
//!
//! - `line TEXT`, `text TEXT`, `hex BYTES`: says it, with CRLF behind a line; [parts](crate::content::wording) in braces are
//!   drawn, or are what the conversation knows: `peer`, `peer port`, `own port`
//! - `expect`, `expect TEXT`: waits for anything, or for a line that begins with the text
//! - `expect-within TIME`, `expect-within TIME TEXT`: the same, but goes on after that time
//! - `think TIME`: a pause of that mean, exponentially distributed; `pause TIME`: of exactly that
//! - `close`, `abort`, `hold`: ends in order, resets, says no more
//!
//! At the end of a script the connection is closed. A peer that closes or resets ends it earlier.

use std::sync::Arc;

use wire::Payload;

use super::dialogue::{Dialogue, Talk};
use super::lines::Lines;
use crate::content::payload::hex;
use crate::content::wording::Wording;
use crate::reading::fields::text_ref;
use crate::reading::{Fields, Value, units};

/// Most steps of a script.
const MOST_STEPS: usize = 1000;
/// What every conversation knows by name.
const KNOWN: [&str; 2] = ["peer", "peer port"];

/// A script, as it was stated.
#[derive(Clone, Debug, Default)]
pub struct Script(Arc<[Step]>);

#[derive(Clone, Debug)]
enum Step {
    Say(Wording, &'static str),
    Bytes(Payload),
    Expect(String, Option<u64>),
    Think(u64),
    Pause(u64),
    Close,
    Abort,
    Hold,
}

const WANTED: &str = "a list of steps: \"line …\", \"text …\", \"hex …\", \"expect\", \"expect TEXT\", \"expect-within TIME TEXT\", \
                      \"think TIME\", \"pause TIME\", \"close\", \"abort\", \"hold\"";

impl Script {
    /// Reads a script under that key; `None` where there is none.
    pub fn read(fields: &mut Fields<'_, '_>, key: &'static str) -> Option<Script> {
        let node = fields.node(key)?;
        let nodes = match &node.value {
            Value::List(items) => items.iter().collect(),
            _ => vec![node],
        };
        let mut steps = Vec::new();
        for node in nodes.iter().take(MOST_STEPS) {
            match text_ref(&node.value).and_then(step) {
                Some(step) => steps.push(step),
                None => fields.mistake(
                    &node.origin,
                    format!("{key}: {}: it must be {WANTED}", node.to_line()),
                ),
            }
        }
        Some(Script(steps.into()))
    }

    /// A script of one step: `close`, `abort` or `hold`.
    pub fn one(text: &str) -> Script {
        Script(step(text).into_iter().collect())
    }

    /// Begins it for one conversation.
    pub fn begin(&self) -> Player {
        Player {
            steps: Arc::clone(&self.0),
            at: 0,
            lines: Lines::default(),
            waits: false,
        }
    }
}

fn step(text: &str) -> Option<Step> {
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    Some(match verb {
        "line" => Step::Say(Wording::parse(rest, &KNOWN)?, "\r\n"),
        "text" => Step::Say(Wording::parse(rest, &KNOWN)?, ""),
        "hex" => Step::Bytes(Payload::new(hex(rest)?)),
        "expect" => Step::Expect(rest.to_owned(), None),
        "expect-within" => {
            let (time, text) = rest.split_once(' ').unwrap_or((rest, ""));
            Step::Expect(text.to_owned(), Some(units::duration(time)?))
        }
        "think" => Step::Think(units::duration(rest)?),
        "pause" => Step::Pause(units::duration(rest)?),
        "close" if rest.is_empty() => Step::Close,
        "abort" if rest.is_empty() => Step::Abort,
        "hold" if rest.is_empty() => Step::Hold,
        _ => return None,
    })
}

/// A script in the middle of a conversation.
#[derive(Debug)]
pub struct Player {
    steps: Arc<[Step]>,
    at: usize,
    lines: Lines,
    /// Whether it waits for what the step before `at` expects.
    waits: bool,
}

impl Player {
    /// Says and does what comes next, up to what it must wait for.
    fn go_on(&mut self, talk: &mut Talk<'_, '_>) {
        let steps = Arc::clone(&self.steps);
        loop {
            let step = steps.get(self.at);
            self.at += 1;
            match step {
                Some(Step::Say(wording, end)) => {
                    let (peer, port) = (talk.peer.address.to_string(), talk.peer.port.to_string());
                    let known = |name: &str| match name {
                        "peer" => peer.clone(),
                        _ => port.clone(),
                    };
                    let text = wording.say(talk.draws, known);
                    talk.say(Payload::new(format!("{text}{end}").into_bytes()));
                }
                Some(Step::Bytes(bytes)) => talk.say(bytes.clone()),
                Some(Step::Expect(_, within)) => {
                    self.waits = true;
                    if let Some(within) = within {
                        talk.pause(*within);
                    }
                    return;
                }
                Some(Step::Think(mean)) => return talk.think(*mean),
                Some(Step::Pause(time)) => return talk.pause(*time),
                Some(Step::Abort) => return talk.abort(),
                Some(Step::Hold) => return,
                Some(Step::Close) | None => return talk.close(),
            }
        }
    }
}

impl Dialogue for Player {
    fn opened(&mut self, talk: &mut Talk<'_, '_>) {
        self.go_on(talk);
    }

    fn heard(&mut self, payload: &Payload, talk: &mut Talk<'_, '_>) {
        let lines = self.lines.take(payload);
        let Some(Step::Expect(text, _)) = self.steps.get(self.at.wrapping_sub(1)) else {
            return;
        };
        if self.waits && (text.is_empty() || lines.iter().any(|line| line.starts_with(text))) {
            self.waits = false;
            talk.stop_pausing();
            self.go_on(talk);
        }
    }

    fn paused(&mut self, talk: &mut Talk<'_, '_>) {
        self.waits = false;
        self.go_on(talk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ] {
            assert!(step(text).is_some(), "{text}");
        }
        for text in [
            "",
            "say x",
            "think",
            "close now",
            "hex f",
            "line {nobody}",
            "expect-within 220",
        ] {
            assert!(step(text).is_none(), "{text}");
        }
    }
}
