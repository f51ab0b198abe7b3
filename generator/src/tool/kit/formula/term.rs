//! What formulas are made of.

use std::ops::RangeInclusive;

use super::super::values::Name;

/// What a formula comes to.
#[derive(Clone, Debug)]
pub(super) enum Term {
    Number(u64),
    Name(Name),
    Atom(usize),
    Swap(Box<Term>),
    Apply(Operator, Box<(Term, Term)>),
}

/// What joins two terms.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operator {
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

/// A source of numbers.
#[derive(Clone, Debug)]
pub(super) enum Atom {
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

/// For what a number is drawn once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Run,
    Host,
    Round,
}

/// By what a counter goes on.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Fixed(u64),
    Drawn(RangeInclusive<u64>),
}

impl Operator {
    pub(super) fn sum(word: &str) -> Option<Operator> {
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

    pub(super) fn product(word: &str) -> Option<Operator> {
        Some(match word {
            "*" => Operator::Multiply,
            "/" => Operator::Divide,
            "%" => Operator::Remainder,
            _ => return None,
        })
    }

    /// Division by zero gives zero: a formula never ends a run.
    pub(super) fn apply(self, a: u64, b: u64) -> u64 {
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

pub(super) fn number(word: &str) -> Option<u64> {
    match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

pub(super) fn range(word: &str) -> Option<RangeInclusive<u64>> {
    let (low, high) = word.split_once("..")?;
    let (low, high) = (number(low)?, number(high)?);
    (low <= high).then_some(low..=high)
}
