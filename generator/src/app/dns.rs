//! Name lookups over UDP: a stub resolver with its retries, and a server that knows the names it is asked for.
//!
//! Not modelled: answers that do not fit, lookups over TCP, caches, and what a server asks others.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::Ipv4Net;
use wire::Payload;

use super::dns_message::{
    A, AAAA, CNAME, Data, FORMAT_ERROR, Message, NXDOMAIN, Opening, PTR, Question, Record,
};
use crate::activity::{ActivityId, Cause};
use crate::blueprint::{Blueprint, Cast, Kind};
use crate::conversation::arrivals::Arrivals;
use crate::host::program::{Program, System};
use crate::host::socket::{Endpoint, SocketEvent, SocketId};
use crate::reading::fields::{Fields, text_ref};
use crate::seed::{Draws, low32};

/// The client.
pub const CLIENT: Kind = Kind {
    name: "dns",
    read: read_client,
};
/// The server.
pub const SERVICE: Kind = Kind {
    name: "dns",
    read: read_service,
};

const PORT: u16 = 53;
/// What hosts are called, before their domain.
const LABELS: [&str; 14] = [
    "www", "mail", "cdn", "api", "static", "login", "img", "news", "update", "time", "docs",
    "shop", "wpad", "a1",
];
/// The domains of documentation, RFC 2606.
const DOMAINS: [&str; 4] = [
    "example.com",
    "example.net",
    "example.org",
    "edge.example.net",
];
/// Lookups in a million that ask for the name of an address. Assumption: one in twelve, by servers and tools.
const REVERSE: u32 = 80_000;
/// Lookups in a million that ask for both kinds of addresses. Assumption: two in three.
const BOTH: u32 = 660_000;

#[derive(Debug)]
struct ClientPlan {
    arrivals: Arrivals,
    timeout: u64,
    tries: u64,
}

fn read_client(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    Arc::new(ClientPlan {
        arrivals: Arrivals::read(fields),
        timeout: fields.duration("timeout").unwrap_or(5_000_000_000),
        tries: fields.number("tries", 1..=10).unwrap_or(3),
    })
}

impl Blueprint for ClientPlan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        Box::new(Resolver {
            servers: cast.targets.clone(),
            activity: cast.activity,
            arrivals: self.arrivals.clone(),
            timeout: self.timeout,
            tries: self.tries,
            begun: 0,
            gap: cast.draws("gap"),
            names: cast.draws("name"),
            ids: cast.draws("id"),
            open: BTreeMap::new(),
        })
    }
}

/// A lookup under way: its questions that wait for an answer.
struct Lookup {
    socket: SocketId,
    questions: Vec<(u16, Question)>,
    tries: u64,
}

/// The stub resolver of a host. It begins with its first server and asks the next when one does not answer.
struct Resolver {
    servers: Vec<IpAddr>,
    activity: ActivityId,
    arrivals: Arrivals,
    timeout: u64,
    tries: u64,
    begun: u64,
    gap: Draws,
    names: Draws,
    ids: Draws,
    open: BTreeMap<u64, Lookup>,
}

/// Token of the timer that begins a lookup; that which ends the wait for answers carries the lookup's number.
const ARRIVAL: u64 = 0;

impl Resolver {
    fn wait_for_next(&mut self, sys: &mut System<'_>) {
        if let Some(gap) = self.arrivals.gap(self.begun, &mut self.gap) {
            sys.timer(gap, ARRIVAL);
        }
    }

    fn questions(&mut self) -> Vec<(u16, Question)> {
        let mut question = |name: &str, kind| {
            let name = name.to_owned();
            (self.ids.word16(), Question { name, kind })
        };
        if self.names.chance(REVERSE) {
            let [a, b, ..] = self.names.word32().to_le_bytes();
            return vec![question(
                &format!("{a}.{}.0.203.in-addr.arpa", b % 114),
                PTR,
            )];
        }
        let label = self.names.pick(&LABELS).copied().unwrap_or_default();
        let domain = self.names.pick(&DOMAINS).copied().unwrap_or_default();
        let name = format!("{label}.{domain}");
        let mut questions = vec![question(&name, A)];
        if self.names.chance(BOTH) {
            questions.push(question(&name, AAAA));
        }
        questions
    }

    /// Asks, or asks again, what has not been answered.
    fn ask(&mut self, number: u64, sys: &mut System<'_>) {
        let Some(lookup) = self.open.get_mut(&number) else {
            return;
        };
        let turn = usize::try_from(lookup.tries).unwrap_or(0) % self.servers.len().max(1);
        let Some(address) = self
            .servers
            .get(turn)
            .copied()
            .filter(|_| lookup.tries < self.tries)
        else {
            sys.close_udp(lookup.socket);
            self.open.remove(&number);
            return;
        };
        lookup.tries += 1;
        let server = Endpoint {
            address,
            port: PORT,
        };
        for (id, question) in &lookup.questions {
            let query = Payload::new(Message::query(*id, question.clone()).emit());
            sys.send_to(lookup.socket, server, query, Cause::stimulus(self.activity));
        }
        sys.timer(self.timeout, number);
    }
}

impl Program for Resolver {
    fn start(&mut self, sys: &mut System<'_>) {
        self.wait_for_next(sys);
    }

    fn timer(&mut self, token: u64, sys: &mut System<'_>) {
        if token != ARRIVAL {
            return self.ask(token, sys);
        }
        self.begun += 1;
        let lookup = Lookup {
            socket: sys.open_udp(None),
            questions: self.questions(),
            tries: 0,
        };
        self.open.insert(self.begun, lookup);
        self.ask(self.begun, sys);
        self.wait_for_next(sys);
    }

    fn socket(&mut self, socket: SocketId, event: SocketEvent, sys: &mut System<'_>) {
        let SocketEvent::Datagram(_, payload, _) = event else {
            return;
        };
        let Some(opening) = Opening::parse(&payload.to_vec()).filter(|opening| opening.response)
        else {
            return;
        };
        // The newest lookups are the likely ones, and few are open at a time.
        let found = self
            .open
            .iter_mut()
            .rev()
            .find(|(_, lookup)| lookup.socket == socket);
        let Some((number, lookup)) = found else {
            return;
        };
        lookup.questions.retain(|(id, _)| *id != opening.id);
        if lookup.questions.is_empty() {
            let number = *number;
            self.open.remove(&number);
            sys.close_udp(socket);
        }
    }
}

#[derive(Debug)]
struct ServicePlan {
    think: u64,
    answers: Ipv4Net,
}

fn read_service(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    let block = fields.parsed(
        "answers",
        "a block of addresses that it knows, such as \"203.0.113.0/24\"",
        |value| text_ref(value)?.parse::<Ipv4Net>().ok(),
    );
    let documentation = Ipv4Net::new_assert(Ipv4Addr::new(203, 0, 113, 0), 24);
    Arc::new(ServicePlan {
        think: fields.duration("think").unwrap_or(2_000_000),
        answers: block.unwrap_or(documentation),
    })
}

impl Blueprint for ServicePlan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        Box::new(Server {
            think: self.think,
            answers: self.answers,
            pause: cast.draws("think"),
            number: 0,
            waiting: BTreeMap::new(),
            socket: None,
        })
    }
}

/// The server: each answer leaves after a pause of its own.
struct Server {
    think: u64,
    answers: Ipv4Net,
    pause: Draws,
    number: u64,
    waiting: BTreeMap<u64, (Endpoint, Payload, Cause)>,
    socket: Option<SocketId>,
}

impl Program for Server {
    fn start(&mut self, sys: &mut System<'_>) {
        self.socket = Some(sys.open_udp(Some(PORT)));
    }

    fn timer(&mut self, token: u64, sys: &mut System<'_>) {
        if let (Some(socket), Some((peer, answer, cause))) =
            (self.socket, self.waiting.remove(&token))
        {
            sys.send_to(socket, peer, answer, cause);
        }
    }

    fn socket(&mut self, _: SocketId, event: SocketEvent, sys: &mut System<'_>) {
        let SocketEvent::Datagram(peer, payload, cause) = event else {
            return;
        };
        let Some(opening) = Opening::parse(&payload.to_vec()).filter(|opening| !opening.response)
        else {
            return;
        };
        let answer = Payload::new(answer(opening, self.answers).emit());
        self.number += 1;
        self.waiting
            .insert(self.number, (peer, answer, cause.answered()));
        sys.timer(self.pause.exponential(self.think), self.number);
    }
}

/// A number that belongs to a name: FNV-1a, so that every server says the same of it.
fn number_of(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// What every server of this world says to a question.
fn answer(opening: Opening, block: Ipv4Net) -> Message {
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
        PTR => records.push(record(
            &owner,
            Data::Name(PTR, format!("host-{}.example.net", number % 10_000)),
        )),
        _ => {}
    }
    records
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
