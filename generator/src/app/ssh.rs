//! Terminal sessions over SSH, RFC 4253: versions, key exchange, login, then keystrokes and what they print.
//!
//! Not modelled: transfers of files, forwarded ports, new keys during a session.

use std::sync::Arc;

use wire::Payload;

use super::ssh_packet::{self as packet, Arrival, Reader};
use crate::blueprint::{Blueprint, Cast, Kind};
use crate::conversation::arrivals::Arrivals;
use crate::conversation::client::Client;
use crate::conversation::dialogue::{Dialogue, Service, Talk};
use crate::conversation::lines::line;
use crate::conversation::size::Size;
use crate::host::program::Program;
use crate::reading::fields::Fields;
use crate::seed::Draws;

/// The client.
pub const CLIENT: Kind = Kind {
    name: "ssh",
    read: read_client,
};
/// The server.
pub const SERVICE: Kind = Kind {
    name: "ssh",
    read: read_service,
};

/// Bytes of the client's packets from its NEWKEYS to an open terminal, and of the server's answers to them: service,
/// user, key, signature, channel, terminal, shell. Assumption: about OpenSSH's, in whole blocks.
const LOGIN: [(usize, usize); 7] = [
    (52, 52),
    (68, 68),
    (500, 100),
    (644, 36),
    (116, 500),
    (388, 116),
    (84, 340),
];
/// Bytes of a keystroke, and of its echo.
const KEYSTROKE: usize = 36;
/// Keystrokes in a million that end a command, whose output follows. Assumption: one in eight.
const ENTER: u32 = 125_000;
/// How long a server waits for a login: LoginGraceTime of OpenSSH.
const GRACE: u64 = 120_000_000_000;

#[derive(Debug)]
struct ClientPlan {
    port: u16,
    arrivals: Arrivals,
    keystrokes: Size,
    typing: u64,
    version: String,
}

fn read_client(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    Arc::new(ClientPlan {
        port: fields.word("port").unwrap_or(22),
        arrivals: Arrivals::read(fields),
        keystrokes: Size::read_up_to(fields, "keystrokes", 20..=400, 1_000_000),
        typing: fields.duration("typing").unwrap_or(450_000_000),
        version: fields
            .text("version")
            .unwrap_or_else(|| "SSH-2.0-OpenSSH_9.6".into()),
    })
}

impl Blueprint for ClientPlan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let (keystrokes, typing, version) =
            (self.keystrokes.clone(), self.typing, self.version.clone());
        let begin = move |draws: &mut Draws| -> Box<dyn Dialogue> {
            Box::new(Terminal {
                version: version.clone(),
                reader: Reader::default(),
                login: None,
                left: keystrokes.count(draws),
                typing,
            })
        };
        Box::new(Client::new(
            cast,
            self.port,
            self.arrivals.clone(),
            Box::new(begin),
        ))
    }
}

/// The client's side. `login` counts its steps once the keys are in force.
struct Terminal {
    version: String,
    reader: Reader,
    login: Option<usize>,
    left: u64,
    typing: u64,
}

impl Terminal {
    fn exchange(&mut self, arrival: &Arrival, talk: &mut Talk<'_, '_>) {
        match arrival {
            Arrival::Version => talk.say_drawn(|draws| packet::kexinit(false, draws)),
            Arrival::Message(20) => talk.say_drawn(packet::ecdh_init),
            Arrival::Message(21) => {
                talk.say(Payload::new(packet::newkeys()));
                self.login = Some(0);
                self.next_step(talk);
            }
            Arrival::Message(_) => {}
        }
    }

    fn next_step(&mut self, talk: &mut Talk<'_, '_>) {
        let step = self.login.unwrap_or(0);
        if let Some((bytes, _)) = LOGIN.get(step) {
            talk.say_drawn(|draws| packet::encrypted(*bytes, draws));
            self.login = Some(step + 1);
        } else if step == LOGIN.len() {
            self.login = Some(step + 1);
            talk.think(self.typing);
        }
    }
}

impl Dialogue for Terminal {
    fn opened(&mut self, talk: &mut Talk<'_, '_>) {
        talk.say(line(&self.version));
    }

    fn heard(&mut self, payload: &Payload, talk: &mut Talk<'_, '_>) {
        if self.login.is_some() {
            return self.next_step(talk);
        }
        for arrival in self.reader.take(payload) {
            self.exchange(&arrival, talk);
        }
    }

    fn paused(&mut self, talk: &mut Talk<'_, '_>) {
        if self.left == 0 {
            return talk.close();
        }
        self.left -= 1;
        talk.say_drawn(|draws| packet::encrypted(KEYSTROKE, draws));
        talk.think(self.typing);
    }
}

#[derive(Clone, Debug)]
struct ServicePlan {
    port: u16,
    think: u64,
    output: Size,
    version: String,
}

fn read_service(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    Arc::new(ServicePlan {
        port: fields.word("port").unwrap_or(22),
        think: fields.duration("think").unwrap_or(4_000_000),
        output: Size::read(fields, "output", 60..=4_000),
        version: fields
            .text("version")
            .unwrap_or_else(|| "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3".into()),
    })
}

impl Blueprint for ServicePlan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let plan = self.clone();
        let begin = move |_: &mut Draws| -> Box<dyn Dialogue> {
            Box::new(Server {
                plan: plan.clone(),
                reader: Reader::default(),
                login: None,
                answering: false,
            })
        };
        Box::new(Service::new(cast, Box::new(begin)))
    }

    fn listens_on(&self) -> Vec<u16> {
        vec![self.port]
    }
}

/// The server's side. `login` counts the client's steps once the keys are in force.
struct Server {
    plan: ServicePlan,
    reader: Reader,
    login: Option<usize>,
    answering: bool,
}

impl Server {
    fn exchange(&mut self, arrival: &Arrival, talk: &mut Talk<'_, '_>) {
        match arrival {
            Arrival::Version => talk.say_drawn(|draws| packet::kexinit(true, draws)),
            Arrival::Message(30) => talk.say_drawn(packet::ecdh_reply),
            Arrival::Message(21) => self.login = Some(0),
            Arrival::Message(_) => {}
        }
    }

    fn answer(&mut self, talk: &mut Talk<'_, '_>) {
        let step = self.login.unwrap_or(0);
        if let Some((_, bytes)) = LOGIN.get(step) {
            self.login = Some(step + 1);
            return talk.say_drawn(|draws| packet::encrypted(*bytes, draws));
        }
        talk.say_drawn(|draws| packet::encrypted(KEYSTROKE, draws));
        if talk.draws.chance(ENTER) {
            let bytes = self.plan.output.bytes(talk.draws);
            talk.say_drawn(|draws| packet::encrypted(bytes, draws));
        }
    }
}

impl Dialogue for Server {
    fn opened(&mut self, talk: &mut Talk<'_, '_>) {
        talk.say(line(&self.plan.version));
        talk.pause(GRACE);
    }

    fn heard(&mut self, payload: &Payload, talk: &mut Talk<'_, '_>) {
        if self.login.is_some() {
            self.answering = true;
            return talk.think(self.plan.think);
        }
        for arrival in self.reader.take(payload) {
            self.exchange(&arrival, talk);
        }
        // The first encrypted packet may come in the segment of the client's NEWKEYS.
        if self.login.is_some() && self.reader.holds_more() {
            self.answering = true;
            talk.think(self.plan.think);
        }
    }

    fn paused(&mut self, talk: &mut Talk<'_, '_>) {
        if std::mem::take(&mut self.answering) {
            self.answer(talk);
        } else if self.login.is_none_or(|step| step < LOGIN.len()) {
            talk.close();
        }
    }
}
