//! The packet filter at a site's border: stateless, as the documents' sites had them.

use std::collections::BTreeSet;

use wire::{Flags, Packet, Segment};

/// What a border does with packets that come in.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Whether TCP segments without ACK or RST are stopped: the "established" rule of a stateless filter.
    pub established_only: bool,
    /// Ports to which nothing is let in.
    pub denied: BTreeSet<u16>,
    /// Ports to which everything is let in, whatever the rules above say.
    pub allowed: BTreeSet<u16>,
    /// Whether echo requests are stopped.
    pub no_ping: bool,
    /// Whether the sender is told, RFC 1812 section 5.2.7.1.
    pub answers: bool,
}

impl Filter {
    /// Whether a packet may come in.
    pub fn admits(&self, packet: &Packet) -> bool {
        if let Segment::Icmp(message) = &packet.segment
            && self.no_ping
            && matches!(message.icmp_type, wire::icmp::ECHO_REQUEST | 128)
        {
            return false;
        }
        let Some((_, port)) = packet.ports() else {
            return true;
        };
        if self.allowed.contains(&port) {
            return true;
        }
        if self.denied.contains(&port) {
            return false;
        }
        match &packet.segment {
            Segment::Tcp(tcp) => {
                !self.established_only || tcp.flags.intersects(Flags::ACK | Flags::RST)
            }
            _ => true,
        }
    }
}
