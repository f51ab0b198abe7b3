//! The words of a line, each with its place.

use super::{NotationError, Problem};

/// A word and the column where it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) column: usize,
}

impl<'a> Word<'a> {
    pub(super) fn error(self, problem: Problem) -> NotationError {
        NotationError {
            column: self.column,
            problem,
        }
    }

    pub(super) fn unexpected(self, wanted: &'static str) -> NotationError {
        self.error(Problem::Unexpected {
            found: self.text.to_owned(),
            wanted,
        })
    }

    /// The word as a number, decimal or after `0x` hexadecimal, that fits `T`.
    pub(super) fn number<T: TryFrom<u64>>(self, most: u64) -> Result<T, NotationError> {
        let parsed = match self.text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => self.text.parse(),
        };
        let found = parsed.map_err(|_| self.unexpected("a number"))?;
        let too_large = || self.error(Problem::TooLarge { found, most });
        if found > most {
            return Err(too_large());
        }
        T::try_from(found).map_err(|_| too_large())
    }

    /// The word as bytes in hexadecimal.
    pub(super) fn bytes(self) -> Result<Vec<u8>, NotationError> {
        let wanted = || self.unexpected("pairs of hexadecimal digits");
        let (pairs, rest) = self.text.as_bytes().as_chunks::<2>();
        if !rest.is_empty() {
            return Err(wanted());
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok();
        pairs
            .iter()
            .map(byte)
            .collect::<Option<_>>()
            .ok_or_else(wanted)
    }

    /// Part of this word, which starts so many bytes into it.
    pub(super) fn part(self, start: usize, text: &'a str) -> Word<'a> {
        Word {
            text,
            column: self.column + start,
        }
    }
}

/// Walks a line. `<…>`, `[…]` and `"…"` are one word each, closed where they must be.
#[derive(Clone, Debug)]
pub(super) struct Scanner<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Scanner { line, at: 0 }
    }

    /// The next word, which is wanted for something.
    pub(super) fn word(&mut self, wanted: &'static str) -> Result<Word<'a>, NotationError> {
        self.next()?.ok_or(NotationError {
            column: self.line.len() + 1,
            problem: Problem::Ended(wanted),
        })
    }

    /// The next word, where there is one.
    pub(super) fn next(&mut self) -> Result<Option<Word<'a>>, NotationError> {
        let rest = self.line.get(self.at..).unwrap_or_default();
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        let length = match trimmed.chars().next() {
            None => return Ok(None),
            Some('<') => self.until(trimmed, '>')?,
            Some('[') => self.until(trimmed, ']')?,
            Some('"') => self.until(trimmed, '"')?,
            Some(_) => trimmed.find(char::is_whitespace).unwrap_or(trimmed.len()),
        };
        let text = trimmed.get(..length).unwrap_or(trimmed);
        let column = self.at + 1;
        self.at += length;
        Ok(Some(Word { text, column }))
    }

    /// The length of what an opening character begins, its end included.
    fn until(&self, text: &str, end: char) -> Result<usize, NotationError> {
        let mut escaped = false;
        for (at, letter) in text.char_indices().skip(1) {
            if letter == end && !escaped {
                return Ok(at + letter.len_utf8());
            }
            escaped = letter == '\\' && !escaped;
        }
        Err(NotationError {
            column: self.at + 1,
            problem: Problem::Unclosed(end),
        })
    }
}
