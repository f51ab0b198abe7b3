//! TCP options of a probe, in literal order: `mss 1460,nop,nop,sackOK`, `wscale 10,nop,mss 265,timestamp 0x3f3f3f3f 0,eol`.
//!
//! A number may be a formula in brackets: `timestamp ( clock / 10 ) 0`.

use std::sync::Arc;

use wire::{Options, TcpOption};

use super::formula::{Formula, Series};
use super::nest::{Formulas, Nest};
use super::values::Values;
use crate::content::payload::hex;
use crate::reading::Fields;
use crate::reading::fields::text_ref;

/// An option list, as it was stated.
#[derive(Clone, Debug, Default)]
pub struct OptionsPlan {
    fixed: Options,
    drawn: Option<Arc<[Piece]>>,
    /// Numbers of the formulas within, in order.
    pub formulas: Vec<usize>,
}

#[derive(Clone, Debug)]
enum Piece {
    Plain(Options),
    Mss,
    WindowScale,
    Timestamp,
}

const WANTED: &str = "options in order, such as \"mss 1460,nop,nop,sackOK\": mss N, wscale N, nop, eol, sackOK, timestamp N N, \
                      opt-KIND HEX; a number may be a formula in brackets; up to 40 bytes";

impl OptionsPlan {
    /// Reads `options`.
    pub fn read(fields: &mut Fields<'_, '_>, nest: &Nest, formulas: &mut Formulas) -> OptionsPlan {
        let own = formulas.own.clone();
        let parsed = fields.parsed("options", WANTED, |value| parse(text_ref(value)?, &own));
        let Some((pieces, numbers)) = parsed else {
            return OptionsPlan::default();
        };
        if numbers.iter().all(|formula| formula.fixed().is_some()) {
            let mut fixed = numbers.iter().filter_map(Formula::fixed);
            return OptionsPlan {
                fixed: list(&pieces, || fixed.next().unwrap_or(0)),
                drawn: None,
                formulas: Vec::new(),
            };
        }
        let indices = numbers.into_iter().enumerate().map(|(n, formula)| {
            let path = format!("{}/{}", nest.path("options"), n + 1);
            formulas.give(path, formula)
        });
        OptionsPlan {
            fixed: Options::NONE,
            formulas: indices.collect(),
            drawn: Some(pieces.into()),
        }
    }

    /// Whether a formula gives a part of them.
    pub fn is_drawn(&self) -> bool {
        self.drawn.is_some()
    }

    /// The list, where it is always the same.
    #[inline]
    pub fn fixed(&self) -> Options {
        self.fixed.clone()
    }

    /// The list with what the formulas give.
    pub fn next(&self, series: &mut [Series], values: &Values) -> Options {
        let mut formulas = self.formulas.iter();
        list(self.drawn.as_deref().unwrap_or_default(), || {
            let series = formulas.next().and_then(|index| series.get_mut(*index));
            series.map_or(0, |series| series.next(values))
        })
    }
}

fn list(pieces: &[Piece], mut number: impl FnMut() -> u64) -> Options {
    let mut options = Options::NONE;
    let low16 = |value: u64| u16::try_from(value & 0xffff).unwrap_or(0);
    for piece in pieces {
        match piece {
            Piece::Plain(plain) => {
                let whole = [options.as_bytes(), plain.as_bytes()].concat();
                options = Options::from_bytes(&whole);
            }
            Piece::Mss => options = options.with(TcpOption::Mss(low16(number()))),
            Piece::WindowScale => {
                let shift = u8::try_from(number() & 0xff).unwrap_or(0);
                options = options.with(TcpOption::WindowScale(shift));
            }
            Piece::Timestamp => {
                let (value, echo) = (number(), number());
                let low = crate::seed::low32;
                options = options.with(TcpOption::Timestamps(low(value), low(echo)));
            }
        }
    }
    options
}

fn parse(text: &str, own: &[String]) -> Option<(Vec<Piece>, Vec<Formula>)> {
    let (mut pieces, mut formulas, mut bytes) = (Vec::new(), Vec::new(), 0);
    if text.is_empty() {
        return Some((pieces, formulas));
    }
    for option in text.split(',') {
        let option = option.trim();
        let (name, rest) = option.split_once(' ').unwrap_or((option, ""));
        let plain = |option: TcpOption<'_>| Piece::Plain(Options::new([option]));
        let (piece, count, size) = match name {
            "nop" => (plain(TcpOption::NoOperation), 0, 1),
            "eol" => (plain(TcpOption::EndOfList), 0, 1),
            "sackOK" => (plain(TcpOption::SackPermitted), 0, 2),
            "mss" => (Piece::Mss, 1, 4),
            "wscale" => (Piece::WindowScale, 1, 3),
            "timestamp" => (Piece::Timestamp, 2, 10),
            other => {
                let kind: u8 = other.strip_prefix("opt-")?.parse().ok()?;
                let data = if rest.is_empty() {
                    Vec::new()
                } else {
                    hex(rest)?
                };
                (plain(TcpOption::Unknown(kind, &data)), 0, 2 + data.len())
            }
        };
        pieces.push(piece);
        bytes += size;
        if count > 0 {
            let numbers = numbers(rest, own)?;
            (numbers.len() == count).then_some(())?;
            formulas.extend(numbers);
        } else if !name.starts_with("opt-") && !rest.is_empty() {
            return None;
        }
    }
    (bytes <= wire::tcp::MAX_OPTION_BYTES).then_some((pieces, formulas))
}

/// Numbers behind each other, formulas among them in brackets.
fn numbers(text: &str, own: &[String]) -> Option<Vec<Formula>> {
    let (mut found, mut depth, mut word) = (Vec::new(), 0u32, String::new());
    for letter in text.chars().chain([' ']) {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            ' ' if depth == 0 => {
                if !word.is_empty() {
                    found.push(Formula::parse(&std::mem::take(&mut word), own)?);
                }
                continue;
            }
            _ => {}
        }
        word.push(letter);
    }
    (depth == 0).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(options: &str) -> Option<String> {
        let (pieces, numbers) = parse(options, &[])?;
        let mut fixed = numbers.iter().filter_map(Formula::fixed);
        Some(list(&pieces, || fixed.next().unwrap_or(0)).to_string())
    }

    #[test]
    fn options_stay_in_their_order() {
        for same in [
            "mss 1460,nop,nop,sackOK",
            "wscale 10,nop,mss 265,timestamp 1061109567 0,eol",
            "opt-253 0102",
        ] {
            assert_eq!(text(same).as_deref(), Some(same));
        }
    }

    #[test]
    fn what_is_no_option_is_refused() {
        for wrong in [
            "mss",
            "mss 1 2",
            "nop 1",
            "sack",
            "timestamp 1",
            "timestamp ( 1 0",
            "opt-2x 00",
        ] {
            assert_eq!(text(wrong), None, "{wrong}");
        }
        assert_eq!(text(&["timestamp 1 1"; 5].join(",")), None, "50 bytes");
    }
}
