//! Times, names, repetitions and comments of a trace.

use std::collections::BTreeMap;

use super::event::{Event, Line, Trace, TraceError, TraceProblem};

/// The most rounds of a repetition, and of all within one another.
const MOST_ROUNDS: u32 = 1 << 20;

/// Reads all but the packets.
pub(super) fn expand(text: &str) -> Result<Trace, TraceError> {
    let lines: Vec<Line> = text
        .lines()
        .zip(1..)
        .map(|(text, number)| Line {
            number,
            text: without_comment(text).trim().to_owned(),
        })
        .filter(|line| !line.text.is_empty())
        .collect();
    let mut reader = Reader::default();
    reader.read(&lines, 0, None)?;
    let mut trace = reader.trace;
    trace.events.sort_by_key(|event| event.at);
    Ok(trace)
}

/// What stands before a `#` that is in no quotation.
fn without_comment(line: &str) -> &str {
    let (mut quoted, mut escaped) = (false, false);
    for (at, letter) in line.char_indices() {
        match letter {
            '#' if !quoted => return line.get(..at).unwrap_or(line),
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = letter == '\\' && !escaped;
    }
    line
}

#[derive(Default)]
struct Reader {
    trace: Trace,
    names: BTreeMap<String, String>,
    rounds: u32,
}

impl Reader {
    /// Reads lines whose times count from `start`, in round `n` of a repetition.
    fn read(&mut self, lines: &[Line], start: u64, n: Option<i64>) -> Result<(), TraceError> {
        let mut before = start;
        let mut rest = lines.iter().enumerate();
        while let Some((at, line)) = rest.next() {
            let fail = |problem| TraceError {
                line: line.number,
                problem,
            };
            if let Some(named) = line.text.strip_prefix("let ") {
                let (name, text) = named
                    .split_once('=')
                    .ok_or_else(|| fail(TraceProblem::Let))?;
                let text = self.filled(text.trim(), n).map_err(fail)?;
                self.names.insert(name.trim().to_owned(), text);
                continue;
            }
            let text = self.filled(&line.text, n).map_err(fail)?;
            if text == "end" {
                return Err(fail(TraceProblem::Unbalanced));
            }
            let (word, said) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
            let timed = word.starts_with(|c: char| c.is_ascii_digit() || c == '+');
            if !timed {
                self.trace.heads.push(Line {
                    number: line.number,
                    text,
                });
                continue;
            }
            let since = if word.starts_with('+') { before } else { start };
            let time = nanos(word).ok_or_else(|| fail(TraceProblem::Time(word.to_owned())))?;
            before = since.saturating_add(time);
            let said = said.trim();
            if let Some(repetition) = said.strip_prefix("repeat ") {
                let (count, gap) = repetition
                    .split_once(" every ")
                    .and_then(|(count, gap)| Some((count.trim().parse().ok()?, nanos(gap.trim())?)))
                    .ok_or_else(|| fail(TraceProblem::Repeat))?;
                let body = lines.get(at + 1..).unwrap_or_default();
                let end = end_of(body).ok_or_else(|| fail(TraceProblem::Unbalanced))?;
                self.repeat(body.get(..end).unwrap_or_default(), before, count, gap)
                    .map_err(|error| match error.problem {
                        TraceProblem::TooMany(_) => fail(error.problem),
                        _ => error,
                    })?;
                // The lines of the body and its end were read.
                rest.nth(end);
                continue;
            }
            self.event(line.number, before, said).map_err(fail)?;
        }
        Ok(())
    }

    fn repeat(
        &mut self,
        body: &[Line],
        start: u64,
        count: u32,
        gap: u64,
    ) -> Result<(), TraceError> {
        for round in 0..count {
            self.rounds += 1;
            if self.rounds > MOST_ROUNDS {
                return Err(TraceError {
                    line: 0,
                    problem: TraceProblem::TooMany(MOST_ROUNDS),
                });
            }
            let at = start.saturating_add(gap.saturating_mul(u64::from(round)));
            self.read(body, at, Some(i64::from(round)))?;
        }
        Ok(())
    }

    fn event(&mut self, number: usize, at: u64, said: &str) -> Result<(), TraceProblem> {
        let order = self.trace.events.len() + 1;
        let text = quoting(said, order)?;
        self.trace.events.push(Event {
            at,
            order,
            line: Line { number, text },
        });
        Ok(())
    }

    /// The text with its names and expressions filled in.
    fn filled(&self, text: &str, n: Option<i64>) -> Result<String, TraceProblem> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(['$', '{']) {
            let (before, found) = rest.split_at(at);
            filled.push_str(before);
            if let Some(inner) = found.strip_prefix('{') {
                let (expression, after) = inner
                    .split_once('}')
                    .ok_or_else(|| TraceProblem::Expression(inner.to_owned()))?;
                let value = worked_out(expression, n)
                    .ok_or_else(|| TraceProblem::Expression(expression.to_owned()))?;
                filled.push_str(&value.to_string());
                rest = after;
            } else {
                let inner = found.get(1..).unwrap_or_default();
                let end = inner
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(inner.len());
                let (name, after) = inner.split_at(end);
                let named = self.names.get(name);
                filled.push_str(named.ok_or_else(|| TraceProblem::Unnamed(name.to_owned()))?);
                rest = after;
            }
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

/// The place of the `end` that belongs to a repetition whose body begins here.
fn end_of(lines: &[Line]) -> Option<usize> {
    let mut open = 0usize;
    lines.iter().position(|line| {
        if line.text == "end" {
            open = open.wrapping_sub(1);
        } else if line.text.split_whitespace().nth(1) == Some("repeat") {
            open += 1;
        }
        open == usize::MAX
    })
}

/// Seconds with a fraction, after a plus or not, in nanoseconds.
fn nanos(text: &str) -> Option<u64> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let fraction: u64 = format!("{fraction:0<9}").parse().ok()?;
    whole.checked_mul(1_000_000_000)?.checked_add(fraction)
}

/// An expression's value, from left to right.
fn worked_out(expression: &str, n: Option<i64>) -> Option<i64> {
    let operand = |text: &str| match text.trim() {
        "n" => n,
        text => text.parse().ok(),
    };
    let operator = |c: char| "+-*/%".contains(c);
    let mut rest = expression;
    let end = rest.find(operator).unwrap_or(rest.len());
    let mut value = operand(rest.get(..end)?)?;
    rest = rest.get(end..)?;
    while let Some(sign) = rest.chars().next() {
        let after = rest.get(1..)?;
        let end = after.find(operator).unwrap_or(after.len());
        let by = operand(after.get(..end)?)?;
        value = match sign {
            '+' => value.checked_add(by)?,
            '-' => value.checked_sub(by)?,
            '*' => value.checked_mul(by)?,
            '/' => value.checked_div(by)?,
            _ => value.checked_rem(by)?,
        };
        rest = after.get(end..)?;
    }
    Some(value)
}

/// The text with the number of the event that it quotes counted from the first.
fn quoting(text: &str, order: usize) -> Result<String, TraceProblem> {
    let Some((before, after)) = text.split_once(" quotes ") else {
        return Ok(text.to_owned());
    };
    let (number, rest) = after.split_once(' ').unwrap_or((after, ""));
    let quoted = match number.strip_prefix('-') {
        Some(back) => back.parse().ok().and_then(|back| order.checked_sub(back)),
        None => number.parse().ok(),
    };
    let quoted = quoted
        .filter(|quoted| (1..order).contains(quoted))
        .ok_or_else(|| TraceProblem::Quote(number.to_owned()))?;
    Ok(format!("{before} quotes {quoted} {rest}")
        .trim_end()
        .to_owned())
}
