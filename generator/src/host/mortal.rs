//! A service that dies and comes back: meanwhile its ports refuse, and the connections that it had are reset.
//!
//! Not modelled: what it was about to say when it died, which is never said; ports of datagrams stay silent.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use ipnet::IpNet;
use wire::Packet;

use super::program::{Program, System};
use super::socket::{SocketEvent, SocketId};
use crate::blueprint::{Blueprint, Cast};

/// Tokens of its own timers; no program numbers its timers so high.
const DIES: u64 = u64::MAX;
const RETURNS: u64 = u64::MAX - 1;

/// A service that dies once.
#[derive(Debug)]
pub struct Mortal {
    /// The service.
    pub service: Arc<dyn Blueprint>,
    /// When it dies, in nanoseconds after the scenario's start.
    pub dies: RangeInclusive<u64>,
    /// How long it is gone, in nanoseconds.
    pub gone: RangeInclusive<u64>,
}

impl Blueprint for Mortal {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let mut draws = cast.draws("death");
        let dies = draws.range(self.dies.clone());
        Box::new(Life {
            program: self.service.build(cast),
            ports: self.service.listens_on(),
            buffer: self.service.buffer(),
            dies,
            returns: dies + draws.range(self.gone.clone()),
            dead: false,
        })
    }

    fn forged(&self) -> Vec<IpNet> {
        self.service.forged()
    }

    fn buffer(&self) -> Option<u32> {
        self.service.buffer()
    }

    fn listens_on(&self) -> Vec<u16> {
        self.service.listens_on()
    }
}

struct Life {
    program: Box<dyn Program>,
    ports: Vec<u16>,
    buffer: Option<u32>,
    dies: u64,
    returns: u64,
    dead: bool,
}

impl Program for Life {
    fn start(&mut self, sys: &mut System<'_>) {
        sys.timer(self.dies, DIES);
        sys.timer(self.returns, RETURNS);
        self.program.start(sys);
    }

    fn timer(&mut self, token: u64, sys: &mut System<'_>) {
        match token {
            DIES => {
                self.dead = true;
                sys.stop_listening(&self.ports);
            }
            RETURNS => {
                self.dead = false;
                sys.listen_on(&self.ports, self.buffer);
            }
            _ if self.dead => {}
            token => self.program.timer(token, sys),
        }
    }

    fn socket(&mut self, socket: SocketId, event: SocketEvent, sys: &mut System<'_>) {
        // Even the dead are told that a connection is over, so that nothing is kept of it.
        if !self.dead || matches!(event, SocketEvent::Closed) {
            self.program.socket(socket, event, sys);
        }
    }

    fn wants_packets(&self) -> bool {
        !self.dead && self.program.wants_packets()
    }

    fn packet(&mut self, packet: &Packet, sys: &mut System<'_>) {
        self.program.packet(packet, sys);
    }

    fn neighbour(&mut self, address: IpAddr, sys: &mut System<'_>) {
        self.program.neighbour(address, sys);
    }
}
