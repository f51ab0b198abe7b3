//! From lines to packets: what belongs together, and what is none.
//!
//! A packet begins with a time, or without one with two ends and an arrow. It goes on over the next lines as long as it is
//! not complete, because documents wrap lines and put empty ones between; behind an old one what old listings print last may
//! follow (`<mss 1460> (DF)`). Rows of a hex dump, and in verbose listings indented text and quoted packets, belong to the
//! packet above. Several packets may share a line. All else is no packet.

use super::cursor::Cursor;
use super::{astext, head, hexdump, link, snort, stamp, trailer};
use crate::error::{Fault, ListingError, Read};
use crate::said::{HexByte, LinkSaid, Said, What};

/// A line that is no packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherLine {
    /// Where, counted from 1.
    pub line: usize,
    /// What it says.
    pub text: String,
}

/// What was read of a listing.
#[derive(Default)]
pub(crate) struct Lines {
    pub(crate) packets: Vec<(Text, Said)>,
    pub(crate) errors: Vec<ListingError>,
    pub(crate) other: Vec<OtherLine>,
}

/// Lines that were joined, and where each began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    text: String,
    /// Offset in the text, line, and column of each part.
    parts: Vec<(usize, usize, usize)>,
}

impl Text {
    fn new(piece: Piece<'_>) -> Self {
        let mut text = Text::default();
        text.join(piece);
        text
    }

    fn join(&mut self, piece: Piece<'_>) {
        if !self.text.is_empty() {
            // A line that was wrapped at a blank may keep it.
            self.text.truncate(self.text.trim_end().len());
            self.text.push(' ');
        }
        self.parts.push((self.text.len(), piece.line, piece.column));
        self.text.push_str(piece.text);
    }

    /// The line where it begins.
    pub(crate) fn line(&self) -> usize {
        self.parts.first().map_or(0, |(_, line, _)| *line)
    }

    /// A fault, told in its line.
    pub(crate) fn error(&self, fault: Fault) -> ListingError {
        let before = |(start, ..): &&(usize, usize, usize)| *start <= fault.at;
        let (start, line, column) = self
            .parts
            .iter()
            .rev()
            .find(before)
            .copied()
            .unwrap_or_default();
        ListingError {
            line,
            column: column + fault.at.saturating_sub(start),
            problem: fault.problem,
        }
    }
}

/// A line, or the part of it that one packet has.
#[derive(Clone, Copy, Debug)]
struct Piece<'a> {
    text: &'a str,
    line: usize,
    /// Where it begins, counted from 1.
    column: usize,
}

/// A packet that may go on.
struct Open {
    text: Text,
    read: Read<Said>,
    quote: Option<(Text, Read<Said>)>,
    dump: Vec<HexByte>,
    /// Empty lines since its last one.
    blanks: usize,
    /// A line with a time that is no packet, unless a hex dump follows.
    tentative: bool,
    /// Whether the packet's bytes follow as text (-A), up to the next packet.
    as_text: bool,
}

/// Reads a listing.
pub(crate) fn read(listing: &str) -> Lines {
    let mut lines = Lines::default();
    let mut open = None;
    for (n, line) in listing.lines().enumerate() {
        for (at, text) in split(line) {
            let piece = Piece {
                text,
                line: n + 1,
                column: at + 1,
            };
            open = lines.piece(open, piece);
        }
    }
    lines.close(open);
    lines
}

impl Lines {
    fn piece(&mut self, mut open: Option<Open>, piece: Piece<'_>) -> Option<Open> {
        if piece.text.trim().is_empty() {
            if let Some(open) = &mut open {
                open.empty(piece.text);
            }
            return open;
        }
        let starts = begins_with_time(piece.text);
        if let Some(mut packet) = open.take_if(|packet| !starts && packet.accept(piece)) {
            packet.blanks = 0;
            return Some(packet);
        }
        if starts || begins_with_ends(piece.text) {
            self.close(open);
            return Some(Open::new(piece));
        }
        self.close(open);
        if head::stamp_alone(piece.text).is_some() {
            return Some(Open {
                tentative: true,
                ..Open::new(piece)
            });
        }
        self.other(piece.line, piece.text);
        None
    }

    fn other(&mut self, line: usize, text: &str) {
        self.other.push(OtherLine {
            line,
            text: text.trim().to_owned(),
        });
    }

    fn close(&mut self, open: Option<Open>) {
        let Some(open) = open else {
            return;
        };
        let Open {
            text,
            read,
            quote,
            dump,
            tentative,
            ..
        } = open;
        if tentative && dump.is_empty() {
            return self.other(text.line(), &text.text);
        }
        // What never got whole may have been cut off.
        let read = read.or_else(|fault| {
            let again = format!("{} [|]", text.text);
            let stamped = head::stamp_alone(&text.text).is_some();
            let cut = fault.may_be_cut() && text.parts.len() == 1 && dump.is_empty() && stamped;
            cut.then(|| head::packet(&again).ok())
                .flatten()
                .ok_or(fault)
        });
        let quoted = match quote {
            Some((text, Err(fault))) => return self.errors.push(text.error(fault)),
            Some((_, Ok(said))) => Some(Box::new(said)),
            None => None,
        };
        match read {
            Ok(mut said) => {
                said.quote = quoted.or(said.quote);
                said.dump = dump;
                self.packets.push((text, said));
            }
            // A whole dump may say what the line above it does not.
            Err(fault) if !dump.is_empty() => {
                let said = Said {
                    stamp: head::stamp_alone(&text.text),
                    unread: Some(fault),
                    dump,
                    ..Said::default()
                };
                self.packets.push((text, said));
            }
            Err(fault) => self.errors.push(text.error(fault)),
        }
    }
}

impl Open {
    fn new(piece: Piece<'_>) -> Self {
        let text = Text::new(piece);
        let read = head::packet(&text.text);
        Open {
            text,
            read,
            quote: None,
            dump: Vec::new(),
            blanks: 0,
            tentative: false,
            as_text: false,
        }
    }

    /// An empty line; behind a tab it is one of the packet's text.
    fn empty(&mut self, text: &str) {
        match &mut self.read {
            Ok(said) if text.starts_with('\t') => said.details.push(String::new()),
            _ => self.blanks += 1,
        }
    }

    /// Takes a piece, where it belongs here.
    fn accept(&mut self, piece: Piece<'_>) -> bool {
        let blanks = std::mem::take(&mut self.blanks);
        if self.as_text || self.dump(piece.text) {
            return true;
        }
        if let Ok(said) = &mut self.read
            && self.text.parts.len() == 1
            && astext::is_of(piece.text, said)
        {
            said.lose(0, piece.text);
            self.as_text = true;
            return true;
        }
        if self.tentative {
            return piece.text.starts_with('\t');
        }
        if let Err(fault) = &self.read {
            let incomplete = fault.is_end() && self.text.parts.len() < MOST_PARTS;
            if incomplete {
                self.text.join(piece);
                self.read = head::packet(&self.text.text);
            }
            return incomplete;
        }
        if let Some((text, read @ Err(_))) = &mut self.quote
            && read.as_ref().is_err_and(Fault::is_end)
            && text.parts.len() < MOST_PARTS
        {
            text.join(piece);
            *read = head::packet(&text.text);
            return true;
        }
        self.detail(piece) || blanks <= 1 && self.more(piece)
    }

    /// A row of a hex dump that goes on where the last one ended.
    fn dump(&mut self, line: &str) -> bool {
        let row = hexdump::row(line);
        let row = row.filter(|row| row.offset.is_none_or(|offset| offset == self.dump.len()));
        row.map(|row| self.dump.extend(row.bytes)).is_some()
    }

    /// An indented line of a verbose listing.
    fn detail(&mut self, piece: Piece<'_>) -> bool {
        let (Ok(said), Some(text)) = (&mut self.read, piece.text.strip_prefix('\t')) else {
            return false;
        };
        if matches!(said.what, What::Icmp(_))
            && (text.starts_with("IP") || text.starts_with("(tos"))
        {
            let text = Text::new(piece);
            let read = head::packet(&text.text);
            self.quote = Some((text, read));
        } else {
            said.details.push(text.to_owned());
        }
        true
    }

    /// What old listings print last, wrapped to the next line.
    fn more(&mut self, piece: Piece<'_>) -> bool {
        let text = piece.text.trim_start();
        let likely = MORE
            .iter()
            .chain(&trailer::OPENINGS)
            .any(|opening| text.starts_with(opening));
        if !likely {
            return false;
        }
        let mut joined = self.text.clone();
        joined.join(piece);
        let read = head::packet(&joined.text);
        let better = read.is_ok() || read.as_ref().is_err_and(Fault::is_end);
        if better {
            (self.text, self.read) = (joined, read);
        }
        better
    }
}

/// Lines over which one packet may be wrapped.
const MOST_PARTS: usize = 8;

/// How the end of an old packet can begin, besides trailers.
const MORE: [&str; 6] = ["<", "ack ", "win ", "urg ", "Len:", "TCP Options"];

/// Whether a line begins with a time, behind which a packet can stand.
fn begins_with_time(text: &str) -> bool {
    let mut cursor = Cursor::new(text);
    head::number(&mut cursor);
    snort::pass_message(&mut cursor);
    if stamp::read(&mut cursor).is_none() {
        return false;
    }
    // Logs begin with times, too.
    let rest = cursor.rest();
    rest.contains(" > ") || rest.contains(" -> ") || rest.ends_with(" >") || named(rest)
}

fn named(rest: &str) -> bool {
    let mut behind = Cursor::new(rest);
    // Behind the columns of `-i any` the same names stand.
    let _ = link::any_columns(&mut behind, &mut LinkSaid::default());
    ["IP ", "IP6 ", "ARP, ", "arp ", "snap "]
        .iter()
        .any(|name| behind.rest().starts_with(name))
}

/// Whether a line without a time begins with two ends.
fn begins_with_ends(text: &str) -> bool {
    let mut cursor = Cursor::new(text);
    snort::pass_message(&mut cursor);
    if cursor.eat("ARP, ") || cursor.eat("arp who-has") || cursor.eat("arp reply") {
        return true;
    }
    let named = cursor.eat("IP ") || cursor.eat("IP6 ");
    let with_header =
        named && (cursor.rest().starts_with('(') || cursor.rest().starts_with("truncated-ip"));
    let mut words = cursor.rest().split_whitespace();
    let (from, arrow, to) = (words.next(), words.next(), words.next());
    let arrow = match arrow {
        Some(">") => to.is_some_and(|to| to.ends_with(':') || to.ends_with(',')),
        Some("->") => from.is_some_and(|from| from.contains(':')),
        _ => false,
    };
    with_header || arrow
}

/// Divides a line where a second packet begins: at a time behind a blank, with two ends behind it.
fn split(line: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let mut start = 0;
    // What today's listings print behind the length is text of the packet.
    let text_from = line.find(" length ").unwrap_or(line.len());
    for (at, _) in line.match_indices(' ').filter(|(at, _)| *at < text_from) {
        let rest = line.get(at + 1..).unwrap_or_default();
        let is_time = rest.starts_with(|c: char| c.is_ascii_digit())
            && rest
                .split(' ')
                .next()
                .is_some_and(|word| word.len() >= 10 && word.contains(':') && word.contains('.'));
        let head = line.get(start..at).unwrap_or_default();
        if is_time && has_ends(rest) && begins_with_time(rest) && begins_with_time(head) {
            parts.push((start, head));
            start = at + 1;
        }
    }
    parts.push((start, line.get(start..).unwrap_or_default()));
    parts
}

/// Whether two ends follow a time.
fn has_ends(text: &str) -> bool {
    text.split_whitespace().nth(2) == Some(">")
}
