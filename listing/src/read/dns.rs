//! DNS messages as tcpdump prints them.
//!
//! ```text
//! 1234+ [1au] A? www.example.com. (44)
//! 1234* 2/0/1 CNAME a.example.net., A 192.0.2.80 (96)
//! ```

use messages::dns::{
    AUTHENTIC, AUTHORITATIVE, CHECKING_DISABLED, Question, RECURSION_AVAILABLE, RECURSION_DESIRED,
    RESPONSE, TRUNCATED,
};

use crate::said::{Answer, DnsSaid};

/// Names that tcpdump prints for response codes, from 1 on.
const CODES: [&str; 10] = [
    "FormErr", "ServFail", "NXDomain", "NotImp", "Refused", "YXDomain", "YXRRSet", "NXRRSet",
    "NotAuth", "NotZone",
];
/// Names of the types that are known.
const TYPES: [(&str, u16); 15] = [
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("PTR", 12),
    ("MX", 15),
    ("TXT", 16),
    ("AAAA", 28),
    ("SRV", 33),
    ("NAPTR", 35),
    ("DS", 43),
    ("DNSKEY", 48),
    ("SVCB", 64),
    ("HTTPS", 65),
    ("ANY", 255),
];

/// Reads a message, without its length at the end.
pub(crate) fn read(text: &str) -> Option<DnsSaid> {
    let text = text.rsplit_once(" (").map_or(text, |(text, _)| text).trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (id, rest) = text.split_at_checked(digits)?;
    let mut said = DnsSaid {
        id: id.parse().ok()?,
        ..DnsSaid::default()
    };
    let question = question(rest, &mut said);
    if question.is_some() || rest.contains("? ") && !rest.contains("q: ") {
        return question.map(|()| said);
    }
    answer(rest, &mut said).map(|()| said)
}

/// `+% [1au] A? www.example.com.`
fn question(rest: &str, said: &mut DnsSaid) -> Option<()> {
    let (marks, mut rest) = rest.split_once(' ')?;
    let mark = |letter, flag| if marks.contains(letter) { flag } else { 0 };
    let flags = mark('+', RECURSION_DESIRED) | mark('%', CHECKING_DISABLED);
    let mut counts = [1, 0, 0, 0];
    while let Some((word, after)) = rest
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "))
    {
        let at = word.find(|c: char| !c.is_ascii_digit())?;
        let (count, kind) = word.split_at_checked(at)?;
        let section = ["q", "a", "n", "au"]
            .iter()
            .position(|name| *name == kind)?;
        *counts.get_mut(section)? = count.parse().ok()?;
        rest = after;
    }
    said.question = Some(asked(rest)?);
    said.flags = flags;
    said.counts = counts;
    Some(())
}

/// `A? www.example.com.`, and multicast's mark in between.
fn asked(text: &str) -> Option<Question> {
    let (kind, name) = text.split_once("? ")?;
    let name = name.split_whitespace().next()?;
    Some(Question {
        name: name.to_owned(),
        kind: kind_number(kind)?,
    })
}

/// ` NXDomain* q: A? a.example. 1/0/1 A 192.0.2.80, A 192.0.2.81`
fn answer(mut rest: &str, said: &mut DnsSaid) -> Option<()> {
    let code = CODES
        .iter()
        .zip(1u16..)
        .find(|(name, _)| rest.trim_start().starts_with(*name));
    let mut flags = RESPONSE | RECURSION_DESIRED;
    if let Some((name, code)) = code {
        rest = rest.trim_start().strip_prefix(name)?;
        flags |= code;
    }
    let (marks, mut rest) = rest.split_once(' ')?;
    let mark = |letter, flag| if marks.contains(letter) { flag } else { 0 };
    flags |= mark('*', AUTHORITATIVE) | mark('|', TRUNCATED) | mark('$', AUTHENTIC);
    flags |= RECURSION_AVAILABLE & !mark('-', RECURSION_AVAILABLE);
    if let Some(after) = rest.strip_prefix("q: ") {
        let at = after
            .find(" q: ")
            .or_else(|| after.match_indices(' ').nth(1).map(|(at, _)| at))?;
        let (question, after) = after.split_at_checked(at)?;
        said.question = Some(asked(question)?);
        rest = after.trim_start();
    }
    let (counts, records) = rest.split_once(' ').unwrap_or((rest, ""));
    let mut numbers = counts.split('/').map(str::parse::<u16>);
    let mut next = || numbers.next()?.ok();
    said.counts = [1, next()?, next()?, next()?];
    let records = records.split(" ns: ").next().unwrap_or_default();
    let records = records.split(" ar: ").next().unwrap_or_default();
    said.answers = records.split(", ").filter_map(record).collect();
    said.flags = flags;
    Some(())
}

/// `CNAME a.example.net.`, in verbose listings behind its owner.
fn record(text: &str) -> Option<Answer> {
    let text = text.trim();
    let (first, rest) = text.split_once(' ')?;
    let (owner, kind, data) = if kind_number(first).is_some() {
        (None, first, rest)
    } else {
        let rest = rest.trim_start();
        // With -vvv the time to live stands in between.
        let rest = rest
            .split_once("] ")
            .filter(|_| rest.starts_with('['))
            .map_or(rest, |(_, rest)| rest);
        let (kind, data) = rest.split_once(' ').unwrap_or((rest, ""));
        (Some(first.to_owned()), kind, data)
    };
    Some(Answer {
        owner,
        kind: kind_number(kind)?,
        data: data.trim().to_owned(),
    })
}

fn kind_number(name: &str) -> Option<u16> {
    let known = TYPES.iter().find(|(known, _)| *known == name);
    known
        .map(|(_, number)| *number)
        .or_else(|| name.strip_prefix("Type")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_none() {
        for text in [
            "UDP, length 5",
            "5",
            "",
            "5 sometimes (7)",
            "99999+ A? a. (20)",
            "NTPv4, Client",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn verbose_answers_name_their_question_and_owners() {
        let said = read("7* q: A? a.example. 1/0/0 a.example. [1h] A 192.0.2.80 (43)").unwrap();
        let asked = said.question.clone().unwrap();
        assert_eq!((asked.kind, asked.name.as_str()), (1, "a.example."));
        let [answer] = said.answers.as_slice() else {
            panic!("{said:?}");
        };
        assert_eq!((answer.kind, answer.data.as_str()), (1, "192.0.2.80"));
        assert_eq!(answer.owner.as_deref(), Some("a.example."));
    }
}
