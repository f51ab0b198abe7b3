//! What somebody sent, held against the line that says what he should send.

use super::super::scan::Scanner;
use super::numbers::Numbers;
use crate::packet::Packet;

/// How many words follow a field's name.
const VALUES: [(&str, usize); 5] = [("echo", 2), ("DF", 0), ("MF", 0), ("evil", 0), ("snap", 0)];
/// Fields that are compared even where the line does not name them: they must not be there.
const PAYLOADS: [&str; 3] = ["zeros", "hex", "\""];

/// Where a packet is not what a line says; nothing where it is. Ends, flags, numbers and payload are always compared, other
/// fields where the line names them; `*` is any number, and `no DF` says that a field must not be there. Of what an error
/// quotes, what the line says is compared.
pub fn differences(line: &str, packet: &Packet, numbers: &Numbers) -> Vec<String> {
    let wanted = match numbers.quoted(line) {
        Ok(text) => text,
        Err(problem) => return vec![problem.to_string()],
    };
    let quotes = line.contains(" quotes ");
    let found = numbers.print(packet);
    let (Some(wanted), Some(found)) = (words(&wanted), words(&found)) else {
        return vec![format!("'{line}' is no packet")];
    };
    let (wanted_head, wanted) = wanted;
    let (mut found_head, mut found) = found;
    // A number that a line gives as it is, is compared so.
    let (itself, fields) = words(&packet.to_string()).unwrap_or_default();
    if wanted_head.get(4).is_some_and(|word| word.starts_with('='))
        && let (Some(word), Some(itself)) = (found_head.get_mut(4), itself.get(4))
    {
        *word = format!("={itself}");
    }
    let absolute = |(name, value): &(String, String)| name == "ack" && value.starts_with('=');
    if wanted.iter().any(absolute)
        && let Some((_, value)) = found.iter_mut().find(|(name, _)| name == "ack")
        && let Some((_, itself)) = fields.iter().find(|(name, _)| name == "ack")
    {
        *value = format!("={itself}");
    }
    let mut differences = Vec::new();
    for (wanted, found) in wanted_head.iter().zip(&found_head) {
        if wanted != "*" && wanted != found {
            differences.push(format!("{found} instead of {wanted}"));
        }
    }
    for (name, value) in &wanted {
        if name == "no" {
            if found.iter().any(|(known, _)| known == value) {
                differences.push(format!("{value}, which must not be there"));
            }
            continue;
        }
        match found.iter().find(|(known, _)| known == name) {
            // What is zero is not printed.
            None if !["*", "0"].contains(&value.as_str()) => {
                differences.push(format!("no {name} {value}"));
            }
            Some((_, found)) if !fits(value, found, quotes && name == "hex") => {
                differences.push(format!("{name} {found} instead of {value}"));
            }
            _ => {}
        }
    }
    let unwanted = |name: &String| {
        PAYLOADS.contains(&name.as_str()) && !wanted.iter().any(|(known, _)| known == name)
    };
    for (name, value) in found.iter().filter(|(name, _)| unwanted(name)) {
        differences.push(format!("{name} {value}, of which nothing is said"));
    }
    differences
}

/// Whether a field is what it should be; every part of an option list may be any.
fn fits(wanted: &str, found: &str, begins: bool) -> bool {
    if begins {
        return found.starts_with(wanted);
    }
    let parts = |text: &str| -> Vec<String> {
        let parts = text.split_inclusive([',', ' ', '<', '>']);
        parts.map(str::to_owned).collect()
    };
    let (wanted, found) = (parts(wanted), parts(found));
    let any = |part: &str| part.trim_end_matches([',', ' ', '>']) == "*";
    wanted.len() == found.len()
        && wanted
            .iter()
            .zip(&found)
            .all(|(wanted, found)| any(wanted) || wanted == found)
}

/// Ends and what is said, and the fields by name.
type Words = (Vec<String>, Vec<(String, String)>);

fn words(text: &str) -> Option<Words> {
    let mut scanner = Scanner::new(text);
    let mut words = Vec::new();
    while let Some(word) = scanner.next().ok()? {
        words.push(word.text);
    }
    let arrow = words.iter().position(|word| *word == ">")?;
    let words = words.get(arrow.checked_sub(1)?..)?;
    let said = *words.get(3)?;
    // TCP has flags and a number, ICMP and others a word and one behind it, UDP a word.
    let head = words.get(..if said == "udp" { 4 } else { 5 })?;
    let mut fields = Vec::new();
    let mut rest = words.get(head.len()..)?.iter();
    while let Some(name) = rest.next() {
        if name.starts_with(['<', '"']) {
            let kind = name.get(..1)?.to_owned();
            fields.push((kind, (*name).to_owned()));
            continue;
        }
        let known = VALUES.iter().find(|(known, _)| known == name);
        let count = known.map_or(1, |(_, count)| *count);
        let values: Vec<&str> = rest.by_ref().take(count).copied().collect();
        fields.push(((*name).to_owned(), values.join(" ")));
    }
    Some((head.iter().map(|word| (*word).to_owned()).collect(), fields))
}
