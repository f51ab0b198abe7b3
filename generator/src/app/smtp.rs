//! Mail from one server to another, or from a client to its server: SMTP, RFC 5321.
//!
//! Not modelled: STARTTLS, pipelining, several messages a connection.

use std::sync::Arc;

use wire::{Payload, Timestamp};

use crate::blueprint::{Blueprint, Cast, Kind};
use crate::conversation::arrivals::Arrivals;
use crate::conversation::dialogue::{Client, Dialogue, Service, Talk};
use crate::conversation::filler::Filler;
use crate::conversation::lines::{Lines, line};
use crate::conversation::size::Size;
use crate::host::program::Program;
use crate::reading::fields::Fields;
use crate::seed::Draws;

/// The client.
pub const CLIENT: Kind = Kind {
    name: "smtp",
    read: read_client,
};
/// The server.
pub const SERVICE: Kind = Kind {
    name: "smtp",
    read: read_service,
};

/// How long a server waits for a command: RFC 5321 section 4.5.3.2.7.
const IDLE: u64 = 300_000_000_000;

#[derive(Debug)]
struct ClientPlan {
    port: u16,
    arrivals: Arrivals,
    think: u64,
    size: Size,
    name: String,
    sender: String,
    recipient: String,
}

fn read_client(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    let text = |value: Option<String>, default: &str| value.unwrap_or_else(|| default.to_owned());
    Arc::new(ClientPlan {
        port: fields.word("port").unwrap_or(25),
        arrivals: Arrivals::read(fields),
        think: fields.duration("think").unwrap_or(20_000_000),
        size: Size::read(fields, "size", 1_500..=80_000),
        name: text(fields.text("name"), "mail.example.org"),
        sender: text(fields.text("sender"), "alice@example.org"),
        recipient: text(fields.text("recipient"), "bob@example.com"),
    })
}

impl Blueprint for ClientPlan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let (think, size, name) = (self.think, self.size.clone(), self.name.clone());
        let (sender, recipient) = (self.sender.clone(), self.recipient.clone());
        let filler = Filler::text(&mut cast.draws("filler"));
        let begin = move |draws: &mut Draws| -> Box<dyn Dialogue> {
            Box::new(Sender {
                step: Step::Hello,
                name: name.clone(),
                envelope: (sender.clone(), recipient.clone()),
                bytes: size.bytes(draws),
                think,
                filler: filler.clone(),
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

/// What a client says next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Hello,
    Mail,
    Recipient,
    Data,
    Message,
    Quit,
    Done,
}

/// The client's side.
struct Sender {
    step: Step,
    name: String,
    envelope: (String, String),
    bytes: usize,
    think: u64,
    filler: Filler,
    lines: Lines,
}

impl Sender {
    fn message(&self, talk: &mut Talk<'_, '_>) {
        let (from, to) = &self.envelope;
        let number = talk.draws.word32();
        let head = format!(
            "From: <{from}>\r\nTo: <{to}>\r\nDate: {}\r\nMessage-ID: <{number:08x}@{}>\r\nSubject: Minutes {}\r\n\
             MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n",
            date(talk.sys.now),
            self.name,
            number % 1000,
        );
        talk.say(line(&head));
        for piece in self.filler.pieces(self.bytes) {
            talk.say(piece);
        }
        talk.say(line("\r\n."));
    }

    fn command(&self) -> String {
        match self.step {
            Step::Hello => format!("EHLO {}", self.name),
            Step::Mail => format!("MAIL FROM:<{}>", self.envelope.0),
            Step::Recipient => format!("RCPT TO:<{}>", self.envelope.1),
            Step::Data => "DATA".into(),
            _ => "QUIT".into(),
        }
    }
}

/// A moment as mail writes it, RFC 5322 section 3.3.
fn date(now: Timestamp) -> String {
    let moment = jiff::Timestamp::from_nanosecond(i128::from(now.as_nanos())).unwrap_or_default();
    moment.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// Whether a line ends a reply: RFC 5321 section 4.2.1 puts a hyphen into all others.
fn ends_reply(line: &str) -> bool {
    line.as_bytes().get(3) != Some(&b'-')
}

impl Dialogue for Sender {
    fn heard(&mut self, payload: &Payload, talk: &mut Talk<'_, '_>) {
        let lines = self.lines.take(payload);
        let Some(reply) = lines.into_iter().find(|line| ends_reply(line)) else {
            return;
        };
        if reply.starts_with(['4', '5']) {
            self.step = Step::Quit;
        }
        if self.step == Step::Done {
            return talk.close();
        }
        talk.think(self.think);
    }

    fn paused(&mut self, talk: &mut Talk<'_, '_>) {
        if self.step == Step::Message {
            self.message(talk);
        } else {
            talk.say(line(&self.command()));
        }
        self.step = match self.step {
            Step::Hello => Step::Mail,
            Step::Mail => Step::Recipient,
            Step::Recipient => Step::Data,
            Step::Data => Step::Message,
            Step::Message => Step::Quit,
            Step::Quit | Step::Done => Step::Done,
        };
    }
}

#[derive(Clone, Debug)]
struct ServicePlan {
    ports: Vec<u16>,
    think: u64,
    name: String,
    refuses: u32,
}

fn read_service(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    let ports = fields.ports("port");
    Arc::new(ServicePlan {
        ports: if ports.is_empty() { vec![25] } else { ports },
        think: fields.duration("think").unwrap_or(15_000_000),
        name: fields
            .text("name")
            .unwrap_or_else(|| "mail.example.com".into()),
        refuses: fields.share("refuses").unwrap_or(0),
    })
}

impl Blueprint for ServicePlan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let plan = self.clone();
        let begin = move |_: &mut Draws| -> Box<dyn Dialogue> {
            Box::new(Server {
                reply: Some(format!("220 {} ESMTP", plan.name)),
                plan: plan.clone(),
                lines: Lines::default(),
                in_message: false,
            })
        };
        Box::new(Service::new(cast, Box::new(begin)))
    }

    fn listens_on(&self) -> Vec<u16> {
        self.ports.clone()
    }
}

/// The server's side.
struct Server {
    plan: ServicePlan,
    lines: Lines,
    reply: Option<String>,
    in_message: bool,
}

impl Server {
    fn answer(&mut self, command: &str, talk: &mut Talk<'_, '_>) -> Option<String> {
        if self.in_message {
            self.in_message = command != ".";
            let queued = format!("250 2.0.0 Ok: queued as {:08X}", talk.draws.word32());
            return Some(queued).filter(|_| command == ".");
        }
        let verb = command
            .split([' ', ':'])
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        Some(match verb.as_str() {
            "EHLO" => format!(
                "250-{}\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-8BITMIME\r\n250 SMTPUTF8",
                self.plan.name
            ),
            "HELO" => format!("250 {}", self.plan.name),
            "RCPT" if talk.draws.chance(self.plan.refuses) => "550 5.1.1 User unknown".into(),
            "MAIL" | "RCPT" | "RSET" | "NOOP" => "250 2.1.0 Ok".into(),
            "DATA" => {
                self.in_message = true;
                "354 End data with <CR><LF>.<CR><LF>".into()
            }
            "QUIT" => "221 2.0.0 Bye".into(),
            _ => "502 5.5.2 Command not recognized".into(),
        })
    }
}

impl Dialogue for Server {
    fn opened(&mut self, talk: &mut Talk<'_, '_>) {
        talk.think(self.plan.think);
    }

    fn heard(&mut self, payload: &Payload, talk: &mut Talk<'_, '_>) {
        for command in self.lines.take(payload) {
            if let Some(reply) = self.answer(&command, talk) {
                self.reply = Some(reply);
                talk.think(self.plan.think);
            }
        }
    }

    fn paused(&mut self, talk: &mut Talk<'_, '_>) {
        let Some(reply) = self.reply.take() else {
            return talk.close();
        };
        talk.say(line(&reply));
        if reply.starts_with("221") {
            talk.close();
        } else {
            talk.pause(IDLE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_ends_with_the_line_without_a_hyphen() {
        assert!(!ends_reply("250-SIZE 1") && ends_reply("250 Ok") && ends_reply("250"));
    }

    #[test]
    fn dates_are_those_of_mail() {
        let moment = Timestamp::from_nanos(958_313_127_000_000_000);
        assert_eq!(date(moment), "Sun, 14 May 2000 14:05:27 +0000");
    }
}
