//! News reading, RFC 3977 (NNTP) with the replies of RFC 977.
//!
//! Not modelled: feeding, posting, overviews. Source: "Interpreting Network Traffic", the news server.

use std::sync::Arc;

use wire::Payload;

use crate::blueprint::{Blueprint, Cast, Kind};
use crate::conversation::arrivals::Arrivals;
use crate::conversation::dialogue::{Client, Dialogue, Service, Talk};
use crate::conversation::filler::Filler;
use crate::conversation::lines::{Lines, line};
use crate::conversation::size::Size;
use crate::host::program::Program;
use crate::reading::fields::Fields;
use crate::seed::Draws;

/// The reader.
pub const CLIENT: Kind = Kind {
    name: "news",
    read: read_client,
};
/// The server.
pub const SERVICE: Kind = Kind {
    name: "news",
    read: read_service,
};

/// How long a server waits for a command. RFC 3977 section 3.1 asks for at least three minutes.
const IDLE: u64 = 180_000_000_000;

#[derive(Debug)]
struct ClientPlan {
    port: u16,
    arrivals: Arrivals,
    think: u64,
    articles: Size,
    group: String,
}

fn read_client(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    Arc::new(ClientPlan {
        port: fields.word("port").unwrap_or(119),
        arrivals: Arrivals::read(fields),
        think: fields.duration("think").unwrap_or(3_000_000_000),
        articles: Size::read(fields, "articles", 1..=12),
        group: fields
            .text("group")
            .unwrap_or_else(|| "comp.protocols.tcp-ip".into()),
    })
}

impl Blueprint for ClientPlan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let (think, articles, group) = (self.think, self.articles.clone(), self.group.clone());
        let begin = move |draws: &mut Draws| -> Box<dyn Dialogue> {
            let mut script = vec!["QUIT".to_owned()];
            script.extend((0..articles.count(draws)).map(|_| "ARTICLE".to_owned()));
            script.push(format!("GROUP {group}"));
            script.push("MODE READER".to_owned());
            Box::new(Reader {
                script,
                think,
                in_text: false,
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

/// The reader's side; the script's next command is its last.
struct Reader {
    script: Vec<String>,
    think: u64,
    in_text: bool,
    lines: Lines,
}

impl Dialogue for Reader {
    fn heard(&mut self, payload: &Payload, talk: &mut Talk<'_, '_>) {
        for reply in self.lines.take(payload) {
            if self.in_text {
                self.in_text = reply != ".";
            } else {
                // Article follows, RFC 3977 section 6.2.1.
                self.in_text = reply.starts_with("220 ");
            }
            if !self.in_text {
                talk.think(self.think);
            }
        }
    }

    fn paused(&mut self, talk: &mut Talk<'_, '_>) {
        match self.script.pop() {
            Some(command) => talk.say(line(&command)),
            None => talk.close(),
        }
    }
}

#[derive(Clone, Debug)]
struct ServicePlan {
    port: u16,
    think: u64,
    article: Size,
    greeting: String,
}

fn read_service(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    Arc::new(ServicePlan {
        port: fields.word("port").unwrap_or(119),
        think: fields.duration("think").unwrap_or(30_000_000),
        article: Size::read(fields, "article", 600..=6_000),
        greeting: fields
            .text("greeting")
            .unwrap_or_else(|| "200 news.example.org ready (posting ok).".into()),
    })
}

impl Blueprint for ServicePlan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let plan = self.clone();
        let filler = Filler::text(&mut cast.draws("filler"));
        let begin = move |_: &mut Draws| -> Box<dyn Dialogue> {
            Box::new(Server {
                reply: Some(plan.greeting.clone()),
                plan: plan.clone(),
                filler: filler.clone(),
                lines: Lines::default(),
                number: 0,
            })
        };
        Box::new(Service::new(cast, Box::new(begin)))
    }

    fn listens_on(&self) -> Vec<u16> {
        vec![self.port]
    }
}

/// The server's side.
struct Server {
    plan: ServicePlan,
    filler: Filler,
    lines: Lines,
    reply: Option<String>,
    number: u32,
}

impl Server {
    fn answer(&mut self, command: &str, draws: &mut Draws) -> String {
        let mut words = command.split(' ');
        match words
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase()
            .as_str()
        {
            "MODE" => self.plan.greeting.clone(),
            "GROUP" => {
                self.number = 1_000 + draws.word32() % 1_000;
                let group = words.next().unwrap_or_default();
                format!("211 {} 1000 {} {group}", self.number - 999, self.number)
            }
            "ARTICLE" if self.number > 0 => {
                self.number += 1;
                format!(
                    "220 {} <{:08x}@news.example.org> article",
                    self.number,
                    draws.word32()
                )
            }
            "ARTICLE" => "412 No newsgroup selected".into(),
            "QUIT" => "205 Goodbye".into(),
            _ => "500 Unknown command".into(),
        }
    }
}

impl Dialogue for Server {
    fn opened(&mut self, talk: &mut Talk<'_, '_>) {
        talk.think(self.plan.think);
    }

    fn heard(&mut self, payload: &Payload, talk: &mut Talk<'_, '_>) {
        if let Some(command) = self.lines.take(payload).pop() {
            self.reply = Some(self.answer(&command, talk.draws));
            talk.think(self.plan.think);
        }
    }

    fn paused(&mut self, talk: &mut Talk<'_, '_>) {
        let Some(reply) = self.reply.take() else {
            return talk.close();
        };
        talk.say(line(&reply));
        if reply.starts_with("220 ") {
            talk.say(line("From: carol@example.org\r\nNewsgroups: comp.protocols.tcp-ip\r\nSubject: Re: windows\r\n"));
            for piece in self
                .filler
                .pieces(self.plan.article.bytes(talk.draws) / 78 * 78)
            {
                talk.say(piece);
            }
            talk.say(line("."));
        }
        if reply.starts_with("205") {
            talk.close();
        } else {
            talk.pause(IDLE);
        }
    }
}
