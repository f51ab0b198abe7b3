//! A formula at work.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::super::values::{Name, Values};
use super::Formula;
use super::term::{Atom, Scope, Step, Term};
use crate::seed::Draws;

/// A formula at work: its draws, and what it has drawn and counted so far.
///
/// The first values of its path can be pinned: a pin of a counter or of a constant is where it begins, one of anything else is
/// the value itself.
#[derive(Debug)]
pub struct Series {
    usual: Usual,
    formula: Arc<Formula>,
    draws: Draws,
    cells: Vec<Cell>,
}

/// What most formulas are, told apart once: the fields of a flood are given again for every packet.
#[derive(Clone, Copy, Debug)]
enum Usual {
    /// Always the same number.
    Number(u64),
    /// Any 32 bits.
    Word,
    /// Anything else.
    Formula,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    value: u64,
    /// For which host or round it was drawn.
    holder: Option<u64>,
}

impl Series {
    /// Begins a series.
    pub fn new(formula: &Arc<Formula>, mut draws: Draws) -> Self {
        let begin = |atom: &Atom| match atom {
            Atom::Once(Scope::Run, range) => draw(&mut draws, range.as_ref()),
            Atom::Count { from: None, .. } => u64::from(draws.word32()),
            Atom::Count {
                from: Some(from), ..
            } => draws.pinned().unwrap_or(*from),
            _ => 0,
        };
        let cells = formula.atoms.iter().map(begin).map(|value| Cell {
            value,
            holder: None,
        });
        let usual = match (&formula.term, formula.atoms.as_slice()) {
            (Term::Number(number), _) => Usual::Number(*number),
            (Term::Atom(0), [Atom::Random(None)]) => Usual::Word,
            _ => Usual::Formula,
        };
        Series {
            usual,
            cells: cells.collect(),
            formula: Arc::clone(formula),
            draws,
        }
    }

    /// The next value.
    #[inline]
    pub fn next(&mut self, values: &Values) -> u64 {
        // Counters and constants have taken their pins at the beginning; the whole is pinned, not a part.
        if let Some(value) = self.draws.pinned() {
            return value;
        }
        match self.usual {
            Usual::Number(number) => number,
            Usual::Word => u64::from(self.draws.word32()),
            Usual::Formula => self.of_formula(values),
        }
    }

    fn of_formula(&mut self, values: &Values) -> u64 {
        let (formula, cells) = (&*self.formula, self.cells.as_mut_slice());
        value_of(
            &formula.term,
            &formula.atoms,
            cells,
            &mut self.draws,
            values,
        )
    }
}

/// The value of a part of a formula.
fn value_of(
    term: &Term,
    atoms: &[Atom],
    cells: &mut [Cell],
    draws: &mut Draws,
    values: &Values,
) -> u64 {
    match term {
        Term::Number(number) => *number,
        Term::Name(name) => values.get(*name),
        Term::Atom(n) => next_of(*n, atoms, cells, draws, values),
        Term::Swap(inner) => {
            let [a, b, ..] = value_of(inner, atoms, cells, draws, values).to_le_bytes();
            u64::from(u16::from_be_bytes([a, b]))
        }
        Term::Apply(operator, both) => {
            let left = value_of(&both.0, atoms, cells, draws, values);
            let right = value_of(&both.1, atoms, cells, draws, values);
            operator.apply(left, right)
        }
    }
}

/// The next value of one of the parts that draw or count.
fn next_of(
    n: usize,
    atoms: &[Atom],
    cells: &mut [Cell],
    draws: &mut Draws,
    values: &Values,
) -> u64 {
    match (atoms.get(n), cells.get_mut(n)) {
        (Some(atom), Some(cell)) => atom.next(cell, draws, values),
        _ => 0,
    }
}

#[inline]
fn draw(draws: &mut Draws, range: Option<&RangeInclusive<u64>>) -> u64 {
    match range {
        Some(range) => draws.range(range.clone()),
        None => u64::from(draws.word32()),
    }
}

impl Atom {
    #[inline]
    fn next(&self, cell: &mut Cell, draws: &mut Draws, values: &Values) -> u64 {
        match self {
            Atom::Random(range) => draw(draws, range.as_ref()),
            Atom::Once(Scope::Run, _) => cell.value,
            Atom::Once(scope, range) => {
                let holder = values.get(match scope {
                    Scope::Host => Name::HOST,
                    _ => Name::ROUND,
                });
                if cell.holder != Some(holder) {
                    *cell = Cell {
                        value: draw(draws, range.as_ref()),
                        holder: Some(holder),
                    };
                }
                cell.value
            }
            Atom::Count { step, bits, .. } => {
                let now = cell.value & ((1 << bits) - 1);
                let step = match step {
                    Step::Fixed(step) => *step,
                    Step::Drawn(range) => draws.range(range.clone()),
                };
                cell.value = cell.value.wrapping_add(step);
                now
            }
            Atom::Turn(list) => {
                let turn = usize::try_from(cell.value).unwrap_or(0) % list.len().max(1);
                cell.value = cell.value.wrapping_add(1);
                list.get(turn).copied().unwrap_or(0)
            }
        }
    }
}
