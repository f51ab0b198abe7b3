//! A formula at work.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::super::values::{Name, Values};
use super::{Atom, Formula, Scope, Step, Term};
use crate::seed::Draws;

/// A formula at work: its draws, and what it has drawn and counted so far.
///
/// The first values of its path can be pinned: a pin of a counter or of a constant is where it begins, one of anything else is
/// the value itself.
#[derive(Debug)]
pub struct Series {
    formula: Arc<Formula>,
    draws: Draws,
    cells: Vec<Cell>,
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
        Series {
            cells: cells.collect(),
            formula: Arc::clone(formula),
            draws,
        }
    }

    /// The next value.
    #[inline]
    pub fn next(&mut self, values: &Values) -> u64 {
        if let Term::Number(number) = &self.formula.term
            && !self.draws.is_pinned()
        {
            return *number;
        }
        self.work_out(values)
    }

    fn work_out(&mut self, values: &Values) -> u64 {
        // Counters and constants have taken their pins at the beginning; the whole is pinned, not a part.
        if let Some(value) = self.draws.pinned() {
            return value;
        }
        let formula = Arc::clone(&self.formula);
        self.term(&formula.term, &formula.atoms, values)
    }

    fn term(&mut self, term: &Term, atoms: &[Atom], values: &Values) -> u64 {
        match term {
            Term::Number(number) => *number,
            Term::Name(name) => values.get(*name),
            Term::Atom(n) => match (atoms.get(*n), self.cells.get_mut(*n)) {
                (Some(atom), Some(cell)) => atom.next(cell, &mut self.draws, values),
                _ => 0,
            },
            Term::Swap(inner) => {
                let [a, b, ..] = self.term(inner, atoms, values).to_le_bytes();
                u64::from(u16::from_be_bytes([a, b]))
            }
            Term::Apply(operator, both) => {
                let left = self.term(&both.0, atoms, values);
                let right = self.term(&both.1, atoms, values);
                operator.apply(left, right)
            }
        }
    }
}

fn draw(draws: &mut Draws, range: Option<&RangeInclusive<u64>>) -> u64 {
    match range {
        Some(range) => draws.range(range.clone()),
        None => u64::from(draws.word32()),
    }
}

impl Atom {
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
