//! TCP option lists as text.

use super::scan::{Scanner, Word};
use super::{NotationError, Problem};
use crate::tcp::{Options, TcpOption};

/// The list as text, where text says all its bytes. Zeros that fill the header up after its end are ends again.
pub(super) fn as_list(options: &Options) -> Option<String> {
    let mut list = Options::new(options.iter());
    let mut text = options.to_string();
    while list.as_bytes().len() < options.as_bytes().len() {
        list = list.with(TcpOption::EndOfList);
        text.push_str(",eol");
    }
    (list == *options).then_some(text)
}

/// Reads `<…>`.
pub(super) fn parse(word: Word<'_>) -> Result<Options, NotationError> {
    let inner = word.text.trim_start_matches('<').trim_end_matches('>');
    if let Some(digits) = inner.strip_prefix("hex ") {
        let bytes = word.part(5, digits.trim()).bytes()?;
        let options = Options::from_bytes(&bytes);
        return complete(options, bytes.len(), word);
    }
    let (mut options, mut length, mut column) = (Options::NONE, 0, 1);
    for text in inner.split(',') {
        let (with, bytes) = one(options, word.part(column, text))?;
        options = with;
        length += bytes;
        column += text.len() + 1;
    }
    complete(options, length, word)
}

fn complete(options: Options, length: usize, word: Word<'_>) -> Result<Options, NotationError> {
    if options.as_bytes().len() == length {
        Ok(options)
    } else {
        Err(word.error(Problem::OptionsTooLong))
    }
}

/// The list with one more option, and the bytes that it should take.
fn one(list: Options, option: Word<'_>) -> Result<(Options, usize), NotationError> {
    let mut words = Scanner::new(option.text);
    let place = |word: Word<'_>| option.column - 1 + word.column;
    let moved = |error: NotationError| NotationError {
        column: option.column - 1 + error.column,
        ..error
    };
    let name = words.word("an option").map_err(moved)?;
    let mut number = |most| {
        let word = words.word("a number").map_err(moved)?;
        Word {
            column: place(word),
            ..word
        }
        .number::<u32>(most)
    };
    let (option, length) = match name.text {
        "eol" => (TcpOption::EndOfList, 1),
        "nop" => (TcpOption::NoOperation, 1),
        "mss" => (TcpOption::Mss(narrow(number(0xffff)?)), 4),
        "wscale" => (TcpOption::WindowScale(narrow(number(0xff)?)), 3),
        "sackOK" => (TcpOption::SackPermitted, 2),
        "timestamp" => (
            TcpOption::Timestamps(number(u64::from(u32::MAX))?, number(u64::from(u32::MAX))?),
            10,
        ),
        other => {
            let kind = match other.strip_prefix("opt-") {
                Some(kind) => Word {
                    text: kind,
                    column: place(name) + 4,
                }
                .number(0xff)?,
                None if other == "sack" => 5,
                None => return Err(option.unexpected("a TCP option")),
            };
            let data = words.next().map_err(moved)?;
            let data = data.map(|data| {
                Word {
                    column: place(data),
                    ..data
                }
                .bytes()
            });
            let data = data.transpose()?.unwrap_or_default();
            return Ok((list.with(TcpOption::Unknown(kind, &data)), data.len() + 2));
        }
    };
    Ok((list.with(option), length))
}

/// A number that is known to fit.
fn narrow<T: TryFrom<u32> + Default>(number: u32) -> T {
    T::try_from(number).unwrap_or_default()
}
