//! A name server: over UDP each answer leaves after a pause of its own, late or twice where it is told so; what does not fit is
//! truncated, and asked again over TCP.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;
use messages::dns::{AXFR, Opening, PORT, framed, unframed};
use wire::Payload;

use super::names::{answer, enlarge, is_large, transfer};
use crate::activity::Cause;
use crate::blueprint::{Blueprint, Cast};
use crate::conversation::dialogue::{Dialogue, Sessions, Talk};
use crate::host::program::{Program, System};
use crate::host::socket::{Endpoint, SocketEvent, SocketId};
use crate::reading::Fields;
use crate::reading::fields::text_ref;
use crate::seed::Draws;

/// How long a connection is kept without a question: RFC 7766 section 6.2.3 has seconds.
const IDLE: u64 = 20_000_000_000;
/// Bits of this program's own timers; those of conversations have the top bit clear.
const OWN: u64 = 1 << 63;
/// Between two copies of an answer.
const COPY_GAP: u64 = 300_000;

#[derive(Clone, Debug)]
struct Plan {
    think: u64,
    slow: u32,
    slow_think: u64,
    copies: u64,
    truncates: u32,
    answers: Ipv4Net,
    zone: u32,
    transfers: bool,
    over_tcp: bool,
}

/// Reads the server's parameters.
pub fn read(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    let block = fields.parsed(
        "answers",
        "a block of addresses that it knows, such as \"203.0.113.0/24\"",
        |value| text_ref(value)?.parse::<Ipv4Net>().ok(),
    );
    let documentation = Ipv4Net::new_assert(Ipv4Addr::new(203, 0, 113, 0), 24);
    let zone = fields.number("zone", 0..=10_000);
    Arc::new(Plan {
        think: fields.duration("think").unwrap_or(2_000_000),
        slow: fields.share("slow").unwrap_or(0),
        slow_think: fields.duration("slow_think").unwrap_or(8_000_000_000),
        copies: fields.number("copies", 1..=10).unwrap_or(1),
        truncates: fields.share("truncates").unwrap_or(0),
        answers: block.unwrap_or(documentation),
        zone: zone
            .and_then(|hosts| u32::try_from(hosts).ok())
            .unwrap_or(40),
        transfers: fields.flag("transfers"),
        over_tcp: !fields.flag("udp_only"),
    })
}

impl Blueprint for Plan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        Box::new(Server {
            plan: self.clone(),
            pause: cast.draws("think"),
            choice: cast.draws("choice"),
            number: 0,
            waiting: BTreeMap::new(),
            socket: None,
            sessions: Sessions::new(cast.draws("tcp-think"), cast.draws("content")),
        })
    }

    fn listens_on(&self) -> Vec<u16> {
        if self.over_tcp {
            vec![PORT]
        } else {
            Vec::new()
        }
    }
}

struct Server {
    plan: Plan,
    pause: Draws,
    choice: Draws,
    number: u64,
    waiting: BTreeMap<u64, (Endpoint, Payload, Cause)>,
    socket: Option<SocketId>,
    sessions: Sessions,
}

impl Program for Server {
    fn start(&mut self, sys: &mut System<'_>) {
        self.socket = Some(sys.open_udp(Some(PORT)));
    }

    fn timer(&mut self, token: u64, sys: &mut System<'_>) {
        if token & OWN == 0 {
            return self.sessions.timer(token, sys);
        }
        if let (Some(socket), Some((peer, answer, cause))) =
            (self.socket, self.waiting.remove(&(token & !OWN)))
        {
            sys.send_to(socket, peer, answer, cause);
        }
    }

    fn socket(&mut self, socket: SocketId, event: SocketEvent, sys: &mut System<'_>) {
        if let SocketEvent::Accepted(peer, activity) = &event {
            let dialogue = Box::new(Stream {
                plan: self.plan.clone(),
                heard: Vec::new(),
                answers: Vec::new(),
            });
            self.sessions.add(socket, *peer, *activity, dialogue);
        }
        let SocketEvent::Datagram(peer, payload, cause) = event else {
            return self.sessions.event(socket, &event, sys);
        };
        let opening = Opening::parse(&payload.to_vec()).filter(|opening| !opening.response);
        let Some(opening) = opening else {
            return;
        };
        let mut message = answer(opening, self.plan.answers);
        if is_large(&message.question, self.plan.truncates) {
            message.truncated = true;
            message.rcode = 0;
            message.answers.clear();
            message.authority.clear();
        }
        let slow = self.choice.chance(self.plan.slow);
        let mean = if slow {
            self.plan.slow_think
        } else {
            self.plan.think
        };
        let pause = self.pause.exponential(mean);
        let answer = Payload::new(message.emit());
        for copy in 0..self.plan.copies {
            self.number += 1;
            self.waiting
                .insert(self.number, (peer, answer.clone(), cause.answered()));
            sys.timer(pause + copy * COPY_GAP, OWN | self.number);
        }
    }
}

/// Questions of one connection.
struct Stream {
    plan: Plan,
    heard: Vec<u8>,
    answers: Vec<Vec<u8>>,
}

impl Dialogue for Stream {
    fn opened(&mut self, talk: &mut Talk<'_, '_>) {
        talk.pause(IDLE);
    }

    fn heard(&mut self, payload: &Payload, talk: &mut Talk<'_, '_>) {
        payload.emit(&mut self.heard);
        while let Some(message) = unframed(&mut self.heard) {
            let Some(opening) = Opening::parse(&message).filter(|opening| !opening.response) else {
                return talk.close();
            };
            let zone = opening
                .question
                .as_ref()
                .is_some_and(|question| question.kind == AXFR);
            if zone {
                let (hosts, allowed) = (self.plan.zone, self.plan.transfers);
                let messages = transfer(&opening, self.plan.answers, hosts, allowed);
                self.answers
                    .extend(messages.iter().map(|message| framed(&message.emit())));
            } else {
                let mut message = answer(opening, self.plan.answers);
                if is_large(&message.question, self.plan.truncates) {
                    enlarge(&mut message, self.plan.answers);
                }
                self.answers.push(framed(&message.emit()));
            }
            talk.think(self.plan.think);
        }
    }

    fn paused(&mut self, talk: &mut Talk<'_, '_>) {
        if self.answers.is_empty() {
            return talk.close();
        }
        for answer in self.answers.drain(..) {
            talk.say(Payload::new(answer));
        }
        talk.pause(IDLE);
    }
}
