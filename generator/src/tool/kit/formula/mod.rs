//! How a tool fills the numbers of its packets: formulas over draws, counters and other fields.
//!
//! A formula is a number, a way to get one, or a sum of such, read from left to right with `*`, `/` and `%` first; operators
//! stand between spaces:
//!
//! - `7`, `0x28376839`
//! - `random`, `random 1024..65535`: drawn for each packet
//! - `constant`, `constant 7`, `constant 1024..65535`: one value for the whole run, drawn where it is not given
//! - `per-host 37..59`, `per-round 1001..2500`: drawn for each target, for each pass over the ports
//! - `count 1`, `count -1`, `count 1..9`, `count 19456 from 7 mod 31`: begins at a draw and goes on by that step (or by a drawn
//!   one), modulo a power of two
//! - `turn 2100 2101 2102`: one after another, again and again
//! - `source_port + 10355455`, `acknowledgment + 1`, `51 + started % 14`, `1024 * ( ttl % 4 + 1 )`, `target ^ port ^ sequence`,
//!   `swap ( count 2 )`: other fields, what the run knows, and two bytes exchanged
//!
//! Arithmetic wraps at 64 bits, and a field takes the low bits that it has.

mod parse;
mod series;
mod term;

pub use series::Series;

use super::values::Name;
use term::{Atom, Term};

/// A formula, as it was written.
#[derive(Clone, Debug)]
pub struct Formula {
    term: Term,
    /// The sources of numbers within it.
    atoms: Vec<Atom>,
}

impl Formula {
    /// A number.
    pub fn number(number: u64) -> Formula {
        Formula {
            term: Term::Number(number),
            atoms: Vec::new(),
        }
    }

    /// Reads a formula that may use these names of the file's own.
    pub fn parse(text: &str, own: &[String]) -> Option<Formula> {
        let mut parser = parse::Parser::new(text, own)?;
        let term = parser.whole()?;
        Some(Formula {
            term,
            atoms: parser.atoms,
        })
    }

    /// The number, where it is one always.
    pub fn fixed(&self) -> Option<u64> {
        match &self.term {
            Term::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The names that it looks up.
    pub fn names(&self) -> Vec<Name> {
        let mut names = Vec::new();
        let mut terms = vec![&self.term];
        while let Some(term) = terms.pop() {
            match term {
                Term::Name(name) => names.push(*name),
                Term::Swap(inner) => terms.push(inner),
                Term::Apply(_, both) => terms.extend([&both.0, &both.1]),
                Term::Number(_) | Term::Atom(_) => {}
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::super::values::Values;
    use super::*;
    use crate::seed::{Pins, SeedTree};
    use proptest::prelude::*;
    use std::sync::Arc;

    fn series(text: &str, pins: &[u64]) -> Series {
        let pins = Pins::from([("f".to_owned(), pins.to_vec())]);
        let formula = Formula::parse(text, &[]).unwrap_or_else(|| panic!("{text}"));
        Series::new(&Arc::new(formula), SeedTree::new(1, pins).draws("f"))
    }

    fn take<const N: usize>(text: &str, pins: &[u64]) -> [u64; N] {
        let mut values = Values::default();
        values.set(Name::SOURCE_PORT, 1000);
        values.set(Name::TTL, 58);
        let mut series = series(text, pins);
        std::array::from_fn(|_| series.next(&values))
    }

    #[test]
    fn counters_count_from_their_pin_and_wrap_where_they_are_told() {
        assert_eq!(take("count 1", &[1053]), [1053, 1054, 1055]);
        assert_eq!(take("count 3 from 6 mod 3", &[]), [6, 1, 4]);
        assert_eq!(take("count -1 from 995", &[]), [995, 994]);
        assert_eq!(
            take("swap ( count 1 from 150 )", &[]),
            [38400, 38656],
            "150 is 0x0096"
        );
    }

    #[test]
    fn fields_follow_from_others() {
        assert_eq!(take("source_port + 10355455", &[]), [10_356_455]);
        assert_eq!(take("1024 * ( ttl % 4 + 1 )", &[]), [3072]);
        assert_eq!(take("2 + 3 * 4 % 5", &[]), [4]);
    }

    #[test]
    fn pins_come_first_whatever_the_formula() {
        assert_eq!(take("42", &[42, 12]), [42, 12, 42]);
        assert_eq!(take("turn 1 2", &[9]), [9, 1, 2]);
        assert_eq!(take("constant", &[499_410_217]), [499_410_217; 3]);
    }

    #[test]
    fn what_is_no_formula_is_refused() {
        for text in [
            "",
            "count",
            "nonsense",
            "1 +",
            "( 1",
            "random 5..1",
            "turn",
            "swap 1",
            "count 1 mod 64",
        ] {
            assert!(Formula::parse(text, &[]).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_ends_the_program(text in "[a-z0-9 +*/%^()<>.-]{0,40}") {
            if let Some(formula) = Formula::parse(&text, &[]) {
                let mut series = Series::new(&Arc::new(formula), SeedTree::new(1, Pins::new()).draws("f"));
                series.next(&Values::default());
            }
        }
    }
}
