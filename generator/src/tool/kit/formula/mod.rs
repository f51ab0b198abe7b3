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

use std::ops::RangeInclusive;

pub use series::Series;

use super::values::Name;

/// A formula, as it was written.
#[derive(Clone, Debug)]
pub struct Formula {
    term: Term,
    /// The sources of numbers within it.
    atoms: Vec<Atom>,
}

#[derive(Clone, Debug)]
enum Term {
    Number(u64),
    Name(Name),
    Atom(usize),
    Swap(Box<Term>),
    Apply(Operator, Box<(Term, Term)>),
}

#[derive(Clone, Copy, Debug)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    And,
    Or,
    Xor,
    Left,
    Right,
}

#[derive(Clone, Debug)]
enum Atom {
    /// Drawn each time; all bits where no range is given.
    Random(Option<RangeInclusive<u64>>),
    /// Drawn once for what the scope names.
    Once(Scope, Option<RangeInclusive<u64>>),
    Count {
        step: Step,
        from: Option<u64>,
        bits: u32,
    },
    Turn(Vec<u64>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    Run,
    Host,
    Round,
}

#[derive(Clone, Debug)]
enum Step {
    Fixed(u64),
    Drawn(RangeInclusive<u64>),
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

impl Operator {
    fn sum(word: &str) -> Option<Operator> {
        Some(match word {
            "+" => Operator::Add,
            "-" => Operator::Subtract,
            "&" => Operator::And,
            "|" => Operator::Or,
            "^" => Operator::Xor,
            "<<" => Operator::Left,
            ">>" => Operator::Right,
            _ => return None,
        })
    }

    fn product(word: &str) -> Option<Operator> {
        Some(match word {
            "*" => Operator::Multiply,
            "/" => Operator::Divide,
            "%" => Operator::Remainder,
            _ => return None,
        })
    }

    /// Division by zero gives zero: a formula never ends a run.
    fn apply(self, a: u64, b: u64) -> u64 {
        let shift = u32::try_from(b).unwrap_or(u32::MAX);
        match self {
            Operator::Add => a.wrapping_add(b),
            Operator::Subtract => a.wrapping_sub(b),
            Operator::Multiply => a.wrapping_mul(b),
            Operator::Divide => a.checked_div(b).unwrap_or(0),
            Operator::Remainder => a.checked_rem(b).unwrap_or(0),
            Operator::And => a & b,
            Operator::Or => a | b,
            Operator::Xor => a ^ b,
            Operator::Left => a.checked_shl(shift).unwrap_or(0),
            Operator::Right => a.checked_shr(shift).unwrap_or(0),
        }
    }
}

fn number(word: &str) -> Option<u64> {
    match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

fn range(word: &str) -> Option<RangeInclusive<u64>> {
    let (low, high) = word.split_once("..")?;
    let (low, high) = (number(low)?, number(high)?);
    (low <= high).then_some(low..=high)
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
