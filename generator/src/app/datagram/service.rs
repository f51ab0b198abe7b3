//! Who answers, after a pause, perhaps more than once.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use messages::rpc;
use wire::Payload;

use super::answers::{ANSWERS, Answers, Asked, Plan};
use crate::activity::Cause;
use crate::blueprint::{Blueprint, Cast};
use crate::host::program::{Program, System};
use crate::host::socket::{Endpoint, SocketEvent, SocketId};
use crate::reading::Fields;
use crate::seed::Draws;

/// Reads the server's parameters.
pub fn read(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    let answers = fields.choice("answers", &ANSWERS);
    if answers.is_none() {
        let names: Vec<&str> = ANSWERS.iter().map(|(name, _)| *name).collect();
        let origin = fields.origin().clone();
        fields.mistake(
            &origin,
            format!(
                "a datagram service needs 'answers', one of: {}",
                names.join(", ")
            ),
        );
    }
    let answers = answers.unwrap_or(Answers::Discard);
    let wanted = "programs and their ports, such as [\"mountd 635\", \"ttdbserverd 32773\"]";
    let programs = fields.parsed("programs", wanted, |value| {
        crate::reading::fields::list(value, |item| {
            let (name, port) = crate::reading::fields::text_ref(item)?.split_once(' ')?;
            let known = rpc::PROGRAMS.iter().find(|(known, _)| *known == name);
            let program = known.map(|(_, number)| *number).or(name.parse().ok())?;
            Some((program, port.trim().parse().ok()?))
        })
    });
    let pool = fields.parsed("pool", "the first address that it gives away", |value| {
        crate::reading::fields::text_ref(value)?.parse().ok()
    });
    Arc::new(Plan {
        answers,
        port: fields.word("port").unwrap_or(answers.port()),
        think: fields.duration("think").unwrap_or(200_000),
        copies: fields.number("copies", 1..=10).unwrap_or(1),
        community: fields.text("community").unwrap_or_else(|| "public".into()),
        name: fields.text("name").unwrap_or_else(|| "SERVER".into()),
        programs: programs.unwrap_or_else(|| vec![(100_005, 635), (100_003, 2049)]),
        pool: pool.unwrap_or(Ipv4Addr::UNSPECIFIED),
    })
}

impl Blueprint for Plan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        Box::new(Responder {
            plan: self.clone(),
            think: cast.draws("think"),
            content: cast.draws("content"),
            socket: None,
            waiting: BTreeMap::new(),
            number: 0,
            turn: 0,
        })
    }
}

struct Responder {
    plan: Plan,
    think: Draws,
    content: Draws,
    socket: Option<SocketId>,
    waiting: BTreeMap<u64, (Endpoint, Payload, Cause)>,
    number: u64,
    /// Where chargen's pattern goes on.
    turn: usize,
}

/// Answers that wait to be sent: who asks more at once is not answered, so that two that answer each other cannot fill memory.
const MOST_WAITING: usize = 10_000;

impl Program for Responder {
    fn start(&mut self, sys: &mut System<'_>) {
        self.socket = Some(sys.open_udp(Some(self.plan.port)));
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
        if self.waiting.len() >= MOST_WAITING {
            return;
        }
        let own = match sys.address_towards(peer.address) {
            IpAddr::V4(own) => own,
            IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
        };
        self.turn += 1;
        let mut asked = Asked {
            plan: &self.plan,
            peer,
            own,
            now: sys.now,
            turn: self.turn,
            draws: &mut self.content,
        };
        let Some((answer, peer)) = asked.answer(&payload.to_vec()) else {
            return;
        };
        let answer = Payload::new(answer);
        let pause = self.think.exponential(self.plan.think);
        for copy in 0..self.plan.copies {
            self.number += 1;
            self.waiting
                .insert(self.number, (peer, answer.clone(), cause.answered()));
            sys.timer(pause + copy * 300_000, self.number);
        }
    }
}
