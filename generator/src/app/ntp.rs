//! Time: NTP version 4 between clients and servers, RFC 5905.
//!
//! Not modelled: symmetric and broadcast modes, authentication, clocks that are wrong.

use std::net::IpAddr;
use std::sync::Arc;

use messages::ntp::{self, PORT};
use wire::Payload;

use crate::activity::{ActivityId, Cause};
use crate::blueprint::{Blueprint, Cast, Kind};
use crate::conversation::arrivals::Arrivals;
use crate::host::program::{Program, System};
use crate::host::socket::{Endpoint, SocketEvent, SocketId};
use crate::reading::fields::Fields;
use crate::seed::Draws;

/// The client.
pub const CLIENT: Kind = Kind {
    name: "ntp",
    read: read_client,
};
/// The server.
pub const SERVICE: Kind = Kind {
    name: "ntp",
    read: read_service,
};

/// How long a client waits for an answer. Assumption: as long as common ones do.
const PATIENCE: u64 = 2_000_000_000;

#[derive(Debug)]
struct ClientPlan {
    arrivals: Arrivals,
}

fn read_client(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    Arc::new(ClientPlan {
        arrivals: Arrivals::read(fields),
    })
}

impl Blueprint for ClientPlan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        Box::new(Asker {
            targets: cast.targets.clone(),
            activity: cast.activity,
            arrivals: self.arrivals.clone(),
            begun: 0,
            gap: cast.draws("gap"),
            choice: cast.draws("choice"),
            nonce: cast.draws("nonce"),
            open: None,
        })
    }
}

/// A client that asks from a new port each time and keeps no other state.
struct Asker {
    targets: Vec<IpAddr>,
    activity: ActivityId,
    arrivals: Arrivals,
    begun: u64,
    gap: Draws,
    choice: Draws,
    nonce: Draws,
    open: Option<SocketId>,
}

/// Token of the timer that begins a question; that which ends the wait for an answer carries the question's number.
const ARRIVAL: u64 = 0;

impl Asker {
    fn wait_for_next(&mut self, sys: &mut System<'_>) {
        if let Some(gap) = self.arrivals.gap(self.begun, &mut self.gap) {
            sys.timer(gap, ARRIVAL);
        }
    }

    fn hang_up(&mut self, sys: &mut System<'_>) {
        if let Some(socket) = self.open.take() {
            sys.close_udp(socket);
        }
    }
}

impl Program for Asker {
    fn start(&mut self, sys: &mut System<'_>) {
        self.wait_for_next(sys);
    }

    fn timer(&mut self, token: u64, sys: &mut System<'_>) {
        if token != ARRIVAL {
            if token == self.begun {
                self.hang_up(sys);
            }
            return;
        }
        self.hang_up(sys);
        self.begun += 1;
        if let Some(address) = self.choice.pick(&self.targets).copied() {
            let socket = sys.open_udp(None);
            let server = Endpoint {
                address,
                port: PORT,
            };
            let question = Payload::new(ntp::question(self.nonce.word()));
            let cause = Cause::stimulus(sys.occasion(self.activity));
            sys.send_to(socket, server, question, cause);
            sys.timer(PATIENCE, self.begun);
            self.open = Some(socket);
        }
        self.wait_for_next(sys);
    }

    fn socket(&mut self, socket: SocketId, event: SocketEvent, sys: &mut System<'_>) {
        if matches!(event, SocketEvent::Datagram(..)) && self.open == Some(socket) {
            self.hang_up(sys);
        }
    }
}

#[derive(Debug)]
struct ServicePlan;

fn read_service(_: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    Arc::new(ServicePlan)
}

impl Blueprint for ServicePlan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let mut draws = cast.draws("upstream");
        let [_, _, a, b] = draws.word32().to_be_bytes();
        Box::new(Server {
            upstream: [203, 0, a, b],
            set: draws.range(1_000_000_000..=900_000_000_000),
        })
    }
}

struct Server {
    /// Address of the server from which it has its time.
    upstream: [u8; 4],
    /// How long ago it set its clock, in nanoseconds.
    set: u64,
}

impl Program for Server {
    fn start(&mut self, sys: &mut System<'_>) {
        sys.open_udp(Some(PORT));
    }

    fn socket(&mut self, socket: SocketId, event: SocketEvent, sys: &mut System<'_>) {
        let SocketEvent::Datagram(peer, payload, cause) = event else {
            return;
        };
        let now = sys.now.as_nanos();
        let set = now.saturating_sub(self.set);
        if let Some(answer) = ntp::answer(&payload.to_vec(), now, set, self.upstream) {
            sys.send_to(socket, peer, Payload::new(answer), cause.answered());
        }
    }
}
