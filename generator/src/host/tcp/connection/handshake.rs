//! The handshake of a connection: what its SYN and SYN-ACK say, and what both sides put in force.

use wire::{Flags, Options, Payload, Tcp, TcpOption};

use super::Connection;
use crate::activity::Role;
use crate::host::ip::Purpose;
use crate::host::stack::{OptionKind, OptionKinds};
use crate::host::tcp::egress::Egress;

impl Connection {
    /// Takes in what a SYN or SYN-ACK says.
    pub(super) fn learn(&mut self, syn: &Tcp) {
        self.rcv_nxt = syn.sequence.wrapping_add(1);
        self.edge = self.rcv_nxt;
        self.peer_window = u32::from(syn.window);
        self.offered = [OptionKind::Mss, OptionKind::Nop, OptionKind::Eol]
            .into_iter()
            .collect();
        for option in syn.options.iter() {
            match option {
                TcpOption::Mss(mss) => self.peer_mss = u32::from(mss).max(1),
                TcpOption::SackPermitted => self.offered.insert(OptionKind::Sack),
                TcpOption::Timestamps(value, _) => {
                    self.timestamps = Some(value);
                    self.offered.insert(OptionKind::Timestamp);
                }
                TcpOption::WindowScale(shift) => {
                    self.send_shift = shift.min(14);
                    self.offered.insert(OptionKind::WindowScale);
                }
                _ => {}
            }
        }
    }

    /// Puts in force what both sides offered, once the handshake is done.
    pub(super) fn settle(&mut self, egress: &Egress<'_>) {
        let layout = if self.cause.role == Role::Answer {
            &egress.stack.tcp.synack_options
        } else {
            &egress.stack.tcp.syn_options
        };
        let ours = self.offered;
        let ours: OptionKinds = layout.select(|kind| ours.contains(kind)).collect();
        if !ours.contains(OptionKind::Timestamp) {
            self.timestamps = None;
        }
        if ours.contains(OptionKind::WindowScale) {
            self.receive_shift = egress.stack.tcp.window_scale;
        } else {
            self.send_shift = 0;
        }
        self.edge = self.rcv_nxt;
        self.congestion_window = self
            .peer_mss
            .saturating_mul(egress.stack.tcp.initial_window);
        let round_trip = egress.now.nanos_since(self.opened);
        self.smoothed_rto = Some(round_trip.saturating_mul(3));
        self.retransmit = None;
    }

    pub(super) fn send_syn(&mut self, egress: &mut Egress<'_>) {
        let traits = &egress.stack.tcp;
        let kinds = traits.syn_options.select(|_| true);
        let tcp = Tcp {
            sequence: self.iss,
            window: match (traits.syn_retry_window, self.retransmit) {
                (Some(window), Some(_)) => window,
                _ => traits.syn_window,
            },
            options: handshake_options(kinds, self.own_mss(egress), 0, egress),
            ..Tcp::new(self.local.port, self.remote.port, Flags::SYN)
        };
        egress.send(self, tcp, Payload::EMPTY, Purpose::Connection);
    }

    pub(super) fn send_synack(&mut self, egress: &mut Egress<'_>) {
        let traits = &egress.stack.tcp;
        let offered = self.offered;
        let kinds = traits.synack_options.select(|kind| offered.contains(kind));
        let peer_mss = u16::try_from(self.peer_mss).unwrap_or(u16::MAX);
        let mss = if let Some(drawn) = self.drawn_mss {
            drawn
        } else if traits.mirrors_mss {
            self.own_mss(egress).min(peer_mss)
        } else {
            self.own_mss(egress)
        };
        let tcp = Tcp {
            sequence: self.iss,
            acknowledgment: self.rcv_nxt,
            window: u16::try_from(self.full_window(egress)).unwrap_or(u16::MAX),
            options: handshake_options(kinds, mss, self.timestamps.unwrap_or(0), egress),
            ..Tcp::new(self.local.port, self.remote.port, Flags::SYN | Flags::ACK)
        };
        let purpose = if egress.stack.zero_id_stateless {
            Purpose::Stateless
        } else {
            Purpose::Connection
        };
        egress.send(self, tcp, Payload::EMPTY, purpose);
    }
}

fn handshake_options(
    kinds: impl Iterator<Item = OptionKind>,
    mss: u16,
    echo: u32,
    egress: &mut Egress<'_>,
) -> Options {
    Options::new(kinds.map(|kind| match kind {
        OptionKind::Mss => TcpOption::Mss(mss),
        OptionKind::Nop => TcpOption::NoOperation,
        OptionKind::Eol => TcpOption::EndOfList,
        OptionKind::Sack => TcpOption::SackPermitted,
        OptionKind::Timestamp => TcpOption::Timestamps(egress.timestamp(), echo),
        OptionKind::WindowScale => TcpOption::WindowScale(egress.stack.tcp.window_scale),
    }))
}
