//! Conversations over TCP connections, and the programs that carry them.
//!
//! A [`Dialogue`] is one side of one conversation. [`Client`](super::client::Client) begins conversations in a rhythm; [`Service`] takes part in
//! those that others begin. Both hand events on and know nothing of any protocol.

use std::collections::BTreeMap;
use std::net::IpAddr;

use wire::Payload;

use crate::activity::ActivityId;
use crate::host::program::{Program, System};
use crate::host::socket::{Endpoint, SocketEvent, SocketId};
use crate::seed::Draws;
use crate::table::Table;

/// One side of a conversation. It speaks through [`Talk`].
pub trait Dialogue: Send {
    /// The connection is open.
    fn opened(&mut self, _talk: &mut Talk<'_, '_>) {}

    /// Bytes arrived.
    fn heard(&mut self, _payload: &Payload, _talk: &mut Talk<'_, '_>) {}

    /// The pause asked for is over.
    fn paused(&mut self, _talk: &mut Talk<'_, '_>) {}

    /// The peer has closed its side; by default we close ours.
    fn peer_closed(&mut self, talk: &mut Talk<'_, '_>) {
        talk.close();
    }

    /// A second connection, opened with [`Talk::call`], has come to something.
    fn called(&mut self, _socket: SocketId, _event: &SocketEvent, _talk: &mut Talk<'_, '_>) {}

    /// The connection was refused or reset, or the peer does not answer; nothing follows.
    fn failed(&mut self, _talk: &mut Talk<'_, '_>) {}
}

/// What a dialogue can do.
#[derive(Debug)]
pub struct Talk<'s, 'a> {
    /// The host.
    pub sys: &'s mut System<'a>,
    /// The peer's address and port.
    pub peer: Endpoint,
    /// The activity of the conversation.
    pub activity: ActivityId,
    socket: SocketId,
    session: u64,
    pauses: &'s mut u64,
    think: &'s mut Draws,
    called: &'s mut Vec<SocketId>,
    called_on: &'s mut BTreeMap<IpAddr, SocketId>,
    /// For choices of the dialogue.
    pub draws: &'s mut Draws,
}

/// Bits of a timer token that number the pauses of a session.
const PAUSE_BITS: u32 = 24;

impl Talk<'_, '_> {
    /// Sends bytes.
    pub fn say(&mut self, payload: Payload) {
        self.sys.send(self.socket, payload);
    }

    /// Sends bytes some of which are drawn.
    pub fn say_drawn(&mut self, make: impl FnOnce(&mut Draws) -> Vec<u8>) {
        let bytes = make(self.draws);
        self.say(Payload::new(bytes));
    }

    /// Sends bytes of which the last is urgent.
    pub fn say_urgently(&mut self, payload: Payload) {
        self.sys.send_urgent(self.socket, payload);
    }

    /// Number of the conversation within its program, from 1.
    pub fn session(&self) -> u64 {
        self.session
    }

    /// Closes in order.
    pub fn close(&mut self) {
        self.sys.close(self.socket);
    }

    /// Resets.
    pub fn abort(&mut self) {
        self.sys.abort(self.socket);
    }

    /// Sets the type of service of what is said from now on.
    pub fn set_tos(&mut self, tos: u8) {
        self.sys.set_tos(self.socket, tos);
    }

    /// Pauses for about `mean` nanoseconds, exponentially distributed; a pause asked for before is forgotten.
    pub fn think(&mut self, mean: u64) {
        let pause = self.think.exponential(mean);
        self.pause(pause);
    }

    /// Pauses for exactly so many nanoseconds; a pause asked for before is forgotten.
    pub fn pause(&mut self, nanos: u64) {
        *self.pauses = (*self.pauses + 1) & ((1 << PAUSE_BITS) - 1);
        self.sys
            .timer(nanos, (self.session << PAUSE_BITS) | *self.pauses);
    }

    /// Forgets the pause asked for.
    pub fn stop_pausing(&mut self) {
        *self.pauses = (*self.pauses + 1) & ((1 << PAUSE_BITS) - 1);
    }

    /// Opens a second connection, as a callback of this conversation's activity.
    pub fn call(&mut self, port: u16) -> SocketId {
        self.call_from(None, port)
    }

    /// Lets the peer open a second connection, and returns the port on which it is awaited.
    pub fn listen(&mut self) -> u16 {
        self.called_on.insert(self.peer.address, self.socket);
        self.sys.listen()
    }

    /// Opens a second connection, from a port of our own where the protocol has one for it: that is a part of the
    /// conversation, as the data of FTP are; any other asks back, for which the activity has a class of its own.
    pub fn call_from(&mut self, own: Option<u16>, port: u16) -> SocketId {
        let activity = match own {
            Some(_) => self.activity,
            None => self.sys.callback_of(self.activity),
        };
        let socket = self.sys.connect_from(
            own,
            Endpoint {
                address: self.peer.address,
                port,
            },
            activity,
        );
        self.called.push(socket);
        socket
    }

    /// Sends bytes on a second connection.
    pub fn say_on(&mut self, socket: SocketId, payload: Payload) {
        self.sys.send(socket, payload);
    }

    /// Closes a second connection.
    pub fn close_on(&mut self, socket: SocketId) {
        self.sys.close(socket);
    }
}

/// The conversations of a program.
pub struct Sessions {
    open: Table<SocketId, Session>,
    seconds: Table<SocketId, SocketId>,
    sockets: Table<u64, SocketId>,
    /// Conversations whose peers may open a second connection.
    awaited: BTreeMap<IpAddr, SocketId>,
    number: u64,
    think: Draws,
    draws: Draws,
}

struct Session {
    dialogue: Box<dyn Dialogue>,
    peer: Endpoint,
    activity: ActivityId,
    number: u64,
    pauses: u64,
}

impl Sessions {
    /// None so far; pauses and choices are drawn from these.
    pub fn new(think: Draws, draws: Draws) -> Self {
        Sessions {
            open: Table::default(),
            seconds: Table::default(),
            sockets: Table::default(),
            awaited: BTreeMap::new(),
            number: 0,
            think,
            draws,
        }
    }

    /// The draws for choices of its dialogues.
    pub fn draws(&mut self) -> &mut Draws {
        &mut self.draws
    }

    /// Adds a conversation on a socket.
    pub fn add(
        &mut self,
        socket: SocketId,
        peer: Endpoint,
        activity: ActivityId,
        dialogue: Box<dyn Dialogue>,
    ) {
        self.number += 1;
        self.sockets.insert(self.number, socket);
        let session = Session {
            dialogue,
            peer,
            activity,
            number: self.number,
            pauses: 0,
        };
        self.open.insert(socket, session);
    }

    fn with(
        &mut self,
        socket: SocketId,
        sys: &mut System<'_>,
        act: impl FnOnce(&mut dyn Dialogue, &mut Talk<'_, '_>),
    ) {
        let Some(session) = self.open.get_mut(&socket) else {
            return;
        };
        let mut called = Vec::new();
        let mut talk = Talk {
            sys,
            peer: session.peer,
            activity: session.activity,
            socket,
            session: session.number,
            pauses: &mut session.pauses,
            think: &mut self.think,
            called: &mut called,
            called_on: &mut self.awaited,
            draws: &mut self.draws,
        };
        act(session.dialogue.as_mut(), &mut talk);
        for second in called {
            self.seconds.insert(second, socket);
        }
    }

    /// Takes a connection that a conversation awaits from its peer; false when none does.
    pub fn accept(&mut self, socket: SocketId, peer: Endpoint) -> bool {
        let awaited = self.awaited.remove(&peer.address);
        if let Some(first) = awaited {
            self.seconds.insert(socket, first);
        }
        awaited.is_some()
    }

    /// Hands an event to its conversation, and forgets a conversation that is over.
    pub fn event(&mut self, socket: SocketId, event: &SocketEvent, sys: &mut System<'_>) {
        if let Some(first) = self.seconds.get(&socket).copied() {
            if !matches!(event, SocketEvent::Closed) {
                self.with(first, sys, |dialogue, talk| {
                    dialogue.called(socket, event, talk)
                });
            }
            if is_last(event) {
                self.seconds.remove(&socket);
            }
            return;
        }
        match event {
            SocketEvent::Connected | SocketEvent::Accepted(..) => {
                self.with(socket, sys, |dialogue, talk| dialogue.opened(talk));
            }
            SocketEvent::Data(payload) => {
                self.with(socket, sys, |dialogue, talk| dialogue.heard(payload, talk))
            }
            SocketEvent::PeerClosed => {
                self.with(socket, sys, |dialogue, talk| dialogue.peer_closed(talk))
            }
            SocketEvent::Refused
            | SocketEvent::Reset
            | SocketEvent::TimedOut
            | SocketEvent::Unreachable(..) => {
                self.with(socket, sys, |dialogue, talk| dialogue.failed(talk));
            }
            SocketEvent::Closed | SocketEvent::Datagram(..) => {}
        }
        if is_last(event)
            && let Some(session) = self.open.remove(&socket)
        {
            self.sockets.remove(&session.number);
        }
    }

    /// The pause of a session is over. Tokens of sessions lie from 2^24 up to 2^62.
    pub fn timer(&mut self, token: u64, sys: &mut System<'_>) {
        let Some(socket) = self.sockets.get(&(token >> PAUSE_BITS)).copied() else {
            return;
        };
        let current = self
            .open
            .get(&socket)
            .is_some_and(|s| s.pauses == token & ((1 << PAUSE_BITS) - 1));
        if current {
            self.with(socket, sys, |dialogue, talk| dialogue.paused(talk));
        }
    }
}

/// Whether nothing follows this event on its socket that a dialogue would want to know.
fn is_last(event: &SocketEvent) -> bool {
    matches!(
        event,
        SocketEvent::Refused
            | SocketEvent::Reset
            | SocketEvent::TimedOut
            | SocketEvent::Unreachable(..)
            | SocketEvent::Closed
    )
}

/// Begins the dialogue of a session.
pub type Begin = Box<dyn Fn(&mut Draws) -> Box<dyn Dialogue> + Send>;

/// A program that answers those who connect.
pub struct Service {
    begin: Begin,
    sessions: Sessions,
}

impl Service {
    /// A service with the draws of its cast.
    pub fn new(cast: &crate::blueprint::Cast<'_>, begin: Begin) -> Self {
        Service {
            begin,
            sessions: Sessions::new(cast.draws("think"), cast.draws("content")),
        }
    }
}

impl Program for Service {
    fn start(&mut self, _: &mut System<'_>) {}

    fn timer(&mut self, token: u64, sys: &mut System<'_>) {
        self.sessions.timer(token, sys);
    }

    fn socket(&mut self, socket: SocketId, event: SocketEvent, sys: &mut System<'_>) {
        if let SocketEvent::Accepted(peer, activity) = &event
            && !self.sessions.accept(socket, *peer)
        {
            let dialogue = (self.begin)(&mut self.sessions.draws);
            self.sessions.add(socket, *peer, *activity, dialogue);
        }
        self.sessions.event(socket, &event, sys);
    }
}
