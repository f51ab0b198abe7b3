//! Probes that wait for an answer, and what became of those that do not wait any more.

use std::collections::BTreeMap;
use std::net::IpAddr;

use wire::Payload;

use super::answer::Key;
use super::stage::Found;
use super::values::Values;
use crate::host::socket::SocketId;
use crate::table::Table;

/// A probe that waits for its answer.
#[derive(Debug)]
pub struct Call {
    /// The job it belongs to.
    pub job: u64,
    /// Number of the target among the tool's.
    pub host: usize,
    /// The target's port; 0 where there is none.
    pub port: u16,
    /// Which probe of the stage.
    pub probe: usize,
    /// How often it was sent.
    pub sent: u64,
    /// Whether an answer was there, so that only its end is missing.
    pub settled: bool,
    /// The values it was sent with, where it was made by hand.
    pub values: Option<Box<Values>>,
    /// The datagram that it asked with.
    pub datagram: Option<Payload>,
    /// By what an answer names it.
    pub key: Option<Key>,
    /// Its socket.
    pub socket: Option<SocketId>,
}

/// All probes that wait, by number, by key and by socket.
#[derive(Debug, Default)]
pub struct Calls {
    all: Table<u64, Call>,
    by_key: Table<Key, u64>,
    by_socket: Table<SocketId, u64>,
    number: u64,
}

impl Calls {
    /// Adds one, and returns its number.
    pub fn add(&mut self, call: Call) -> u64 {
        self.number += 1;
        if let Some(key) = call.key {
            self.by_key.insert(key, self.number);
        }
        if let Some(socket) = call.socket {
            self.by_socket.insert(socket, self.number);
        }
        self.all.insert(self.number, call);
        self.number
    }

    /// The call of that number.
    pub fn get(&mut self, number: u64) -> Option<&mut Call> {
        self.all.get_mut(&number)
    }

    /// The call that an answer names.
    pub fn named(&self, key: &Key) -> Option<u64> {
        self.by_key.get(key).copied()
    }

    /// The call of a socket.
    pub fn on(&self, socket: SocketId) -> Option<u64> {
        self.by_socket.get(&socket).copied()
    }

    /// Gives a call another key and another socket, as when it is sent again.
    pub fn rename(&mut self, number: u64, key: Option<Key>, socket: Option<SocketId>) {
        let Some(call) = self.all.get_mut(&number) else {
            return;
        };
        if let Some(old) = call.key.take() {
            self.by_key.remove(&old);
        }
        if let Some(old) = call.socket.take() {
            self.by_socket.remove(&old);
        }
        (call.key, call.socket) = (key, socket);
        if let Some(key) = key {
            self.by_key.insert(key, number);
        }
        if let Some(socket) = socket {
            self.by_socket.insert(socket, number);
        }
    }

    /// Takes a call out.
    pub fn close(&mut self, number: u64) -> Option<Call> {
        self.rename(number, None, None);
        self.all.remove(&number)
    }
}

/// What a stage has found, by target.
#[derive(Debug, Default)]
pub struct Results(BTreeMap<usize, Ports>);

/// The ports of a target: in the order in which they were found, and where each stands in it.
#[derive(Debug, Default)]
struct Ports {
    found: Vec<(u16, Found)>,
    places: BTreeMap<u16, usize>,
}

impl Results {
    /// Notes what became of a probe; the best that was heard of a port stays.
    pub fn note(&mut self, host: usize, port: u16, found: Found) {
        let ports = self.0.entry(host).or_default();
        let next = ports.found.len();
        let place = *ports.places.entry(port).or_insert(next);
        match ports.found.get_mut(place) {
            Some((_, known)) => *known = (*known).min(found),
            None => ports.found.push((port, found)),
        }
    }

    fn of(&self, host: usize) -> &[(u16, Found)] {
        self.0
            .get(&host)
            .map_or(&[], |ports| ports.found.as_slice())
    }

    /// Whether a target has a port of that kind; silence is the kind of those of whom nothing else was heard.
    pub fn has(&self, host: usize, wanted: Found) -> bool {
        let ports = self.of(host);
        if wanted == Found::Silent {
            return ports.iter().all(|(_, found)| *found == Found::Silent);
        }
        ports.iter().any(|(_, found)| wanted.includes(*found))
    }

    /// The ports of a target that are of that kind, in the order in which they were found.
    pub fn ports(&self, host: usize, wanted: Found) -> impl Iterator<Item = u16> {
        let ports = self.of(host).iter();
        ports
            .filter(move |(_, found)| wanted.includes(*found))
            .map(|(port, _)| *port)
    }
}

/// The key of a probe with these values.
pub fn key(protocol: u8, target: IpAddr, values: &Values) -> Key {
    use super::values::Name;
    let (ours, theirs) = match protocol {
        6 | 17 => (values.word(Name::SOURCE_PORT), values.word(Name::PORT)),
        1 => (values.word(Name::ICMP_ID), values.word(Name::ICMP_SEQUENCE)),
        _ => (0, 0),
    };
    Key {
        target,
        protocol,
        ours,
        theirs,
    }
}

/// The key of a look-up of a neighbour.
pub(super) fn neighbour(target: IpAddr) -> Key {
    Key {
        target,
        protocol: 0,
        ours: 0,
        theirs: 0,
    }
}
