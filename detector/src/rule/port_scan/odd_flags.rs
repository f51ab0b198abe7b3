//! FIN, NULL, XMAS, Maimon and ACK scans: segments that open nothing and belong to nothing.
//!
//! A closed port answers RST, an open one is silent (RFC 9293 section 3.10.7.4); to ACK both answer RST, and silence
//! means a filter. No session holds a FIN without ACK, a segment without flags, or FIN-PSH-URG: two contacts suffice.
//! ACK and FIN-ACK without connection are what any session shows that began before the capture, so these count only
//! where nothing followed them and a common source port, or a source port equal to the target port, ties them
//! together; or where source port and target port rise together, and where closed ports answer one after the other.
//! Flags that go together in no other way (PSH and FIN, all at once) are a stack's examination at a port or two, and a
//! scan at many.
//!
//! Stays silent on: ends and keep-alives of older sessions, a server's FIN-ACKs to several clients, any segment that
//! another one of its connection follows.

use super::limits::Limits;
use super::tally::{Contact, Detection, Tally, distinct, frames};
use crate::news::{Moment, Outcome};
use crate::report::{count, fact};
use crate::tools;

fn resets(contacts: &[&Contact]) -> usize {
    contacts
        .iter()
        .filter(|c| c.outcome == Some(Outcome::Refused))
        .count()
}

/// FIN, NULL and XMAS.
pub(super) fn judge_odd(tally: &Tally, config: &Limits, now: Moment) -> Option<Detection> {
    let contacts: Vec<&Contact> = tally.contacts.iter().collect();
    let answered = resets(&contacts);
    if contacts.len() < config.odd_flags.contacts
        || (answered == 0 && tally.activity.packets < config.odd_flags.packets)
    {
        return None;
    }
    let surer = (contacts.len() - config.odd_flags.contacts).min(4);
    Some(Detection {
        crafted: true,
        doubt: None,
        at: now,
        confidence: 0.75 + 0.05 * f64::from(u8::try_from(surer).unwrap_or(4)),
        evidence: vec![fact(
            "segments that no session contains, without a connection",
            format!(
                "{} of {}",
                count(distinct(&contacts, |c| c.port), "port"),
                count(distinct(&contacts, |c| c.target), "host")
            ),
            "every segment after the SYN carries ACK",
            frames(&contacts),
        )],
    })
}

/// Any other combination that no session has: a fingerprint has it too, but asks a port or two.
pub(super) fn judge_other(tally: &Tally, config: &Limits, now: Moment) -> Option<Detection> {
    let wide =
        |contacts: &Vec<&Contact>| distinct(contacts, |c| c.port) >= config.odd_flags.other_ports;
    tally
        .by_target()
        .any(|contacts| wide(&contacts))
        .then(|| judge_odd(tally, config, now))
        .flatten()
}

/// ACK and Maimon: what a session's middle and end look like.
pub(super) fn judge_stray(tally: &Tally, config: &Limits, now: Moment) -> Option<Detection> {
    let known: Vec<&Contact> = tally
        .contacts
        .iter()
        .filter(|c| c.outcome.is_some() && !c.friend)
        .collect();
    let equal: Vec<&Contact> = known.iter().filter(|c| c.equal_ports()).copied().collect();
    if let Some(found) = enough(&equal, config) {
        return Some(detection(
            "source port equal to target port, without a connection",
            "a client's source port is its own, and a SYN comes first",
            found,
            0.85,
            now,
        ));
    }
    for contacts in tally
        .group(|c| (c.sport, c.target))
        .into_iter()
        .chain(tally.group(|c| (c.sport, c.target.neighbourhood())))
    {
        let contacts: Vec<&Contact> = contacts
            .into_iter()
            .filter(|c| c.outcome.is_some() && !c.friend)
            .collect();
        // One port of several hosts, or several ports of one; a server that ends several clients' sessions has
        // different hosts and different ports.
        let one_host = distinct(&contacts, |c| c.target) == 1;
        let one_port = distinct(&contacts, |c| c.port) == 1;
        let grid = distinct(&contacts, |c| c.target) * distinct(&contacts, |c| c.port);
        let whole = contacts.len() * 4 >= grid * 3;
        let server = one_host
            && contacts
                .iter()
                .all(|c| tools::is_system(c.sport) && !tools::is_system(c.port));
        if (one_host || one_port || whole)
            && !server
            && let Some(found) = enough(&contacts, config)
        {
            return Some(detection(
                "one source port for different ports or hosts, without a connection",
                "a new source port for each connection, and a SYN first",
                found,
                0.75,
                now,
            ));
        }
    }
    judge_order(tally, config, now).or_else(|| judge_count(tally, config, now))
}

/// From host to host, while the source port counts on.
fn judge_count(tally: &Tally, config: &Limits, now: Moment) -> Option<Detection> {
    let strange = |c: &&Contact| c.outcome.is_some() && !c.friend;
    let mut known: Vec<&Contact> = tally.contacts.iter().filter(strange).collect();
    // Of those that nobody answered, this is known late.
    known.sort_by_key(|c| c.frame);
    let next = |pair: &&[&Contact]| match pair {
        [a, b] => a.target != b.target && matches!(b.sport.wrapping_sub(a.sport), 1..=3),
        _ => false,
    };
    let counted = known.windows(2).filter(next).count();
    let many = counted >= config.stray.counted && counted * 4 >= known.len() * 3;
    many.then(|| {
        detection(
            "a source port that counts on from host to host, without a connection",
            "sessions that go on in the order in which they do",
            known,
            0.7,
            now,
        )
    })
}

/// The order in which one host's ports are asked, where no source port ties the probes together.
fn judge_order(tally: &Tally, config: &Limits, now: Moment) -> Option<Detection> {
    let strange = |contacts: Vec<&Contact>| -> Vec<Contact> {
        let known = contacts
            .into_iter()
            .filter(|c| c.outcome.is_some() && !c.friend);
        known.copied().collect()
    };
    for contacts in tally.group(|c| (c.target, c.sport.wrapping_sub(c.port))) {
        let contacts = strange(contacts);
        let contacts: Vec<&Contact> = contacts.iter().collect();
        if distinct(&contacts, |c| c.port) >= config.stray.lockstep {
            return Some(detection(
                "source port and target port that rise together, without a connection",
                "a client's source ports have nothing to do with the services it asks",
                contacts,
                0.75,
                now,
            ));
        }
    }
    for contacts in tally.by_target() {
        let contacts = strange(contacts);
        let refused: Vec<&Contact> = (contacts.iter())
            .filter(|c| c.outcome == Some(Outcome::Refused))
            .collect();
        // A server that has come up anew knows none of its old sessions, but these are to a service or two.
        if distinct(&refused, |c| c.port) >= config.stray.reset_ports
            && distinct(&refused, |c| c.port) * 4 >= refused.len() * 3
            && refused.iter().any(|c| tools::is_system(c.port))
        {
            return Some(detection(
                "segments to port after port of one host, without a connection",
                "sessions with a service or two",
                refused,
                0.7,
                now,
            ));
        }
    }
    None
}

fn enough<'a>(contacts: &[&'a Contact], config: &Limits) -> Option<Vec<&'a Contact>> {
    let needed = if resets(contacts) >= config.stray.reset_contacts {
        config.stray.reset_contacts
    } else {
        config.stray.contacts
    };
    (contacts.len() >= needed).then(|| contacts.to_vec())
}

fn detection(
    what: &str,
    expected: &str,
    contacts: Vec<&Contact>,
    base: f64,
    now: Moment,
) -> Detection {
    let mut evidence = vec![fact(
        what,
        format!(
            "{}, {} answered with RST",
            count(contacts.len(), "probe"),
            resets(&contacts)
        ),
        expected,
        frames(&contacts),
    )];
    if contacts.len() > 1 && distinct(&contacts, |c| c.acknowledgment) == 1 {
        let number = contacts.first().map_or(0, |c| c.acknowledgment);
        evidence.push(fact(
            "one acknowledgment number for all",
            number.to_string(),
            "one of its own for each connection",
            frames(&contacts),
        ));
    }
    Detection {
        crafted: true,
        doubt: None,
        at: now,
        confidence: base,
        evidence,
    }
}
