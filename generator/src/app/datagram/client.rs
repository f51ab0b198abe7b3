//! Who asks, or only speaks up, in a rhythm.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use wire::Payload;

use crate::activity::{ActivityId, Cause};
use crate::blueprint::{Blueprint, Cast};
use crate::content::payload::PayloadPlan;
use crate::conversation::arrivals::Arrivals;
use crate::conversation::retry::RetryPlan;
use crate::host::program::{Program, System};
use crate::host::socket::{Endpoint, SocketEvent, SocketId};
use crate::reading::Fields;
use crate::seed::Draws;

#[derive(Debug)]
struct Plan {
    port: u16,
    source_port: Option<u16>,
    arrivals: Arrivals,
    retry: RetryPlan,
    payload: PayloadPlan,
    to_all: bool,
}

/// Reads the client's parameters.
pub fn read(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    let port = fields.word("port");
    if port.is_none() {
        let origin = fields.origin().clone();
        fields.mistake(&origin, "datagrams need a 'port' to which they go");
    }
    Arc::new(Plan {
        port: port.unwrap_or(0),
        source_port: fields.word("source_port"),
        arrivals: Arrivals::read(fields),
        retry: RetryPlan::read(fields),
        payload: PayloadPlan::read(fields),
        to_all: fields.flag("to_all"),
    })
}

impl Blueprint for Plan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        Box::new(Speaker {
            targets: cast.targets.clone(),
            activity: cast.activity,
            port: self.port,
            source_port: self.source_port,
            arrivals: self.arrivals.clone(),
            retry: self.retry.clone(),
            payload: self.payload.clone(),
            to_all: self.to_all,
            begun: 0,
            gap: cast.draws("gap"),
            choice: cast.draws("choice"),
            content: cast.draws("payload"),
            wait: cast.draws("retry"),
            fixed: None,
            open: BTreeMap::new(),
        })
    }
}

/// Something said that waits for an answer.
struct Said {
    activity: ActivityId,
    socket: SocketId,
    peers: Vec<IpAddr>,
    bytes: Payload,
    sent: u64,
}

struct Speaker {
    targets: Vec<IpAddr>,
    activity: ActivityId,
    port: u16,
    source_port: Option<u16>,
    arrivals: Arrivals,
    retry: RetryPlan,
    payload: PayloadPlan,
    /// Whether each time all targets are spoken to, not one of them.
    to_all: bool,
    begun: u64,
    gap: Draws,
    choice: Draws,
    content: Draws,
    wait: Draws,
    fixed: Option<SocketId>,
    open: BTreeMap<u64, Said>,
}

/// Token of the timer that begins; others carry the number of what waits.
const ARRIVAL: u64 = 0;

impl Speaker {
    fn wait_for_next(&mut self, sys: &mut System<'_>) {
        if let Some(gap) = self.arrivals.gap(self.begun, &mut self.gap) {
            sys.timer(gap, ARRIVAL);
        }
    }

    fn say(&mut self, number: u64, sys: &mut System<'_>) {
        let Some(said) = self.open.get_mut(&number) else {
            return;
        };
        if said.sent >= self.retry.tries {
            return self.end(number, sys);
        }
        said.sent += 1;
        for address in &said.peers {
            let peer = Endpoint {
                address: *address,
                port: self.port,
            };
            let cause = Cause::stimulus(said.activity);
            sys.send_to(said.socket, peer, said.bytes.clone(), cause);
        }
        sys.timer(self.retry.wait(said.sent, &mut self.wait), number);
    }

    fn end(&mut self, number: u64, sys: &mut System<'_>) {
        if let Some(said) = self.open.remove(&number)
            && Some(said.socket) != self.fixed
        {
            sys.close_udp(said.socket);
        }
    }
}

impl Program for Speaker {
    fn start(&mut self, sys: &mut System<'_>) {
        self.wait_for_next(sys);
    }

    fn timer(&mut self, token: u64, sys: &mut System<'_>) {
        if token != ARRIVAL {
            return self.say(token, sys);
        }
        self.begun += 1;
        let socket = match self.source_port {
            Some(port) => *self.fixed.get_or_insert_with(|| sys.open_udp(Some(port))),
            None => sys.open_udp(None),
        };
        let peers = if self.to_all {
            self.targets.clone()
        } else {
            self.choice
                .pick(&self.targets)
                .copied()
                .into_iter()
                .collect()
        };
        let said = Said {
            activity: sys.occasion(self.activity),
            socket,
            peers,
            bytes: self.payload.next(&mut self.content, sys.now),
            sent: 0,
        };
        self.open.insert(self.begun, said);
        self.say(self.begun, sys);
        self.wait_for_next(sys);
    }

    fn socket(&mut self, socket: SocketId, event: SocketEvent, sys: &mut System<'_>) {
        let peer = match &event {
            SocketEvent::Datagram(peer, ..) | SocketEvent::Unreachable(_, peer, _) => *peer,
            _ => return,
        };
        // An answer to a broadcast comes from whoever heard it.
        let mut open = self.open.iter().rev();
        let found = open.find(|(_, said)| {
            said.socket == socket && (said.peers.contains(&peer.address) || said.peers.len() > 1)
        });
        if let Some(number) = found.map(|(number, _)| *number)
            && !self.to_all
        {
            self.end(number, sys);
        }
    }
}
