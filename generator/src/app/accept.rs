//! A port that accepts connections and says nothing, or one line, as any service looks to a scanner; and one that
//! accepts only to reset.
//!
//! Source: "Interpreting Network Traffic", the news server that resets its readers.

use std::sync::Arc;

use crate::blueprint::{Blueprint, Cast, Kind};
use crate::conversation::dialogue::{Dialogue, Service, Talk};
use crate::conversation::lines::line;
use crate::host::program::Program;
use crate::reading::fields::Fields;
use crate::seed::Draws;

/// The service.
pub const SERVICE: Kind = Kind {
    name: "accept",
    read,
};
/// The service that resets.
pub const REFUSING_SERVICE: Kind = Kind {
    name: "accept-and-reset",
    read: read_refusing,
};

#[derive(Clone, Debug)]
struct Plan {
    ports: Vec<u16>,
    banner: Option<String>,
    reset: bool,
    think: u64,
    /// The receive buffer that it asks for, in bytes.
    buffer: Option<u32>,
}

/// A service on these ports that says nothing.
pub fn on(ports: Vec<u16>) -> Arc<dyn Blueprint> {
    Arc::new(Plan {
        ports,
        banner: None,
        reset: false,
        think: 0,
        buffer: None,
    })
}

fn read(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    let think = fields.duration("think").unwrap_or(1_000_000);
    Arc::new(Plan {
        ports: ports(fields),
        banner: fields.text("banner"),
        reset: false,
        think,
        buffer: buffer(fields),
    })
}

fn read_refusing(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    let think = fields.duration("think").unwrap_or(1_000_000);
    Arc::new(Plan {
        ports: ports(fields),
        banner: None,
        reset: true,
        think,
        buffer: None,
    })
}

fn buffer(fields: &mut Fields<'_, '_>) -> Option<u32> {
    let bytes = fields.number("buffer", 0..=0x3fff_ffff)?;
    u32::try_from(bytes).ok()
}

fn ports(fields: &mut Fields<'_, '_>) -> Vec<u16> {
    let ports = fields.ports("port");
    if ports.is_empty() {
        let origin = fields.origin().clone();
        fields.mistake(&origin, "the service needs its 'port'");
    }
    ports
}

impl Blueprint for Plan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let plan = self.clone();
        Box::new(Service::new(
            cast,
            Box::new(move |_: &mut Draws| -> Box<dyn Dialogue> { Box::new(Doorman(plan.clone())) }),
        ))
    }

    fn buffer(&self) -> Option<u32> {
        self.buffer
    }

    fn listens_on(&self) -> Vec<u16> {
        self.ports.clone()
    }
}

struct Doorman(Plan);

impl Dialogue for Doorman {
    fn opened(&mut self, talk: &mut Talk<'_, '_>) {
        if self.0.reset || self.0.banner.is_some() {
            talk.think(self.0.think);
        }
    }

    fn paused(&mut self, talk: &mut Talk<'_, '_>) {
        if self.0.reset {
            talk.abort();
        } else if let Some(banner) = &self.0.banner {
            talk.say(line(banner));
        }
    }
}
