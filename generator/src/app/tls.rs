//! The web of today: requests and responses over TLS 1.3, RFC 8446, or over resumed sessions of TLS 1.2, RFC 5246.
//!
//! Nothing is encrypted: what stands for ciphertext is random, and both sides go by the types and lengths of records, as
//! an observer has to. Not modelled: full handshakes of TLS 1.2, client certificates, early data, HTTP/2 streams.

use std::sync::Arc;

use wire::Payload;

use super::tls_record::{self as record, APPLICATION_DATA, CLOSE_NOTIFY, Kind as Flavour, Records};
use crate::blueprint::{Blueprint, Cast, Kind};
use crate::conversation::arrivals::Arrivals;
use crate::conversation::client::Client;
use crate::conversation::dialogue::{Dialogue, Service, Talk};
use crate::conversation::filler::{self, Filler};
use crate::conversation::size::Size;
use crate::host::program::Program;
use crate::reading::fields::Fields;
use crate::seed::Draws;

/// The largest request, in bytes: it is made as a whole.
const MOST_REQUEST: u64 = 1 << 24;

/// The client.
pub const CLIENT: Kind = Kind {
    name: "tls",
    read: read_client,
};
/// The server.
pub const SERVICE: Kind = Kind {
    name: "tls",
    read: read_service,
};

/// Connections in a million that a client leaves for the server to close. Assumption: a third.
const LEFT_OPEN: u32 = 350_000;
/// Handshakes in a million that resume a session of TLS 1.2. Assumption: one in eight.
const OLD_VERSION: u32 = 125_000;

#[derive(Debug)]
struct ClientPlan {
    port: u16,
    arrivals: Arrivals,
    parallel: Size,
    requests: Size,
    request_bytes: Size,
    think: u64,
    names: Vec<String>,
}

fn read_client(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    let names = fields.texts("names");
    let usual = [
        "www.example.com",
        "cdn.example.net",
        "login.example.org",
        "api.example.com",
    ];
    Arc::new(ClientPlan {
        port: fields.word("port").unwrap_or(443),
        arrivals: Arrivals::read(fields),
        parallel: Size::read_up_to(fields, "parallel", 1..=4, 1_000),
        requests: Size::read_up_to(fields, "requests", 1..=4, 100_000),
        request_bytes: Size::read_up_to(fields, "request_bytes", 120..=900, MOST_REQUEST),
        think: fields.duration("think").unwrap_or(400_000_000),
        names: if names.is_empty() {
            usual.map(str::to_owned).to_vec()
        } else {
            names
        },
    })
}

impl Blueprint for ClientPlan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let (names, think) = (self.names.clone(), self.think);
        let (requests, request_bytes) = (self.requests.clone(), self.request_bytes.clone());
        let begin = move |draws: &mut Draws| -> Box<dyn Dialogue> {
            Box::new(Browser {
                name: draws.pick(&names).cloned().unwrap_or_default(),
                left: requests.count(draws),
                request_bytes: request_bytes.clone(),
                think,
                records: Records::default(),
                flavour: None,
                head_seen: false,
            })
        };
        let client = Client::new(cast, self.port, self.arrivals.clone(), Box::new(begin));
        Box::new(client.in_parallel(self.parallel.clone()))
    }
}

/// The client's side.
struct Browser {
    name: String,
    left: u64,
    request_bytes: Size,
    think: u64,
    records: Records,
    flavour: Option<Flavour>,
    head_seen: bool,
}

impl Browser {
    fn request(&mut self, draws: &mut Draws) -> Vec<u8> {
        self.left = self.left.saturating_sub(1);
        self.head_seen = false;
        let bytes = self.request_bytes.bytes(draws).max(record::LEAST_REQUEST);
        let body = filler::random(draws, bytes);
        record::sealed(APPLICATION_DATA, &body)
    }

    /// A response is its head and then records of which only the last is not full.
    fn ends_response(&mut self, length: usize) -> bool {
        if length == record::TICKET {
            return false;
        }
        std::mem::replace(&mut self.head_seen, true) && length < record::FULL
    }
}

impl Dialogue for Browser {
    fn opened(&mut self, talk: &mut Talk<'_, '_>) {
        talk.say_drawn(|draws| record::client_hello(&self.name, draws));
    }

    fn heard(&mut self, payload: &Payload, talk: &mut Talk<'_, '_>) {
        for (kind, length) in self.records.take(payload) {
            if self.flavour.is_some() {
                if kind == APPLICATION_DATA
                    && self.ends_response(length)
                    && (self.left > 0 || !talk.draws.chance(LEFT_OPEN))
                {
                    talk.think(self.think);
                }
            } else if let Some(flavour) = Flavour::of_finished(kind, length) {
                self.flavour = Some(flavour);
                let mut flight = record::client_finish(flavour, talk.draws);
                flight.extend(self.request(talk.draws));
                talk.say(Payload::new(flight));
            }
        }
    }

    fn paused(&mut self, talk: &mut Talk<'_, '_>) {
        if self.left > 0 {
            let request = self.request(talk.draws);
            return talk.say(Payload::new(request));
        }
        let flavour = self.flavour.unwrap_or(Flavour::Tls13);
        talk.say_drawn(|draws| record::close_notify(flavour, draws));
        talk.close();
    }
}

#[derive(Clone, Debug)]
struct ServicePlan {
    port: u16,
    think: u64,
    idle: u64,
    body: Size,
}

fn read_service(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    Arc::new(ServicePlan {
        port: fields.word("port").unwrap_or(443),
        think: fields.duration("think").unwrap_or(12_000_000),
        idle: fields.duration("idle").unwrap_or(60_000_000_000),
        body: Size::read(fields, "body", 300..=60_000),
    })
}

impl Blueprint for ServicePlan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let plan = self.clone();
        let filler = Filler::random(&mut cast.draws("filler"));
        let full = Payload::new(record::sealed(
            APPLICATION_DATA,
            &filler.start(record::PLAINTEXT).to_vec(),
        ));
        let begin = move |draws: &mut Draws| -> Box<dyn Dialogue> {
            let old = draws.chance(OLD_VERSION);
            Box::new(Server {
                plan: plan.clone(),
                filler: filler.clone(),
                full: full.clone(),
                flavour: if old { Flavour::Tls12 } else { Flavour::Tls13 },
                hello: Vec::new(),
                records: Records::default(),
                stage: Stage::Hello,
                waiting: 0,
            })
        };
        Box::new(Service::new(cast, Box::new(begin)))
    }

    fn listens_on(&self) -> Vec<u16> {
        vec![self.port]
    }
}

/// How far a server's connection has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Hello,
    Finish,
    Open,
}

/// The server's side.
struct Server {
    plan: ServicePlan,
    filler: Filler,
    /// One full record, which every large response repeats.
    full: Payload,
    flavour: Flavour,
    hello: Vec<u8>,
    records: Records,
    stage: Stage,
    waiting: u32,
}

impl Server {
    fn respond(&mut self, talk: &mut Talk<'_, '_>) {
        let bytes = self.plan.body.bytes(talk.draws);
        let head = record::random_sealed(talk.draws, record::HEAD);
        talk.say(Payload::new(head));
        for _ in 0..bytes / record::PLAINTEXT {
            talk.say(self.full.clone());
        }
        let rest = record::last_of_response(bytes % record::PLAINTEXT);
        talk.say(Payload::new(record::sealed(
            APPLICATION_DATA,
            &self.filler.start(rest).to_vec(),
        )));
    }

    fn hear(&mut self, kind: u8, length: usize, talk: &mut Talk<'_, '_>) {
        match self.stage {
            Stage::Hello => talk.think(self.plan.think),
            Stage::Finish if Flavour::of_finished(kind, length) == Some(self.flavour) => {
                self.stage = Stage::Open;
                if self.flavour == Flavour::Tls13 {
                    talk.say_drawn(record::tickets);
                }
            }
            Stage::Open if kind == APPLICATION_DATA && length != CLOSE_NOTIFY => {
                self.waiting += 1;
                talk.think(self.plan.think);
            }
            Stage::Finish | Stage::Open => {}
        }
    }
}

impl Dialogue for Server {
    fn opened(&mut self, talk: &mut Talk<'_, '_>) {
        talk.pause(self.plan.idle);
    }

    fn heard(&mut self, payload: &Payload, talk: &mut Talk<'_, '_>) {
        if self.stage == Stage::Hello && self.hello.len() < record::FULL {
            payload.emit(&mut self.hello);
        }
        for (kind, length) in self.records.take(payload) {
            self.hear(kind, length, talk);
        }
        if self.records.broken() {
            // Whoever speaks something else is told so in plain, RFC 8446 section 6.
            talk.say(Payload::new(record::UNEXPECTED_MESSAGE.to_vec()));
            talk.close();
        }
    }

    fn paused(&mut self, talk: &mut Talk<'_, '_>) {
        if self.stage == Stage::Hello && self.records.any() {
            self.stage = Stage::Finish;
            let hello = std::mem::take(&mut self.hello);
            let flight = record::server_flight(self.flavour, &hello, talk.draws);
            talk.say(Payload::new(flight));
        } else if self.waiting > 0 {
            self.waiting -= 1;
            self.respond(talk);
            if self.waiting > 0 {
                return talk.think(self.plan.think);
            }
        } else {
            return talk.close();
        }
        talk.pause(self.plan.idle);
    }
}
