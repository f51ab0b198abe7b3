//! The way out of a connection: its stack, its clock, packets and events.

use wire::{Flags, Packet, Payload, Segment, Tcp, Timestamp};

use super::connection::Connection;
use crate::activity::Cause;
use crate::host::ip::{IpLayer, Purpose};
use crate::host::socket::{Endpoint, Outbox, ProgramId, SocketEvent, SocketId};
use crate::host::stack::Stack;
use crate::seed::{Draws, low32};

/// Events for programs, in the order in which they happened.
pub type Events = Vec<(ProgramId, SocketId, SocketEvent)>;

/// What chance decides about a host's SYN-ACKs.
#[derive(Debug)]
pub struct Handshake {
    pub(super) mss: Draws,
    pub(super) rto: Draws,
    pub(super) timestamp: Draws,
}

/// What a connection needs to send and to tell.
#[derive(Debug)]
pub struct Egress<'a> {
    /// Now.
    pub now: Timestamp,
    /// The personality.
    pub stack: &'a Stack,
    pub(super) ip: &'a mut IpLayer,
    pub(super) out: &'a mut Outbox,
    pub(super) events: &'a mut Events,
    pub(super) delayed_ack: &'a mut Draws,
    pub(super) handshake: &'a mut Handshake,
    pub(super) boot: Timestamp,
}

impl Egress<'_> {
    /// Sends a segment of a connection.
    pub fn send(&mut self, connection: &Connection, tcp: Tcp, payload: Payload, purpose: Purpose) {
        let (local, remote) = (connection.local, connection.remote);
        let tos = connection.tos();
        let df = connection.dont_fragment(&tcp, payload.is_empty(), &self.stack.tcp);
        self.emit(local, remote, tcp, payload, purpose, tos, connection.cause);
        if let (Some(df), Some(packet)) = (df, self.out.last_mut())
            && let wire::Ip::V4(ip) = &mut packet.ip
        {
            ip.flags = if df { wire::ipv4::DONT_FRAGMENT } else { 0 };
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one call for every way a segment can leave"
    )]
    fn emit(
        &mut self,
        local: Endpoint,
        remote: Endpoint,
        tcp: Tcp,
        payload: Payload,
        purpose: Purpose,
        tos: u8,
        cause: Cause,
    ) {
        let ip = self.ip.header(self.now, local, remote, purpose, tos);
        let packet = Packet {
            ip,
            segment: Segment::Tcp(tcp),
            payload,
        };
        self.out.push(self.now, packet, cause);
    }

    /// Answers a segment that fits no connection, RFC 9293 section 3.10.7.1; a RST is not answered.
    pub fn reset(
        &mut self,
        local: Endpoint,
        remote: Endpoint,
        tcp: &Tcp,
        payload: usize,
        cause: Cause,
    ) {
        if tcp.flags.contains(Flags::RST) {
            return;
        }
        let mut reset = Tcp::new(local.port, remote.port, Flags::RST);
        if tcp.flags.contains(Flags::ACK) {
            reset.sequence = tcp.acknowledgment;
        } else {
            let controls = u32::from(tcp.flags.contains(Flags::SYN))
                + u32::from(tcp.flags.contains(Flags::FIN));
            reset.flags |= Flags::ACK;
            reset.acknowledgment = tcp
                .sequence
                .wrapping_add(low32(payload as u64))
                .wrapping_add(controls)
                .wrapping_add(self.stack.tcp.reset_ack_offset);
        }
        self.emit(
            local,
            remote,
            reset,
            Payload::EMPTY,
            Purpose::Stateless,
            0,
            cause.answered(),
        );
    }

    /// Resets the sender of an unacceptable acknowledgment.
    pub fn reset_for(&mut self, connection: &Connection, tcp: &Tcp) {
        self.reset(
            connection.local,
            connection.remote,
            tcp,
            0,
            connection.cause,
        );
    }

    /// A SYN-ACK sent without keeping any state.
    pub fn cookie(&mut self, local: Endpoint, remote: Endpoint, synack: Tcp, cause: Cause) {
        self.emit(
            local,
            remote,
            synack,
            Payload::EMPTY,
            Purpose::Stateless,
            0,
            cause.answered(),
        );
    }

    /// The MSS that a SYN-ACK offers, where the stack draws it.
    pub fn drawn_mss(&mut self) -> Option<u16> {
        let (low, high, step) = self.stack.tcp.synack_mss?;
        let steps = u64::from((high - low) / step);
        if let Some(pinned) = self.handshake.mss.pinned() {
            return u16::try_from(pinned).ok();
        }
        let n = u16::try_from(self.handshake.mss.range(0..=steps)).unwrap_or(0);
        Some(low + n * step)
    }

    /// After how many nanoseconds the next SYN-ACK is repeated first, where a pin says so.
    pub fn pinned_rto(&mut self) -> Option<u64> {
        self.handshake.rto.pinned()
    }

    /// Tells the owner of a connection what happened.
    pub fn event(&mut self, connection: &Connection, event: SocketEvent) {
        self.events
            .push((connection.owner, connection.socket, event));
    }

    /// How long this acknowledgment waits, in nanoseconds.
    pub fn delayed_ack(&mut self) -> u64 {
        self.delayed_ack.range(self.stack.tcp.delayed_ack.clone())
    }

    /// The value of the timestamp clock, which started with the host, in ticks of the stack's `timestamp_hz`.
    ///
    /// A pin is the value of the next stamp.
    pub fn timestamp(&mut self) -> u32 {
        if let Some(pinned) = self.handshake.timestamp.pinned() {
            return low32(pinned);
        }
        let nanos = u128::from(self.now.nanos_since(self.boot));
        let ticks = nanos * u128::from(self.stack.tcp.timestamp_hz) / 1_000_000_000;
        low32(u64::try_from(ticks & u128::from(u64::MAX)).unwrap_or(0))
    }
}
