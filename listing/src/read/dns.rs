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

use crate::said::{Answer, DnsSaid, EdnsSaid};

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
    let (question, behind) = asked(rest)?;
    said.question = Some(question);
    said.flags = flags;
    said.counts = counts;
    additional(behind, said);
    Some(())
}

/// What stands behind questions and answers: an EDNS record, of all that may stand there.
fn additional(text: &str, said: &mut DnsSaid) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    let edns = text.strip_prefix("ar: ").and_then(edns);
    match edns {
        Some(edns) if said.counts[2..] == [0, 1] => said.edns = Some(edns),
        _ => said.lost = Some(text.to_owned()),
    }
}

/// `. OPT UDPsize=1232 DO [COOKIE 2fa3676ab901ed48]`
fn edns(text: &str) -> Option<EdnsSaid> {
    let rest = text.strip_prefix(". OPT UDPsize=")?;
    let (size, mut rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let mut said = EdnsSaid {
        size: size.parse().ok()?,
        ..EdnsSaid::default()
    };
    if let Some(after) = rest.strip_prefix("DO") {
        said.secure = true;
        rest = after.trim_start();
    }
    if rest.is_empty() {
        return Some(said);
    }
    let digits = rest.strip_prefix("[COOKIE ")?.strip_suffix(']')?;
    for at in (0..digits.len()).step_by(2) {
        let byte = digits.get(at..at + 2)?;
        said.cookie.push(u8::from_str_radix(byte, 16).ok()?);
    }
    Some(said)
}

/// Type and name of `A? www.example.com.`, and what stands behind it.
fn asked(text: &str) -> Option<(Question, &str)> {
    let (kind, name) = text.split_once("? ")?;
    // Whether multicast DNS wants the answer for all or for itself alone stands in the class.
    let kind = kind.strip_suffix(" (QM)").unwrap_or(kind);
    let name = name.trim_start();
    let (name, behind) = name.split_once(' ').unwrap_or((name, ""));
    if name.is_empty() {
        return None;
    }
    let question = Question {
        name: name.to_owned(),
        kind: kind_number(kind)?,
    };
    Some((question, behind))
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
        said.question = Some(asked(question)?.0);
        rest = after.trim_start();
    }
    let (counts, records) = rest.split_once(' ').unwrap_or((rest, ""));
    let mut numbers = counts.split('/').map(str::parse::<u16>);
    let mut next = || numbers.next()?.ok();
    said.counts = [1, next()?, next()?, next()?];
    let behind = [" ns: ", " ar: "].map(|section| format!(" {records}").find(section));
    let end = behind.into_iter().flatten().min();
    let (records, behind) = end
        .and_then(|end| {
            format!(" {records}")
                .split_at_checked(end)
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
        })
        .unwrap_or((records.to_owned(), String::new()));
    additional(&behind, said);
    let read: Vec<Option<Answer>> = records
        .split(", ")
        .filter(|record| !record.trim().is_empty())
        .map(record)
        .collect();
    let made = |answer: &Option<Answer>| answer.as_ref().is_some_and(is_made);
    if said.lost.is_none() && (!read.iter().all(made) || read.len() != usize::from(said.counts[1]))
    {
        said.lost = Some(records.trim().to_owned());
    }
    said.answers = read.into_iter().flatten().collect();
    said.flags = flags;
    Some(())
}

/// Whether the data of an answer can be made of what is printed of it.
fn is_made(answer: &Answer) -> bool {
    match answer.kind {
        1 => answer.data.parse::<std::net::Ipv4Addr>().is_ok(),
        28 => answer.data.parse::<std::net::Ipv6Addr>().is_ok(),
        2 | 5 | 12 => !answer.data.contains(' '),
        15 => answer.data.split(' ').count() == 2,
        _ => false,
    }
}

/// Seconds of a time as `1w2d3h4m5s`.
fn seconds(text: &str) -> Option<u32> {
    let mut seconds = 0_u32;
    let mut number = String::new();
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            number.push(letter);
            continue;
        }
        let unit = match letter {
            'w' => 604_800,
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        let of_unit = number.parse::<u32>().ok()?.checked_mul(unit)?;
        seconds = seconds.checked_add(of_unit)?;
        number.clear();
    }
    number.is_empty().then_some(seconds)
}

/// `CNAME a.example.net.`, in verbose listings behind its owner.
fn record(text: &str) -> Option<Answer> {
    let text = text.trim();
    let (first, rest) = text.split_once(' ')?;
    let mut ttl = None;
    let (owner, kind, data) = if kind_number(first).is_some() {
        (None, first, rest)
    } else {
        let rest = rest.trim_start();
        // With -vv the time to live stands in between.
        let timed = rest
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("] "));
        let rest = match timed {
            Some((time, rest)) => {
                ttl = Some(seconds(time)?);
                rest
            }
            None => rest,
        };
        let (kind, data) = rest.split_once(' ').unwrap_or((rest, ""));
        (Some(first.to_owned()), kind, data)
    };
    Some(Answer {
        owner,
        kind: kind_number(kind)?,
        ttl,
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
