//! FTP control connections, RFC 959, and the ident query with which servers once began them, RFC 1413.
//!
//! Not modelled: data connections. Source: "Interpreting Network Traffic", TCPDump Format.

use std::sync::Arc;

use wire::Payload;

use crate::blueprint::{Blueprint, Cast, Kind};
use crate::conversation::arrivals::Arrivals;
use crate::conversation::dialogue::{Client, Dialogue, Service, Talk};
use crate::conversation::lines::{Lines, line};
use crate::host::program::Program;
use crate::host::socket::{SocketEvent, SocketId};
use crate::reading::fields::Fields;

/// Port of ident, RFC 1413.
const IDENT: u16 = 113;
/// Low delay, RFC 791: what servers of the time set on control connections.
const LOW_DELAY: u8 = 0x10;

/// The client.
pub const CLIENT: Kind = Kind {
    name: "ftp",
    read: read_client,
};
/// The server.
pub const SERVICE: Kind = Kind {
    name: "ftp",
    read: read_service,
};

#[derive(Debug)]
struct ClientBlueprint {
    port: u16,
    arrivals: Arrivals,
    user: String,
    password: String,
    think: u64,
}

fn read_client(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    Arc::new(ClientBlueprint {
        port: fields.word("port").unwrap_or(21),
        arrivals: Arrivals::read(fields),
        user: fields.text("user").unwrap_or_else(|| "anonymous".into()),
        password: fields.text("password").unwrap_or_else(|| "guest@".into()),
        think: fields.duration("think").unwrap_or(2_000_000_000),
    })
}

impl Blueprint for ClientBlueprint {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let (user, password, think) = (self.user.clone(), self.password.clone(), self.think);
        let begin = move |_: &mut crate::seed::Draws| -> Box<dyn Dialogue> {
            let script = vec![
                format!("USER {user}"),
                format!("PASS {password}"),
                "QUIT".to_owned(),
            ];
            Box::new(Caller {
                script,
                think,
                lines: Lines::default(),
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

/// The client's side: a command for each reply.
struct Caller {
    script: Vec<String>,
    think: u64,
    lines: Lines,
}

impl Dialogue for Caller {
    fn heard(&mut self, payload: &Payload, talk: &mut Talk<'_, '_>) {
        if !self.lines.take(payload).is_empty() && !self.script.is_empty() {
            talk.think(self.think);
        }
    }

    fn paused(&mut self, talk: &mut Talk<'_, '_>) {
        if !self.script.is_empty() {
            talk.say(line(&self.script.remove(0)));
        }
    }

    fn peer_closed(&mut self, talk: &mut Talk<'_, '_>) {
        talk.close();
    }
}

#[derive(Debug)]
struct ServiceBlueprint {
    port: u16,
    greeting: String,
    think: u64,
    ident: bool,
    ident_timeout: u64,
}

fn read_service(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    Arc::new(ServiceBlueprint {
        port: fields.word("port").unwrap_or(21),
        greeting: fields
            .text("greeting")
            .unwrap_or_else(|| "220 FTP server ready.".into()),
        think: fields.duration("think").unwrap_or(20_000_000),
        ident: fields.flag("ident"),
        ident_timeout: fields.duration("ident_timeout").unwrap_or(30_000_000_000),
    })
}

impl Blueprint for ServiceBlueprint {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let (greeting, think, ident, timeout) = (
            self.greeting.clone(),
            self.think,
            self.ident,
            self.ident_timeout,
        );
        let begin = move |_: &mut crate::seed::Draws| -> Box<dyn Dialogue> {
            let greeting = greeting.clone();
            Box::new(Server {
                greeting,
                think,
                ident,
                timeout,
                lines: Lines::default(),
                next: Next::Ident,
                pending: None,
            })
        };
        Box::new(Service::new(cast, Box::new(begin)))
    }

    fn listens_on(&self) -> Vec<u16> {
        vec![self.port]
    }
}

/// What the server does when its pause is over.
enum Next {
    Ident,
    GiveUpIdent,
    Greet,
    Reply(String),
    Hang,
}

/// The server's side.
struct Server {
    greeting: String,
    think: u64,
    ident: bool,
    timeout: u64,
    lines: Lines,
    next: Next,
    pending: Option<SocketId>,
}

impl Server {
    fn greet(&mut self, talk: &mut Talk<'_, '_>) {
        self.next = Next::Greet;
        talk.think(self.think);
    }

    fn reply(&self, command: &str) -> String {
        match command
            .split(' ')
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase()
            .as_str()
        {
            "USER" => "331 Password required.".into(),
            "PASS" => {
                "230 Guest login ok, access restrictions apply, be brief and discreet.".into()
            }
            "QUIT" => "221 Goodbye.".into(),
            _ => "500 Command not understood.".into(),
        }
    }
}

impl Dialogue for Server {
    fn opened(&mut self, talk: &mut Talk<'_, '_>) {
        if self.ident {
            self.next = Next::Ident;
            talk.think(self.think);
        } else {
            self.greet(talk);
        }
    }

    fn heard(&mut self, payload: &Payload, talk: &mut Talk<'_, '_>) {
        if let Some(command) = self.lines.take(payload).pop() {
            self.next = Next::Reply(self.reply(&command));
            talk.think(self.think);
        }
    }

    fn paused(&mut self, talk: &mut Talk<'_, '_>) {
        match std::mem::replace(&mut self.next, Next::Hang) {
            Next::Ident => {
                self.pending = Some(talk.call(IDENT));
                self.next = Next::GiveUpIdent;
                talk.pause(self.timeout);
            }
            Next::GiveUpIdent => {
                if let Some(socket) = self.pending.take() {
                    talk.close_on(socket);
                }
                self.greet(talk);
            }
            Next::Greet => {
                talk.set_tos(LOW_DELAY);
                talk.say(line(&self.greeting));
            }
            Next::Reply(reply) => {
                let last = reply.starts_with("221");
                talk.say(line(&reply));
                if last {
                    talk.think(self.think);
                }
            }
            Next::Hang => talk.close(),
        }
    }

    /// The answer of the client's ident service, a refusal, or silence: then comes the greeting.
    fn called(&mut self, event: &SocketEvent, talk: &mut Talk<'_, '_>) {
        let Some(socket) = self.pending else { return };
        match event {
            SocketEvent::Connected => {
                // Port of the client, port of the server, RFC 1413 section 3.
                let query = format!("{},{}", talk.peer.port, 21);
                talk.say_on(socket, line(&query));
                return;
            }
            SocketEvent::Data(_) | SocketEvent::PeerClosed => talk.close_on(socket),
            _ => {}
        }
        self.pending = None;
        self.greet(talk);
    }
}
