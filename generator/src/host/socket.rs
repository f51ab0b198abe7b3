//! What programs and sockets say to each other: names, ends and events.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use wire::{Packet, Payload, Timestamp};

use super::trouble::Trouble;
use crate::activity::{ActivityId, Cause};

/// Number of a program within its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProgramId(pub usize);

/// Number of a socket within its host; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u32);

/// An address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// The address.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
}

impl Hash for Endpoint {
    /// In as few words as it fits: the connection of every segment is looked up by it.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let port = u64::from(self.port);
        match self.address {
            IpAddr::V4(address) => state.write_u64(u64::from(address.to_bits()) << 16 | port),
            IpAddr::V6(address) => {
                state.write_u128(address.to_bits());
                state.write_u64(port);
            }
        }
    }
}

/// What happened on a socket.
#[derive(Clone, Debug)]
pub enum SocketEvent {
    /// A connection asked for is established.
    Connected,
    /// A connection from that peer was accepted; the activity is the peer's.
    Accepted(Endpoint, ActivityId),
    /// Bytes arrived on a connection, in order.
    Data(Payload),
    /// A datagram arrived.
    Datagram(Endpoint, Payload, Cause),
    /// The peer has closed its side.
    PeerClosed,
    /// The peer refused the connection.
    Refused,
    /// The peer reset the connection.
    Reset,
    /// The peer did not answer.
    TimedOut,
    /// Something went wrong with what was sent there: who says so, about which peer, and what.
    Unreachable(IpAddr, Endpoint, Trouble),
    /// The connection is over, however it ended: nothing follows on this socket.
    Closed,
}

/// Packets on their way out: when each leaves, and why.
///
/// The packets stand by themselves, so that each, which is large, is moved to its place at once.
#[derive(Debug, Default)]
pub struct Outbox {
    packets: Vec<Packet>,
    leave: Vec<(Timestamp, Cause)>,
    occasions: u32,
}

impl Outbox {
    /// Puts in a packet that leaves at that time.
    #[inline]
    pub fn push(&mut self, at: Timestamp, packet: Packet, cause: Cause) {
        self.packets.push(packet);
        self.leave.push((at, cause));
    }

    /// The packet that was put in last.
    pub fn last_mut(&mut self) -> Option<&mut Packet> {
        self.packets.last_mut()
    }

    /// The number of the next occasion of some activity, from 1: it counts those of the whole world, through which it goes.
    pub fn next_occasion(&mut self) -> u32 {
        self.occasions = self.occasions.saturating_add(1);
        self.occasions
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// All, in the order in which they came: who takes one leaves another in its place.
    #[inline]
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Timestamp, Cause, &mut Packet)> {
        let packets = self.packets.iter_mut().zip(&self.leave);
        packets.map(|(packet, (at, cause))| (*at, *cause, packet))
    }

    /// Throws away what is left.
    #[inline]
    pub fn clear(&mut self) {
        self.packets.clear();
        self.leave.clear();
    }
}
