//! What a connection sends: segments as far as the windows reach, acknowledgments, what comes again, and our own window.

use wire::{Flags, Options, Payload, Tcp, TcpOption};

use super::{Connection, Fin, Retransmit, State, before, length};
use crate::host::ip::Purpose;
use crate::host::socket::SocketEvent;
use crate::host::stack::{Rounding, WindowUpdate};
use crate::host::tcp::egress::Egress;

impl Connection {
    pub(super) fn retransmit_now(&mut self, egress: &mut Egress<'_>) {
        let Some(Retransmit { timeout, tries, .. }) = self.retransmit else {
            return;
        };
        let traits = &egress.stack.tcp;
        let allowed = match self.state {
            State::SynSent => traits.syn_tries,
            State::SynReceived => traits.synack_tries,
            _ => traits.data_tries,
        };
        if tries >= allowed {
            if self.state != State::SynReceived {
                egress.event(self, SocketEvent::TimedOut);
            }
            return self.end(egress);
        }
        let timeout = timeout.saturating_mul(2).min(traits.rto_max);
        self.retransmit = Some(Retransmit {
            at: egress.now.plus_nanos(timeout),
            timeout,
            tries: tries + 1,
        });
        match self.state {
            State::SynSent => self.send_syn(egress),
            State::SynReceived => self.send_synack(egress),
            _ => {
                self.nxt = self.una;
                self.congestion_window = self.peer_mss;
                if self.peer_window == 0 {
                    self.probe(egress);
                } else {
                    self.transmit(egress);
                }
            }
        }
    }

    /// Sends one byte into a closed window; it counts as sent only once it is acknowledged.
    fn probe(&mut self, egress: &mut Egress<'_>) {
        self.peer_window = 1;
        self.transmit_segment(egress);
        self.peer_window = 0;
        self.nxt = self.una;
        self.probing = true;
    }

    pub(super) fn start_retransmit(&mut self, egress: &mut Egress<'_>) {
        let traits = &egress.stack.tcp;
        // A stack that repeats for all half-open connections at one tick is told the time by a pin.
        let handshake = self.state == State::SynReceived;
        let pinned = if handshake { egress.pinned_rto() } else { None };
        let timeout = pinned
            .or(self.smoothed_rto)
            .unwrap_or(traits.rto_initial)
            .max(traits.rto_min);
        self.retransmit = Some(Retransmit {
            at: egress.now.plus_nanos(timeout),
            timeout,
            tries: 1,
        });
    }

    /// Sends what is queued, as far as the windows reach.
    pub(super) fn transmit(&mut self, egress: &mut Egress<'_>) {
        if self.state != State::Established {
            return;
        }
        let mut sent = false;
        while self.nxt != self.end && self.transmit_segment(egress) {
            sent = true;
        }
        // A closed window is probed when that timer runs out.
        if (sent || self.nxt != self.end) && self.retransmit.is_none() {
            self.start_retransmit(egress);
        }
    }

    /// Sends the next segment; false when the windows allow none.
    pub(super) fn transmit_segment(&mut self, egress: &mut Egress<'_>) -> bool {
        let fin_at = self.end.wrapping_sub(1);
        if self.fin != Fin::No && self.nxt == fin_at {
            let segment = self.segment(Flags::FIN | Flags::ACK, self.nxt, egress);
            self.push_out(segment, Payload::EMPTY, egress);
            self.nxt = self.end;
            return true;
        }
        let Some((start, payload)) = self.writes.iter().find(|(start, payload)| {
            !before(self.nxt, *start) && before(self.nxt, start.wrapping_add(length(payload)))
        }) else {
            return false;
        };
        let offset = self.nxt.wrapping_sub(*start);
        let usable = self.peer_window.min(self.congestion_window);
        let room = usable.saturating_sub(self.nxt.wrapping_sub(self.una));
        let size = (length(payload) - offset).min(self.segment_size());
        if room < size && !(room > 0 && self.nxt == self.una) {
            return false;
        }
        let size = size.min(room);
        let piece = payload.slice(offset as usize, size as usize);
        let last = offset + size == length(payload);
        let flags = if last {
            Flags::PSH | Flags::ACK
        } else {
            Flags::ACK
        };
        let segment = self.segment(flags, self.nxt, egress);
        self.push_out(segment, piece, egress);
        self.nxt = self.nxt.wrapping_add(size);
        true
    }

    /// Payload bytes of a full segment: options in every segment take their room.
    fn segment_size(&self) -> u32 {
        self.peer_mss
            .saturating_sub(if self.timestamps.is_some() { 12 } else { 0 })
            .max(1)
    }

    /// Sends a segment that also acknowledges.
    pub(super) fn push_out(&mut self, segment: Tcp, payload: Payload, egress: &mut Egress<'_>) {
        self.unacknowledged = 0;
        self.delayed_ack = None;
        egress.send(self, segment, payload, Purpose::Connection);
    }

    /// Sends a bare acknowledgment.
    pub(super) fn acknowledge(&mut self, egress: &mut Egress<'_>) {
        let segment = self.segment(Flags::ACK, self.nxt, egress);
        self.push_out(segment, Payload::EMPTY, egress);
    }

    /// A segment of the established connection.
    pub(super) fn segment(&mut self, flags: Flags, sequence: u32, egress: &mut Egress<'_>) -> Tcp {
        let window = self.advertise(egress) >> self.receive_shift;
        let options = self.timestamps.map_or(Options::NONE, |echo| {
            let stamp = TcpOption::Timestamps(egress.timestamp(), echo);
            Options::new([TcpOption::NoOperation, TcpOption::NoOperation, stamp])
        });
        let urgent = self.urgent.filter(|urgent| before(sequence, *urgent));
        let pointer = urgent.map(|urgent| urgent.wrapping_sub(sequence));
        let flags = match pointer {
            Some(_) => flags | Flags::URG,
            None => flags,
        };
        Tcp {
            sequence,
            acknowledgment: self.rcv_nxt,
            window: u16::try_from(window).unwrap_or(u16::MAX),
            urgent: pointer.map_or(0, |pointer| u16::try_from(pointer).unwrap_or(u16::MAX)),
            options,
            ..Tcp::new(self.local.port, self.remote.port, flags)
        }
    }

    /// Moves the right edge of our window as the stack does, and returns the window.
    fn advertise(&mut self, egress: &Egress<'_>) -> u32 {
        let edge = self.rcv_nxt.wrapping_add(self.full_window(egress));
        let gain = edge.wrapping_sub(self.edge);
        let moves = match egress.stack.tcp.window_update {
            WindowUpdate::Always => true,
            WindowUpdate::WholeSegment => gain >= self.negotiated_mss(egress),
        };
        if moves && !before(edge, self.edge) {
            self.edge = edge;
        }
        self.edge.wrapping_sub(self.rcv_nxt)
    }

    /// The window of an empty buffer.
    pub(super) fn full_window(&self, egress: &Egress<'_>) -> u32 {
        let (buffer, mss) = (
            self.buffer.unwrap_or(egress.stack.tcp.buffer),
            self.negotiated_mss(egress),
        );
        let full = match egress.stack.tcp.rounding {
            Rounding::None => buffer,
            Rounding::Up => buffer.div_ceil(mss) * mss,
            Rounding::Down => (buffer / mss).max(1) * mss,
        };
        full.min(0xffff << self.receive_shift)
    }

    /// The largest segment that our side takes: an IPv6 header leaves twenty bytes less.
    pub(super) fn own_mss(&self, egress: &Egress<'_>) -> u16 {
        let mss = egress.stack.tcp.mss;
        if self.remote.address.is_ipv4() {
            mss
        } else {
            mss.saturating_sub(20)
        }
    }

    pub(super) fn negotiated_mss(&self, egress: &Egress<'_>) -> u32 {
        self.peer_mss.min(u32::from(self.own_mss(egress))).max(1)
    }
}
