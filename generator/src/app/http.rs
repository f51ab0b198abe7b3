//! The web without encryption: HTTP/1.0 with `Keep-Alive` as browsers of the documents' time had it, RFC 1945, and
//! HTTP/1.1, RFC 9112.
//!
//! Not modelled: pipelining by the client, chunked bodies, requests with a body. Source: "Interpreting Network Traffic",
//! the session with absolute numbers.

use std::collections::VecDeque;
use std::sync::Arc;

use wire::Payload;

use super::http_message::{Request, ResponseReader, Version, error, fixed_response, head};
use crate::blueprint::{Blueprint, Cast, Kind};
use crate::conversation::arrivals::Arrivals;
use crate::conversation::client::Client;
use crate::conversation::dialogue::{Dialogue, Service, Talk};
use crate::conversation::filler::Filler;
use crate::conversation::lines::Lines;
use crate::conversation::size::Size;
use crate::host::program::Program;
use crate::reading::document::Value;
use crate::reading::fields::{Fields, list, number};
use crate::seed::Draws;

/// The largest request, in bytes: it is made as a whole.
const MOST_REQUEST: u64 = 1 << 24;

/// The client.
pub const CLIENT: Kind = Kind {
    name: "http",
    read: read_client,
};
/// The server.
pub const SERVICE: Kind = Kind {
    name: "http",
    read: read_service,
};

/// Requests in a million that a server answers with "not modified". Assumption: one in twelve.
const UNCHANGED: u32 = 80_000;
/// Requests in a million for what is not there. Assumption: one in fifty.
const MISSING: u32 = 20_000;
/// Connections in a million that a client leaves for the server to close. Assumption: half of them.
const LEFT_OPEN: u32 = 500_000;

#[derive(Debug)]
struct ClientPlan {
    port: u16,
    arrivals: Arrivals,
    parallel: Size,
    version: Version,
    request_bytes: Size,
    requests: Size,
    think: u64,
    host: String,
}

fn read_client(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    let versions = [("1.0", Version::Http10), ("1.1", Version::Http11)];
    Arc::new(ClientPlan {
        port: fields.word("port").unwrap_or(80),
        arrivals: Arrivals::read(fields),
        parallel: Size::read_up_to(fields, "parallel", 1..=1, 1_000),
        version: fields
            .choice("version", &versions)
            .unwrap_or(Version::Http11),
        request_bytes: Size::read_up_to(fields, "request_bytes", 300..=800, MOST_REQUEST),
        requests: Size::read_up_to(fields, "requests", 1..=1, 100_000),
        think: fields.duration("think").unwrap_or(50_000_000),
        host: fields
            .text("host")
            .unwrap_or_else(|| "www.example.com".into()),
    })
}

impl Blueprint for ClientPlan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let (version, think, host) = (self.version, self.think, self.host.clone());
        let (requests, bytes) = (self.requests.clone(), self.request_bytes.clone());
        let begin = move |draws: &mut Draws| -> Box<dyn Dialogue> {
            Box::new(Browser {
                request: Request::padded(version, &host, bytes.count(draws), draws),
                left: requests.count(draws),
                think,
                reader: ResponseReader::default(),
                leaving: false,
            })
        };
        let client = Client::new(cast, self.port, self.arrivals.clone(), Box::new(begin));
        Box::new(client.in_parallel(self.parallel.clone()))
    }
}

/// The client's side: requests one after another.
struct Browser {
    request: Payload,
    left: u64,
    think: u64,
    reader: ResponseReader,
    leaving: bool,
}

impl Dialogue for Browser {
    fn opened(&mut self, talk: &mut Talk<'_, '_>) {
        talk.think(self.think);
    }

    fn heard(&mut self, payload: &Payload, talk: &mut Talk<'_, '_>) {
        if !self.reader.take(payload) {
            return;
        }
        self.leaving = self.left == 0;
        if !self.leaving || !talk.draws.chance(LEFT_OPEN) {
            talk.think(self.think);
        }
    }

    fn paused(&mut self, talk: &mut Talk<'_, '_>) {
        if self.leaving {
            return talk.close();
        }
        self.left = self.left.saturating_sub(1);
        talk.say(self.request.clone());
    }
}

#[derive(Clone, Debug)]
struct ServicePlan {
    port: u16,
    think: u64,
    idle: u64,
    writes: Vec<usize>,
    body: Size,
    server: String,
}

fn read_service(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    // A gigabyte, as everywhere: more in one write serves nobody.
    let sizes = |value: &Value| {
        list(value, |item| {
            let bytes = number(item).filter(|bytes| (1..=1 << 30).contains(bytes))?;
            usize::try_from(bytes).ok()
        })
    };
    Arc::new(ServicePlan {
        port: fields.word("port").unwrap_or(80),
        think: fields.duration("think").unwrap_or(5_000_000),
        idle: fields.duration("idle").unwrap_or(15_000_000_000),
        writes: fields
            .parsed(
                "writes",
                "the bytes of each write, such as [414, 8, 80], each from 1 to 2^30",
                sizes,
            )
            .unwrap_or_default(),
        body: Size::read(fields, "body", 200..=60_000),
        server: fields.text("server").unwrap_or_else(|| "Apache".into()),
    })
}

impl Blueprint for ServicePlan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let plan = Arc::new(self.clone());
        let filler = Filler::random(&mut cast.draws("filler"));
        let begin = move |_: &mut Draws| -> Box<dyn Dialogue> {
            Box::new(Server {
                plan: Arc::clone(&plan),
                filler: filler.clone(),
                lines: Lines::default(),
                request: None,
                waiting: VecDeque::new(),
                writes: VecDeque::new(),
                next: Next::Leave,
            })
        };
        Box::new(Service::new(cast, Box::new(begin)))
    }

    fn listens_on(&self) -> Vec<u16> {
        vec![self.port]
    }
}

/// What the server does when its pause is over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Answer,
    Leave,
}

/// The server's side. Each write is a list of payloads that leave together.
struct Server {
    plan: Arc<ServicePlan>,
    filler: Filler,
    lines: Lines,
    request: Option<String>,
    waiting: VecDeque<Version>,
    writes: VecDeque<Vec<Payload>>,
    next: Next,
}

impl Server {
    fn respond(&self, version: Version, draws: &mut Draws) -> VecDeque<Vec<Payload>> {
        let server = &self.plan.server;
        if !self.plan.writes.is_empty() {
            let parts = fixed_response(version, server, &self.plan.writes);
            return parts.into_iter().map(|part| vec![part]).collect();
        }
        let whole = if draws.chance(UNCHANGED) {
            vec![head(version, "304 Not Modified", server, 0)]
        } else if draws.chance(MISSING) {
            vec![error(version, "404 Not Found", server)]
        } else {
            let bytes = self.plan.body.bytes(draws);
            let mut whole = vec![head(version, "200 OK", server, bytes)];
            whole.extend(self.filler.pieces(bytes));
            whole
        };
        VecDeque::from([whole])
    }

    /// After an answer: the next one, the rest of the time that a connection is kept, or the end.
    fn go_on(&mut self, talk: &mut Talk<'_, '_>) {
        if !self.writes.is_empty() || !self.waiting.is_empty() {
            self.next = Next::Answer;
            talk.think(self.plan.think);
        } else {
            self.next = Next::Leave;
            talk.pause(self.plan.idle);
        }
    }
}

impl Dialogue for Server {
    fn opened(&mut self, talk: &mut Talk<'_, '_>) {
        self.go_on(talk);
    }

    fn heard(&mut self, payload: &Payload, talk: &mut Talk<'_, '_>) {
        let idle = self.writes.is_empty() && self.waiting.is_empty();
        for line in self.lines.take(payload) {
            match self.request.take() {
                Some(request) if line.is_empty() => match Version::of_request(&request) {
                    Some(version) => self.waiting.push_back(version),
                    None => {
                        talk.say(error(Version::Http10, "400 Bad Request", &self.plan.server));
                        return talk.close();
                    }
                },
                Some(request) => self.request = Some(request),
                None if line.is_empty() => {}
                None => self.request = Some(line),
            }
        }
        if idle && !self.waiting.is_empty() {
            self.go_on(talk);
        }
    }

    fn paused(&mut self, talk: &mut Talk<'_, '_>) {
        if self.next == Next::Leave {
            return talk.close();
        }
        if self.writes.is_empty()
            && let Some(version) = self.waiting.pop_front()
        {
            self.writes = self.respond(version, talk.draws);
        }
        for payload in self.writes.pop_front().unwrap_or_default() {
            talk.say(payload);
        }
        if self.plan.idle == 0 && self.writes.is_empty() {
            return talk.close();
        }
        self.go_on(talk);
    }
}
