//! Walks the text of one packet.

use crate::error::{Fault, Problem, Read, Wanted};

/// Letters of what an error quotes.
const QUOTED: usize = 24;

/// A word and where it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl Word<'_> {
    pub(super) fn unexpected(self, wanted: &'static str) -> Fault {
        self.instead_of(Wanted::Kind(wanted))
    }

    fn instead_of(self, wanted: Wanted) -> Fault {
        Fault {
            at: self.at,
            problem: Problem::Unexpected {
                found: self.text.chars().take(QUOTED).collect(),
                wanted,
            },
        }
    }
}

/// A place in a text. Space in front of what is wanted never matters: listings were wrapped and indented by many hands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Cursor { text, at: 0 }
    }

    /// What is left, without space in front.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default().trim_start()
    }

    /// Where the next word begins.
    pub(super) fn at(&self) -> usize {
        self.text.len() - self.rest().len()
    }

    /// Whether nothing is left.
    pub(super) fn is_done(&self) -> bool {
        self.rest().is_empty()
    }

    /// Moves on by so many bytes of [`Cursor::rest`].
    pub(super) fn advance(&mut self, bytes: usize) {
        self.at = self.at() + bytes;
    }

    /// Moves back, over bytes that were just read.
    pub(super) fn back(&mut self, bytes: usize) {
        self.at = self.at.saturating_sub(bytes);
    }

    /// Moves to the end.
    pub(super) fn finish(&mut self) -> &'a str {
        let rest = self.rest();
        self.at = self.text.len();
        rest
    }

    /// Passes over `literal`, where it comes next.
    pub(super) fn eat(&mut self, literal: &str) -> bool {
        let found = self.rest().starts_with(literal);
        if found {
            self.advance(literal.len());
        }
        found
    }

    /// Passes over a word, where it comes next and ends there.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let after = self.rest().strip_prefix(word);
        let ends = after.is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric()));
        ends && self.eat(word)
    }

    /// Passes over `literal`, which must come next.
    pub(super) fn expect(&mut self, literal: &'static str) -> Read<()> {
        if self.eat(literal) {
            Ok(())
        } else {
            Err(self.instead_of(Wanted::Text(literal)))
        }
    }

    /// The fault of what comes next.
    pub(super) fn unexpected(&self, wanted: &'static str) -> Fault {
        self.instead_of(Wanted::Kind(wanted))
    }

    /// The fault of what comes next, where more text could still make sense of it.
    pub(super) fn unexpected_or_end(&self, wanted: &'static str) -> Fault {
        self.ended(Wanted::Kind(wanted))
    }

    fn instead_of(&self, wanted: Wanted) -> Fault {
        let rest = self.rest();
        if rest.is_empty() {
            return self.ended(wanted);
        }
        let text = rest.split_whitespace().next().unwrap_or(rest);
        let word = Word {
            text,
            at: self.at(),
        };
        word.instead_of(wanted)
    }

    fn ended(&self, wanted: Wanted) -> Fault {
        Fault {
            at: self.text.len(),
            problem: Problem::Ended(wanted),
        }
    }

    /// The next word, up to white space.
    pub(super) fn word(&mut self, wanted: &'static str) -> Read<Word<'a>> {
        let Some(text) = self.rest().split_whitespace().next() else {
            return Err(self.unexpected(wanted));
        };
        let at = self.at();
        self.advance(text.len());
        Ok(Word { text, at })
    }

    /// The next word without moving, empty at the end.
    pub(super) fn peek(&self) -> &'a str {
        self.rest().split_whitespace().next().unwrap_or_default()
    }

    /// What stands before `end`, which is passed over.
    pub(super) fn until(&mut self, end: &'static str) -> Read<Word<'a>> {
        let (rest, at) = (self.rest(), self.at());
        let Some(length) = rest.find(end) else {
            return Err(self.ended(Wanted::Text(end)));
        };
        self.advance(length + end.len());
        let text = rest.get(..length).unwrap_or_default();
        Ok(Word { text, at })
    }

    /// The next digits, decimal.
    pub(super) fn number<T: TryFrom<u64>>(&mut self, wanted: &'static str) -> Read<T> {
        self.digits(10, wanted)
    }

    /// The next digits, hexadecimal with or without `0x`.
    pub(super) fn hex<T: TryFrom<u64>>(&mut self, wanted: &'static str) -> Read<T> {
        self.eat("0x");
        self.digits(16, wanted)
    }

    fn digits<T: TryFrom<u64>>(&mut self, radix: u32, wanted: &'static str) -> Read<T> {
        let rest = self.rest();
        let length = rest
            .find(|c: char| !c.is_digit(radix))
            .unwrap_or(rest.len());
        let text = rest.get(..length).unwrap_or_default();
        if text.is_empty() {
            return Err(self.unexpected(wanted));
        }
        let at = self.at();
        let value = u64::from_str_radix(text, radix).ok();
        let value = value.and_then(|value| T::try_from(value).ok());
        self.advance(length);
        value.ok_or_else(|| Fault {
            at,
            problem: Problem::TooLarge(text.to_owned()),
        })
    }
}
