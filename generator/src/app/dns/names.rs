//! The names of this world, and what every server says of them.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::Ipv4Net;
use messages::dns::{
    A, AAAA, AXFR, CNAME, Data, FORMAT_ERROR, MX, Message, NS, NXDOMAIN, Opening, PTR, Question,
    Record, SOA, TXT,
};

use crate::seed::low32;

/// What a zone transfer is answered with where it is not allowed: refused, RFC 1035 section 4.1.1.
const REFUSED: u8 = 5;
/// The largest answer that a datagram holds: RFC 1035 section 4.2.1, and what both sides of EDNS offer.
const LARGEST: usize = 512;
const LARGEST_EDNS: usize = 1232;
/// All records, as a question asks for them: RFC 1035 section 3.2.3.
const ANY: u16 = 255;
/// Records that one message of a zone transfer carries. Assumption: what fits some two kilobytes.
const RECORDS_EACH: u32 = 50;
/// What hosts are called, before their domain.
pub(super) const LABELS: [&str; 14] = [
    "www", "mail", "cdn", "api", "static", "login", "img", "news", "update", "time", "docs",
    "shop", "wpad", "a1",
];
/// The domains of documentation, RFC 2606.
pub(super) const DOMAINS: [&str; 4] = [
    "example.com",
    "example.net",
    "example.org",
    "edge.example.net",
];
/// A number that belongs to a name: FNV-1a, so that every server says the same of it.
fn number_of(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// What every server of this world says to a question.
pub(super) fn answer(opening: Opening, block: Ipv4Net) -> Message {
    let malformed = opening.question.is_none();
    let question = opening.question.unwrap_or(Question {
        name: String::new(),
        kind: A,
    });
    let number = number_of(&question.name);
    let mut message = Message {
        response: true,
        edns: opening.edns,
        ..Message::query(opening.id, question)
    };
    // Assumption: one name in ten does not exist, and half of the names have no IPv6 address.
    if malformed {
        message.rcode = FORMAT_ERROR;
    } else if number.is_multiple_of(10) {
        message.rcode = NXDOMAIN;
    } else {
        message.answers = records(&message.question, number, block);
    }
    if message.answers.is_empty() && !malformed {
        let owner = message
            .question
            .name
            .split_once('.')
            .map_or("", |(_, zone)| zone)
            .to_owned();
        message.authority.push(Record {
            data: Data::Soa(format!("ns1.{owner}"), 2_024_010_101),
            owner,
            ttl: 300,
        });
    }
    message
}

/// Whether the records of a name are too many for a datagram, for so many names in a million; every server says the same.
pub(super) fn is_large(question: &Question, share: u32) -> bool {
    let many = matches!(question.kind, A | AAAA | MX | NS | TXT | ANY);
    let name = format!("{} {}", question.name, question.kind);
    many && !question.name.is_empty() && number_of(&name) % 1_000_000 < share
}

/// Gives an answer more records of its kind, of several where all are asked for, until no datagram holds it.
pub(super) fn enlarge(message: &mut Message, block: Ipv4Net) {
    message.rcode = 0;
    message.authority.clear();
    let Question { name, kind } = message.question.clone();
    let hosts = (u32::MAX >> block.prefix_len()).max(1);
    let largest = if message.edns { LARGEST_EDNS } else { LARGEST };
    let kinds: &[u16] = match kind {
        ANY => &[NS, MX, A, TXT],
        _ => &[kind],
    };
    for (n, kind) in (1..=u32::from(u8::MAX)).zip(kinds.iter().cycle()) {
        if message.emit().len() > largest {
            break;
        }
        let host = format!("{n}.{name}");
        let data = match *kind {
            A => Data::A(Ipv4Addr::from(u32::from(block.network()) | (n % hosts))),
            AAAA => Data::Aaaa(Ipv6Addr::from((0x2001_0db8 << 96) | u128::from(n))),
            NS => Data::Name(NS, format!("ns{host}")),
            MX => Data::Mx(10, format!("mx{host}")),
            _ => Data::Txt(format!("{host} was moved; see info.{name}")),
        };
        message.answers.push(Record {
            owner: name.clone(),
            ttl: 86_400,
            data,
        });
    }
}

fn records(question: &Question, number: u32, block: Ipv4Net) -> Vec<Record> {
    let hosts = u64::from(u32::MAX >> block.prefix_len()).max(1);
    let address = |n: u32| Ipv4Addr::from(u32::from(block.network()) | low32(u64::from(n) % hosts));
    let record = |owner: &str, data| Record {
        owner: owner.to_owned(),
        ttl: 60 + number % 3600,
        data,
    };
    let mut owner = question.name.clone();
    let mut records = Vec::new();
    if number % 4 == 1 && matches!(question.kind, A | AAAA) {
        let edge = format!("e{}.edge.example.net", number % 1000);
        records.push(record(&owner, Data::Name(CNAME, edge.clone())));
        owner = edge;
    }
    match question.kind {
        A => records.extend(
            (0..1 + number % 2).map(|n| record(&owner, Data::A(address(number.wrapping_add(n))))),
        ),
        AAAA if number % 2 == 1 => {
            let [a, b, ..] = number.to_be_bytes();
            let host = Ipv6Addr::new(0x2001, 0xdb8, u16::from(a), u16::from(b), 0, 0, 0, 1);
            records.push(record(&owner, Data::Aaaa(host)));
        }
        NS => records.push(record(&owner, Data::Name(NS, format!("ns1.{owner}")))),
        MX => records.push(record(&owner, Data::Mx(10, format!("mail.{owner}")))),
        SOA => records.push(record(
            &owner,
            Data::Soa(format!("ns1.{owner}"), 2_000_051_401),
        )),
        TXT => records.push(record(&owner, Data::Txt("v=spf1 mx -all".into()))),
        PTR => records.push(record(
            &owner,
            Data::Name(PTR, format!("host-{}.example.net", number % 10_000)),
        )),
        _ => {}
    }
    records
}

/// The messages of a zone transfer, RFC 5936: the zone from its first record to the same again; or its refusal.
pub(super) fn transfer(
    opening: &Opening,
    block: Ipv4Net,
    hosts: u32,
    allowed: bool,
) -> Vec<Message> {
    let zone = opening
        .question
        .clone()
        .map(|question| question.name)
        .unwrap_or_default();
    let question = Question {
        name: zone.clone(),
        kind: AXFR,
    };
    let message = Message {
        response: true,
        edns: false,
        ..Message::query(opening.id, question)
    };
    if !allowed {
        return vec![Message {
            rcode: REFUSED,
            ..message
        }];
    }
    let record = |owner: String, data: Data| Record {
        owner,
        ttl: 86_400,
        data,
    };
    let first = record(
        zone.clone(),
        Data::Soa(format!("ns1.{zone}"), 2_000_051_401),
    );
    let mut records = vec![
        first.clone(),
        record(zone.clone(), Data::Name(NS, format!("ns1.{zone}"))),
    ];
    for host in 0..hosts {
        let size = low32(u64::from(u32::MAX >> block.prefix_len()) + 1).max(1);
        let address = Ipv4Addr::from(u32::from(block.network()) | (host % size));
        let label = LABELS
            .get(host as usize % LABELS.len())
            .copied()
            .unwrap_or("host");
        records.push(record(format!("{label}{host}.{zone}"), Data::A(address)));
    }
    records.push(first);
    records
        .chunks(RECORDS_EACH as usize)
        .map(|records| Message {
            answers: records.to_vec(),
            ..message.clone()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(name: &str, kind: u16) -> Message {
        let question = Some(Question {
            name: name.into(),
            kind,
        });
        let opening = Opening {
            id: 9,
            response: false,
            question,
            edns: true,
            truncated: false,
        };
        answer(opening, "198.51.100.0/24".parse().unwrap())
    }

    #[test]
    fn some_names_exist_and_some_do_not() {
        let names = LABELS.iter().flat_map(|label| {
            DOMAINS
                .iter()
                .map(move |domain| format!("{label}.{domain}"))
        });
        let missing = names.filter(|name| ask(name, A).rcode == NXDOMAIN).count();
        assert!((1..20).contains(&missing), "{missing}");
    }

    #[test]
    fn addresses_come_from_the_block_of_the_server() {
        let block: Ipv4Net = "198.51.100.0/24".parse().unwrap();
        for label in LABELS {
            for record in ask(&format!("{label}.example.com"), A).answers {
                assert!(match record.data {
                    Data::A(address) => block.contains(&address),
                    data => matches!(data, Data::Name(CNAME, _)),
                });
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_a_format_error() {
        let opening = Opening::parse(&[0; 12]).unwrap();
        assert_eq!(
            answer(opening, "192.0.2.0/24".parse().unwrap()).rcode,
            FORMAT_ERROR
        );
    }
}
