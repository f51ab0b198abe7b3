//! Texts with parts that are drawn or looked up: `USER {user}`, `ticket {digits 6}`, `{number 1..40} files`.
//!
//! A part stands in braces: `{letters N}`, `{digits N}`, `{hex N}`, `{number LOW..HIGH}`, `{pick one|two|three}`, `{word}`,
//! `{host}`, `{person}`, or a name that whoever speaks knows, such as `{peer}`. A brace of the text itself is written twice.

use std::ops::RangeInclusive;

use crate::seed::Draws;

/// Most letters or digits that one part draws.
const MOST: usize = 10_000;

/// Words of no meaning for anybody. Assumption: those that example texts have always used.
const WORDS: [&str; 24] = [
    "report", "meeting", "draft", "budget", "summer", "plan", "notes", "index", "release",
    "figures", "minutes", "travel", "order", "survey", "garden", "archive", "letter", "recipe",
    "photo", "project", "student", "course", "library", "music",
];
/// Names of people, before their hosts. Assumption: those of protocol examples.
const PEOPLE: [&str; 16] = [
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "mallory",
    "oscar", "peggy", "trent", "victor", "walter",
];
/// What hosts are called; their domains are those of RFC 2606.
const HOSTS: [&str; 12] = [
    "www", "mail", "ftp", "news", "gateway", "alpha", "mercury", "venus", "lab", "ns", "relay",
    "home",
];
const DOMAINS: [&str; 4] = ["example.com", "example.net", "example.org", "example.edu"];

/// A text with its parts.
#[derive(Clone, Debug)]
pub struct Wording(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Letters(usize),
    Digits(usize),
    Hex(usize),
    Number(RangeInclusive<u64>),
    Pick(Vec<String>),
    Word,
    Host,
    Person,
    Known(String),
}

/// What a text says that is none.
pub const WANTED: &str = "a text whose braces hold letters N, digits N, hex N, number LOW..HIGH, pick A|B, word, host, person, or a \
                          name that is known there";

impl Wording {
    /// Reads a text; names other than those above must be among `known`.
    pub fn parse(text: &str, known: &[&str]) -> Option<Wording> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '{' | '}' if letters.peek() == Some(&letter) => {
                    letters.next();
                    plain.push(letter);
                }
                '{' => {
                    let inside: String = letters.by_ref().take_while(|c| *c != '}').collect();
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(piece(inside.trim(), known)?);
                }
                '}' => return None,
                other => plain.push(other),
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Some(Wording(pieces))
    }

    /// A text without parts.
    pub fn plain(text: &str) -> Wording {
        Wording(vec![Piece::Text(text.to_owned())])
    }

    /// The text, where nothing of it is drawn.
    pub fn fixed(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Says it: draws what is drawn, and asks `known` for names.
    pub fn say(&self, draws: &mut Draws, known: impl Fn(&str) -> String) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Letters(count) => {
                    several(&mut text, *count, draws, b"abcdefghijklmnopqrstuvwxyz")
                }
                Piece::Digits(count) => several(&mut text, *count, draws, b"0123456789"),
                Piece::Hex(count) => several(&mut text, *count, draws, b"0123456789abcdef"),
                Piece::Number(range) => text.push_str(&draws.range(range.clone()).to_string()),
                Piece::Pick(choices) => {
                    let choice = draws.pick(choices).map(|wording| wording.as_str());
                    text.push_str(choice.unwrap_or_default());
                }
                Piece::Word => text.push_str(draws.pick(&WORDS).copied().unwrap_or_default()),
                Piece::Person => text.push_str(draws.pick(&PEOPLE).copied().unwrap_or_default()),
                Piece::Host => {
                    text.push_str(draws.pick(&HOSTS).copied().unwrap_or_default());
                    text.push('.');
                    text.push_str(draws.pick(&DOMAINS).copied().unwrap_or_default());
                }
                Piece::Known(name) => text.push_str(&known(name)),
            }
        }
        text
    }
}

fn several(text: &mut String, count: usize, draws: &mut Draws, letters: &[u8]) {
    for _ in 0..count {
        text.push(char::from(draws.pick(letters).copied().unwrap_or(b'x')));
    }
}

fn piece(inside: &str, known: &[&str]) -> Option<Piece> {
    // A name that is known goes before a kind of part: `number` alone may be one.
    if known.contains(&inside) {
        return Some(Piece::Known(inside.to_owned()));
    }
    let (kind, rest) = inside.split_once(' ').unwrap_or((inside, ""));
    let count = || rest.trim().parse().ok().filter(|count| *count <= MOST);
    Some(match kind {
        "letters" => Piece::Letters(count()?),
        "digits" => Piece::Digits(count()?),
        "hex" => Piece::Hex(count()?),
        "number" => {
            let (low, high) = rest.split_once("..")?;
            let (low, high): (u64, u64) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
            (low <= high).then_some(Piece::Number(low..=high))?
        }
        "pick" => Piece::Pick(
            rest.split('|')
                .map(|choice| choice.trim().to_owned())
                .collect(),
        ),
        "word" => Piece::Word,
        "host" => Piece::Host,
        "person" => Piece::Person,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Pins, SeedTree};
    use proptest::prelude::*;

    fn say(text: &str) -> Option<String> {
        let mut draws = SeedTree::new(1, Pins::new()).draws("w");
        let wording = Wording::parse(text, &["peer", "own port", "number"])?;
        Some(wording.say(&mut draws, |name| format!("<{name}>")))
    }

    #[test]
    fn names_are_looked_up_and_braces_doubled() {
        assert_eq!(
            say("{peer}, {own port}: {{}}").unwrap(),
            "<peer>, <own port>: {}"
        );
        assert_eq!(say("{number}").unwrap(), "<number>");
        assert_eq!(say("{digits 4}").unwrap().len(), 4);
        assert!(
            say("{number 7..9}")
                .unwrap()
                .parse::<u8>()
                .is_ok_and(|n| (7..=9).contains(&n))
        );
    }

    #[test]
    fn an_unknown_part_is_refused() {
        for text in [
            "{nobody}",
            "{letters}",
            "{number 9..1}",
            "}",
            "{letters 99999}",
        ] {
            assert!(say(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_ends_the_program(text in "[a-z{} 0-9.|]{0,30}") {
            say(&text);
        }
    }
}
