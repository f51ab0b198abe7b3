//! How a formula is read.

use std::ops::RangeInclusive;

use super::super::values::Name;
use super::term::{Atom, Operator, Scope, Step, Term, number, range};

/// Longest list of a `turn`, and deepest nesting.
const MOST_PARTS: usize = 4096;
const MOST_DEPTH: usize = 16;

/// Splits into words; brackets stand alone.
fn tokens(text: &str) -> Option<Vec<String>> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<String> = spaced.split_whitespace().map(str::to_owned).collect();
    (!words.is_empty() && words.len() <= MOST_PARTS).then_some(words)
}

/// A formula in the middle of being read.
pub(super) struct Parser<'a> {
    words: Vec<String>,
    at: usize,
    own: &'a [String],
    /// Sources of numbers found so far.
    pub(super) atoms: Vec<Atom>,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// Begins to read.
    pub(super) fn new(text: &str, own: &'a [String]) -> Option<Parser<'a>> {
        Some(Parser {
            words: tokens(text)?,
            at: 0,
            own,
            atoms: Vec::new(),
            depth: 0,
        })
    }

    /// The whole text as a term.
    pub(super) fn whole(&mut self) -> Option<Term> {
        let term = self.sum()?;
        (self.at == self.words.len()).then_some(term)
    }

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
