//! The stub resolver of a host, or a server that asks another.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use messages::dns::{
    A, AAAA, AXFR, MX, Message, NS, Opening, PORT, PTR, Question, SOA, TXT, framed, unframed,
};
use wire::Payload;

use super::names::{DOMAINS, LABELS};
use crate::activity::{ActivityId, Cause};
use crate::blueprint::{Blueprint, Cast};
use crate::content::wording::{WANTED, Wording};
use crate::conversation::arrivals::Arrivals;
use crate::conversation::dialogue::{Dialogue, Sessions, Talk};
use crate::host::program::{Program, System};
use crate::host::socket::{Endpoint, SocketEvent, SocketId};
use crate::reading::fields::{list, text_ref};
use crate::reading::{Fields, Value};
use crate::seed::Draws;

/// Lookups in a million that ask for the name of an address. Assumption: one in twelve, by servers and tools.
const REVERSE: u32 = 80_000;
/// Lookups in a million that ask for both kinds of addresses. Assumption: two in three.
const BOTH: u32 = 660_000;
/// Bits of this program's own timers; those of conversations have the top bit clear.
const OWN: u64 = 1 << 63;

const TYPES: [(&str, u16); 9] = [
    ("a", A),
    ("aaaa", AAAA),
    ("ptr", PTR),
    ("mx", MX),
    ("ns", NS),
    ("soa", SOA),
    ("txt", TXT),
    ("axfr", AXFR),
    ("any", 255),
];

#[derive(Debug)]
struct Plan {
    arrivals: Arrivals,
    timeout: u64,
    tries: u64,
    source_ports: Vec<u16>,
    names: Vec<Wording>,
    kinds: Vec<u16>,
    edns: bool,
    over_tcp: bool,
    times: u64,
}

/// Reads the client's parameters.
pub fn read(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    let names = fields.parsed("names", WANTED, |value| {
        list(value, |item| Wording::parse(text_ref(item)?, &[]))
    });
    let kinds: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
    let wanted = format!("one or several of: {}", kinds.join(", "));
    let kinds = fields.parsed("types", &wanted, |value| {
        list(value, |item| {
            let text = text_ref(item)?;
            TYPES
                .iter()
                .find(|(name, _)| *name == text)
                .map(|(_, kind)| *kind)
        })
    });
    let edns = fields.parsed("edns", "true or false", |value| match value {
        Value::Boolean(edns) => Some(*edns),
        _ => None,
    });
    Arc::new(Plan {
        arrivals: Arrivals::read(fields),
        timeout: fields.duration("timeout").unwrap_or(5_000_000_000),
        tries: fields.number("tries", 1..=10).unwrap_or(3),
        source_ports: fields.ports("source_port"),
        names: names.unwrap_or_default(),
        kinds: kinds.unwrap_or_default(),
        edns: edns.unwrap_or(true),
        over_tcp: fields.flag("over_tcp"),
        times: fields.number("asks", 1..=10).unwrap_or(1),
    })
}

impl Blueprint for Plan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        Box::new(Resolver {
            servers: cast.targets.clone(),
            activity: cast.activity,
            arrivals: self.arrivals.clone(),
            timeout: self.timeout,
            tries: self.tries,
            source_ports: self.source_ports.clone(),
            wordings: self.names.clone(),
            kinds: self.kinds.clone(),
            edns: self.edns,
            over_tcp: self.over_tcp,
            times: self.times,
            begun: 0,
            gap: cast.draws("gap"),
            names: cast.draws("name"),
            ids: cast.draws("id"),
            ports: cast.draws("source_port"),
            open: BTreeMap::new(),
            shared: None,
            sessions: Sessions::new(cast.draws("think"), cast.draws("content")),
        })
    }
}

/// A lookup under way: its questions that wait for an answer.
struct Lookup {
    activity: ActivityId,
    socket: SocketId,
    questions: Vec<(u16, Question)>,
    tries: u64,
}

/// It begins with its first server and asks the next when one does not answer.
struct Resolver {
    servers: Vec<IpAddr>,
    activity: ActivityId,
    arrivals: Arrivals,
    timeout: u64,
    tries: u64,
    source_ports: Vec<u16>,
    wordings: Vec<Wording>,
    kinds: Vec<u16>,
    edns: bool,
    over_tcp: bool,
    /// How often a question is asked at once, as some resolvers do.
    times: u64,
    begun: u64,
    gap: Draws,
    names: Draws,
    ids: Draws,
    ports: Draws,
    open: BTreeMap<u64, Lookup>,
    /// The one socket of a server that always asks from the same port.
    shared: Option<SocketId>,
    sessions: Sessions,
}

/// Token of the timer that begins a lookup; that which ends the wait for answers carries the lookup's number.
const ARRIVAL: u64 = OWN;

impl Resolver {
    fn wait_for_next(&mut self, sys: &mut System<'_>) {
        if let Some(gap) = self.arrivals.gap(self.begun, &mut self.gap) {
            sys.timer(gap, ARRIVAL);
        }
    }

    fn questions(&mut self) -> Vec<Question> {
        let about = |name: &str, kinds: &[u16]| {
            let question = |kind: &u16| Question {
                name: name.to_owned(),
                kind: *kind,
            };
            kinds.iter().map(question).collect()
        };
        if let Some(wording) = self.names.pick(&self.wordings).cloned() {
            let name = wording.say(&mut self.names, |_| String::new());
            let usual: &[u16] = &[A];
            return about(
                &name,
                if self.kinds.is_empty() {
                    usual
                } else {
                    &self.kinds
                },
            );
        }
        if self.kinds.is_empty() && self.names.chance(REVERSE) {
            let [a, b, ..] = self.names.word32().to_le_bytes();
            return about(&format!("{a}.{}.0.203.in-addr.arpa", b % 114), &[PTR]);
        }
        let label = self.names.pick(&LABELS).copied().unwrap_or_default();
        let domain = self.names.pick(&DOMAINS).copied().unwrap_or_default();
        let name = format!("{label}.{domain}");
        if !self.kinds.is_empty() {
            return about(&name, &self.kinds);
        }
        let both = self.names.chance(BOTH);
        about(&name, if both { &[A, AAAA] } else { &[A] })
    }

    /// Numbers the questions of one socket, so that each answer tells which it is for.
    fn numbered(&mut self, questions: Vec<Question>) -> Vec<(u16, Question)> {
        let mut numbered: Vec<(u16, Question)> = Vec::new();
        for question in questions {
            let mut id = self.ids.word16();
            while numbered.iter().any(|(taken, _)| *taken == id) {
                id = self.ids.word16();
            }
            numbered.push((id, question));
        }
        numbered
    }

    /// The socket of a lookup: from a port of the list, or from one that the stack chooses.
    fn socket(&mut self, sys: &mut System<'_>) -> SocketId {
        match self.source_ports.as_slice() {
            [] => sys.open_udp(None),
            [only] => *self.shared.get_or_insert_with(|| sys.open_udp(Some(*only))),
            ports => {
                let port = self.ports.pick(ports).copied();
                sys.open_udp(port)
            }
        }
    }

    fn message(&self, id: u16, question: &Question) -> Vec<u8> {
        Message {
            edns: self.edns,
            ..Message::query(id, question.clone())
        }
        .emit()
    }

    /// Asks, or asks again, what has not been answered.
    fn ask(&mut self, number: u64, sys: &mut System<'_>) {
        let Some(lookup) = self.open.get_mut(&number) else {
            return;
        };
        let turn = usize::try_from(lookup.tries).unwrap_or(0) % self.servers.len().max(1);
        let server = self.servers.get(turn).copied();
        let Some(address) = server.filter(|_| lookup.tries < self.tries) else {
            return self.end(number, sys);
        };
        lookup.tries += 1;
        let (socket, activity) = (lookup.socket, lookup.activity);
        let questions = lookup.questions.clone();
        let server = Endpoint {
            address,
            port: PORT,
        };
        for (id, question) in &questions {
            if self.over_tcp {
                self.ask_over_tcp((*id, question), server, activity, sys);
                continue;
            }
            for _ in 0..self.times {
                let query = Payload::new(self.message(*id, question));
                sys.send_to(socket, server, query, Cause::stimulus(activity));
            }
        }
        if self.over_tcp {
            return self.end(number, sys);
        }
        sys.timer(self.timeout, OWN | number);
    }

    fn ask_over_tcp(
        &mut self,
        (id, question): (u16, &Question),
        server: Endpoint,
        activity: ActivityId,
        sys: &mut System<'_>,
    ) {
        let dialogue = Asker {
            query: framed(&self.message(id, question)),
            heard: Vec::new(),
            zone: question.kind == AXFR,
            soas: 0,
        };
        let socket = sys.connect(server, activity);
        self.sessions
            .add(socket, server, activity, Box::new(dialogue));
    }

    fn end(&mut self, number: u64, sys: &mut System<'_>) {
        if let Some(lookup) = self.open.remove(&number)
            && Some(lookup.socket) != self.shared
        {
            sys.close_udp(lookup.socket);
        }
    }

    fn answered(
        &mut self,
        opening: &Opening,
        peer: Endpoint,
        socket: SocketId,
        sys: &mut System<'_>,
    ) {
        // The newest lookups are the likely ones, and few are open at a time.
        let mut open = self.open.iter_mut().rev();
        let found = open.find(|(_, lookup)| {
            lookup.socket == socket && lookup.questions.iter().any(|(id, _)| *id == opening.id)
        });
        let Some((number, lookup)) = found else {
            return;
        };
        let (number, activity) = (*number, lookup.activity);
        let asked = lookup
            .questions
            .iter()
            .find(|(id, _)| *id == opening.id)
            .cloned();
        lookup.questions.retain(|(id, _)| *id != opening.id);
        let over = lookup.questions.is_empty();
        if opening.truncated
            && let Some((id, question)) = asked
        {
            self.ask_over_tcp((id, &question), peer, activity, sys);
        }
        if over {
            self.end(number, sys);
        }
    }
}

impl Program for Resolver {
    fn start(&mut self, sys: &mut System<'_>) {
        self.wait_for_next(sys);
    }

    fn timer(&mut self, token: u64, sys: &mut System<'_>) {
        if token & OWN == 0 {
            return self.sessions.timer(token, sys);
        }
        if token != ARRIVAL {
            return self.ask(token & !OWN, sys);
        }
        self.begun += 1;
        let questions = self.questions();
        let lookup = Lookup {
            activity: sys.occasion(self.activity),
            socket: self.socket(sys),
            questions: self.numbered(questions),
            tries: 0,
        };
        self.open.insert(self.begun, lookup);
        self.ask(self.begun, sys);
        self.wait_for_next(sys);
    }

    fn socket(&mut self, socket: SocketId, event: SocketEvent, sys: &mut System<'_>) {
        let SocketEvent::Datagram(peer, payload, _) = event else {
            return self.sessions.event(socket, &event, sys);
        };
        let opening = Opening::parse(&payload.to_vec()).filter(|opening| opening.response);
        if let Some(opening) = opening {
            self.answered(&opening, peer, socket, sys);
        }
    }
}

/// A question over TCP: asked at once, left when it is answered; a zone when its first record has come again.
struct Asker {
    query: Vec<u8>,
    heard: Vec<u8>,
    zone: bool,
    soas: usize,
}

impl Dialogue for Asker {
    fn opened(&mut self, talk: &mut Talk<'_, '_>) {
        talk.say(Payload::new(std::mem::take(&mut self.query)));
    }

    fn heard(&mut self, payload: &Payload, talk: &mut Talk<'_, '_>) {
        payload.emit(&mut self.heard);
        while let Some(message) = unframed(&mut self.heard) {
            let refused = message.get(3).is_some_and(|flags| flags & 15 != 0);
            // Type SOA, class IN, of one day.
            self.soas += message
                .windows(8)
                .filter(|window| *window == [0, 6, 0, 1, 0, 1, 0x51, 0x80])
                .count();
            if !self.zone || refused || self.soas >= 2 {
                return talk.close();
            }
        }
    }
}
