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

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::values::{Name, Values};
use crate::seed::Draws;

/// Longest list of a `turn`, and deepest nesting.
const MOST_PARTS: usize = 4096;
const MOST_DEPTH: usize = 16;

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
        let mut parser = Parser {
            words: tokens(text)?,
            at: 0,
            own,
            atoms: Vec::new(),
            depth: 0,
        };
        let term = parser.sum()?;
        (parser.at == parser.words.len()).then_some(Formula {
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

/// Splits into words; brackets stand alone.
fn tokens(text: &str) -> Option<Vec<String>> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<String> = spaced.split_whitespace().map(str::to_owned).collect();
    (!words.is_empty() && words.len() <= MOST_PARTS).then_some(words)
}

struct Parser<'a> {
    words: Vec<String>,
    at: usize,
    own: &'a [String],
    atoms: Vec<Atom>,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        self.at += usize::from(found);
        found
    }

    fn sum(&mut self) -> Option<Term> {
        let mut left = self.product()?;
        while let Some(operator) = self.peek().and_then(Operator::sum) {
            self.at += 1;
            let right = self.product()?;
            left = Term::Apply(operator, Box::new((left, right)));
        }
        Some(left)
    }

    fn product(&mut self) -> Option<Term> {
        let mut left = self.single()?;
        while let Some(operator) = self.peek().and_then(Operator::product) {
            self.at += 1;
            let right = self.single()?;
            left = Term::Apply(operator, Box::new((left, right)));
        }
        Some(left)
    }

    fn single(&mut self) -> Option<Term> {
        let word = self.peek()?.to_owned();
        self.at += 1;
        match word.as_str() {
            "(" => self.bracketed(),
            "swap" => {
                self.take("(").then_some(())?;
                Some(Term::Swap(Box::new(self.bracketed()?)))
            }
            "random" => {
                let range = self.range();
                self.atom(Atom::Random(range))
            }
            "constant" => {
                if let Some(value) = self.number() {
                    return Some(Term::Number(value));
                }
                let range = self.range();
                self.atom(Atom::Once(Scope::Run, range))
            }
            "per-host" => {
                let range = self.range();
                self.atom(Atom::Once(Scope::Host, range))
            }
            "per-round" => {
                let range = self.range();
                self.atom(Atom::Once(Scope::Round, range))
            }
            "count" => self.count(),
            "turn" => {
                let list: Vec<u64> = std::iter::from_fn(|| self.number()).collect();
                (!list.is_empty()).then_some(())?;
                self.atom(Atom::Turn(list))
            }
            _ => number(&word)
                .map(Term::Number)
                .or_else(|| Name::parse(&word, self.own).map(Term::Name)),
        }
    }

    fn bracketed(&mut self) -> Option<Term> {
        self.depth += 1;
        (self.depth <= MOST_DEPTH).then_some(())?;
        let inner = self.sum()?;
        self.depth -= 1;
        self.take(")").then_some(inner)
    }

    fn atom(&mut self, atom: Atom) -> Option<Term> {
        self.atoms.push(atom);
        Some(Term::Atom(self.atoms.len() - 1))
    }

    fn number(&mut self) -> Option<u64> {
        let value = self.peek().and_then(number)?;
        self.at += 1;
        Some(value)
    }

    fn range(&mut self) -> Option<RangeInclusive<u64>> {
        let range = self.peek().and_then(range)?;
        self.at += 1;
        Some(range)
    }

    fn count(&mut self) -> Option<Term> {
        let step = self.peek()?.to_owned();
        self.at += 1;
        let step = if let Some(back) = step.strip_prefix('-') {
            Step::Fixed(0u64.wrapping_sub(number(back)?))
        } else if let Some(step) = number(&step) {
            Step::Fixed(step)
        } else {
            Step::Drawn(range(&step)?)
        };
        let from = if self.take("from") {
            Some(self.number()?)
        } else {
            None
        };
        let bits = if self.take("mod") {
            u32::try_from(self.number()?)
                .ok()
                .filter(|bits| (1..=63).contains(bits))?
        } else {
            63
        };
        self.atom(Atom::Count { step, from, bits })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Pins, SeedTree};
    use proptest::prelude::*;

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
