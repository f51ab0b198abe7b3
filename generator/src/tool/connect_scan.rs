//! A scanner that completes handshakes through its own stack, as nmap -sT and every early scanner do.
//!
//! Source: "Interpreting Network Traffic", the connect scan. Not modelled: reading banners.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::order::{Order, Probe};
use crate::activity::ActivityId;
use crate::blueprint::{Blueprint, Cast, Kind};
use crate::host::program::{Program, System};
use crate::host::socket::{Endpoint, SocketEvent, SocketId};
use crate::reading::fields::Fields;
use crate::seed::Draws;

/// The kind.
pub const KIND: Kind = Kind {
    name: "connect-scan",
    read,
};

/// How an open port is left.
#[derive(Clone, Copy, Debug)]
enum Leave {
    Close,
    Abort,
    Hold,
}

#[derive(Debug)]
struct Plan {
    order: Order,
    leave: Leave,
}

fn read(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    let choices = [
        ("close", Leave::Close),
        ("abort", Leave::Abort),
        ("hold", Leave::Hold),
    ];
    Arc::new(Plan {
        order: Order::read(fields),
        leave: fields.choice("leave", &choices).unwrap_or(Leave::Close),
    })
}

impl Blueprint for Plan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let mut probes = self.order.probes(cast);
        probes.reverse();
        Box::new(Scan {
            order: self.order.clone(),
            leave: self.leave,
            probes,
            gap: cast.draws("gap"),
            activity: cast.activity,
            open: BTreeSet::new(),
        })
    }
}

struct Scan {
    order: Order,
    leave: Leave,
    /// Probes to come, the next one last.
    probes: Vec<Probe>,
    gap: Draws,
    activity: ActivityId,
    open: BTreeSet<SocketId>,
}

impl Program for Scan {
    fn start(&mut self, sys: &mut System<'_>) {
        self.timer(0, sys);
    }

    fn timer(&mut self, _: u64, sys: &mut System<'_>) {
        let Some(probe) = self.probes.pop() else {
            return;
        };
        let socket = sys.connect(
            Endpoint {
                address: probe.target,
                port: probe.port,
            },
            self.activity,
        );
        self.open.insert(socket);
        sys.timer(self.order.gap(&mut self.gap), 0);
    }

    fn socket(&mut self, socket: SocketId, event: SocketEvent, sys: &mut System<'_>) {
        match event {
            SocketEvent::Connected => match self.leave {
                Leave::Close => sys.close(socket),
                Leave::Abort => sys.abort(socket),
                Leave::Hold => {}
            },
            SocketEvent::PeerClosed => sys.close(socket),
            SocketEvent::Data(_) => {}
            _ => {
                self.open.remove(&socket);
            }
        }
    }
}
