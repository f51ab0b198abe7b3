//! One TCP connection, RFC 9293, as far as the documents' sessions need it.
//!
//! Modelled: handshake, segmentation with a push at the end of each write, delayed acknowledgment, the window as the
//! stack moves it, slow start, retransmission with back-off, three duplicate acknowledgments, orderly and abortive
//! close, segments out of order. Not modelled: see [`Stack`](crate::host::stack::Stack).

mod handshake;
mod sending;

use std::collections::VecDeque;
use std::net::IpAddr;

use wire::{Flags, Options, Payload, Tcp, TcpOption, Timestamp};

use crate::activity::Cause;
use crate::host::ip::Purpose;
use crate::host::socket::{Endpoint, ProgramId, SocketEvent, SocketId};
use crate::host::stack::{OptionKinds, TcpTraits};
use crate::host::tcp::egress::Egress;
use crate::host::trouble::Trouble;
use crate::seed::low32;

/// Segments out of order that a connection keeps; more are dropped and come again.
const MAX_OUT_OF_ORDER: usize = 64;
/// How long a connection lingers after an active close. Assumption: one minute, twice the segment lifetime of BSD.
const TIME_WAIT: u64 = 60_000_000_000;
/// How long a connection that we closed waits for the peer's close. Linux's tcp_fin_timeout; others wait about as long.
const FIN_WAIT: u64 = 60_000_000_000;

/// How far a connection has come. The states after ESTABLISHED follow from `fin` and `peer_fin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// SYN sent.
    SynSent,
    /// SYN received and answered.
    SynReceived,
    /// Handshake done.
    Established,
    /// Both sides closed; only repeated segments are answered.
    TimeWait,
    /// Gone: to be removed.
    Closed,
}

/// How far our own close has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fin {
    No,
    Queued,
    Acknowledged,
}

/// What the retransmission timer does when it runs out.
#[derive(Clone, Copy, Debug)]
struct Retransmit {
    at: Timestamp,
    timeout: u64,
    tries: u8,
}

/// One side of a connection.
#[derive(Debug)]
pub struct Connection {
    pub(super) socket: SocketId,
    pub(super) owner: ProgramId,
    pub(super) local: Endpoint,
    pub(super) remote: Endpoint,
    pub(super) cause: Cause,
    pub(super) state: State,
    tos: u8,
    // What we send.
    iss: u32,
    una: u32,
    nxt: u32,
    end: u32,
    writes: VecDeque<(u32, Payload)>,
    fin: Fin,
    peer_window: u32,
    peer_mss: u32,
    congestion_window: u32,
    duplicate_acks: u8,
    /// Whether the peer's window is closed and has been probed.
    probing: bool,
    // What we receive.
    rcv_nxt: u32,
    edge: u32,
    peer_fin: bool,
    closed_by_peer: bool,
    /// Whether its program has left, and reads no more.
    deaf: bool,
    out_of_order: Vec<(u32, Payload, bool)>,
    unacknowledged: u8,
    /// Data segments so far, as far as that matters.
    quick_acks: u8,
    // Options in force.
    timestamps: Option<u32>,
    send_shift: u8,
    receive_shift: u8,
    offered: OptionKinds,
    // Timers.
    retransmit: Option<Retransmit>,
    smoothed_rto: Option<u64>,
    opened: Timestamp,
    delayed_ack: Option<Timestamp>,
    expires: Option<Timestamp>,
    refusals: u8,
    /// Whether it is reset once all it sent is acknowledged.
    reset_when_sent: bool,
    /// The MSS that its SYN-ACK offers, where the stack draws it.
    drawn_mss: Option<u16>,
    /// The receive buffer that its program asked for.
    buffer: Option<u32>,
    /// Behind the last urgent byte.
    urgent: Option<u32>,
}

/// Whether sequence number `a` comes before `b`.
fn before(a: u32, b: u32) -> bool {
    a.wrapping_sub(b) > 0x8000_0000
}

impl Connection {
    fn new(
        socket: SocketId,
        owner: ProgramId,
        ends: (Endpoint, Endpoint),
        cause: Cause,
        iss: u32,
        now: Timestamp,
    ) -> Self {
        Connection {
            socket,
            owner,
            local: ends.0,
            remote: ends.1,
            cause,
            state: State::SynSent,
            tos: 0,
            iss,
            una: iss,
            nxt: iss.wrapping_add(1),
            end: iss.wrapping_add(1),
            writes: VecDeque::new(),
            fin: Fin::No,
            peer_window: 0,
            peer_mss: 536,
            congestion_window: 0,
            duplicate_acks: 0,
            probing: false,
            rcv_nxt: 0,
            edge: 0,
            peer_fin: false,
            closed_by_peer: false,
            deaf: false,
            out_of_order: Vec::new(),
            unacknowledged: 0,
            quick_acks: 0,
            timestamps: None,
            send_shift: 0,
            receive_shift: 0,
            offered: OptionKinds::default(),
            retransmit: None,
            smoothed_rto: None,
            opened: now,
            delayed_ack: None,
            expires: None,
            refusals: 0,
            reset_when_sent: false,
            drawn_mss: None,
            buffer: None,
            urgent: None,
        }
    }

    /// Opens a connection: sends its SYN.
    pub fn open(
        socket: SocketId,
        owner: ProgramId,
        ends: (Endpoint, Endpoint),
        cause: Cause,
        iss: u32,
        egress: &mut Egress<'_>,
    ) -> Self {
        let mut connection = Connection::new(socket, owner, ends, cause, iss, egress.now);
        connection.send_syn(egress);
        connection.cause = cause.continued();
        connection.start_retransmit(egress);
        connection
    }

    /// Accepts a connection: answers its SYN.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a SYN and its listener bring; a struct would only rename them"
    )]
    pub fn accept(
        socket: SocketId,
        owner: ProgramId,
        ends: (Endpoint, Endpoint),
        cause: Cause,
        iss: u32,
        syn: &Tcp,
        buffer: Option<u32>,
        egress: &mut Egress<'_>,
    ) -> Self {
        let mut connection = Connection::new(socket, owner, ends, cause, iss, egress.now);
        connection.state = State::SynReceived;
        connection.learn(syn);
        connection.drawn_mss = egress.drawn_mss();
        connection.buffer = buffer;
        connection.send_synack(egress);
        connection.start_retransmit(egress);
        connection
    }

    /// Takes a connection up at the ACK that completes its handshake, as SYN cookies do.
    pub fn from_cookie(
        socket: SocketId,
        owner: ProgramId,
        ends: (Endpoint, Endpoint),
        cause: Cause,
        ack: &Tcp,
        egress: &mut Egress<'_>,
    ) -> Self {
        let iss = ack.acknowledgment.wrapping_sub(1);
        let mut connection = Connection::new(socket, owner, ends, cause, iss, egress.now);
        connection.state = State::SynReceived;
        connection.rcv_nxt = ack.sequence;
        connection.edge = ack.sequence.wrapping_add(connection.full_window(egress));
        connection
    }

    /// The time of the next timer.
    pub fn deadline(&self) -> Option<Timestamp> {
        [
            self.retransmit.map(|r| r.at),
            self.delayed_ack,
            self.expires,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Sets the type of service of what is sent from now on.
    pub fn set_tos(&mut self, tos: u8) {
        self.tos = tos;
    }

    /// Whether a segment of it carries DF, where its stack makes that depend on more than the stack.
    pub fn dont_fragment(&self, tcp: &Tcp, bare: bool, traits: &TcpTraits) -> Option<bool> {
        if self.peer_mss < u32::from(traits.df_least_mss) {
            return Some(false);
        }
        traits
            .df_pure_ack
            .filter(|_| bare && tcp.flags.is_exactly(Flags::ACK))
    }

    /// The type of service of what is sent now.
    pub fn tos(&self) -> u8 {
        self.tos
    }

    /// Queues bytes and sends what the windows allow.
    pub fn send(&mut self, payload: Payload, egress: &mut Egress<'_>) {
        if payload.is_empty() || self.fin != Fin::No || self.state == State::Closed {
            return;
        }
        let start = self.end;
        self.end = self.end.wrapping_add(length(&payload));
        self.writes.push_back((start, payload));
        self.transmit(egress);
    }

    /// Queues bytes of which the last is urgent, RFC 9293 section 3.8.5. The pointer names the byte behind it, as all
    /// stacks have it (RFC 6093 section 3.1).
    pub fn send_urgent(&mut self, payload: Payload, egress: &mut Egress<'_>) {
        if self.fin == Fin::No {
            self.urgent = Some(self.end.wrapping_add(length(&payload)));
        }
        self.send(payload, egress);
    }

    /// Closes once all is sent, and reads no more: data that the peer still sends is refused.
    pub fn leave(&mut self, egress: &mut Egress<'_>) {
        self.deaf = true;
        self.close(egress);
    }

    /// Closes our side once all is sent, and goes on to listen.
    pub fn close(&mut self, egress: &mut Egress<'_>) {
        if self.fin != Fin::No || self.state == State::Closed {
            return;
        }
        if self.state == State::SynSent {
            return self.end(egress);
        }
        if egress.stack.tcp.closes_with_reset && self.state == State::Established {
            self.reset_when_sent = true;
            if self.una == self.end {
                self.abort(egress);
            }
            return;
        }
        self.fin = Fin::Queued;
        self.end = self.end.wrapping_add(1);
        self.transmit(egress);
    }

    /// An error has come about a segment that it sent.
    pub fn trouble(
        &mut self,
        trouble: Trouble,
        from: IpAddr,
        sequence: Option<u32>,
        egress: &mut Egress<'_>,
    ) {
        // RFC 5927 section 4.1: an error about nothing that is on its way is forged or late.
        let on_its_way = sequence.is_none_or(|n| !before(n, self.una) && !before(self.nxt, n));
        if !on_its_way {
            return;
        }
        match (trouble, self.state) {
            (Trouble::TooBig(mtu), _) => self.shrink(mtu, sequence, egress),
            (Trouble::Quench, _) => self.congestion_window = self.peer_mss,
            (Trouble::Expired | Trouble::Reassembly | Trouble::Parameter(_), _) => {}
            (_, State::SynSent) if egress.stack.tcp.unreachable_ends_connect => {
                egress.event(self, SocketEvent::Unreachable(from, self.remote, trouble));
                self.end(egress);
            }
            (_, State::SynReceived) => self.end(egress),
            _ => {}
        }
    }

    /// Sends smaller segments from now on, and again what did not fit.
    fn shrink(&mut self, mtu: u16, sequence: Option<u32>, egress: &mut Egress<'_>) {
        let headers = if self.remote.address.is_ipv4() {
            40
        } else {
            60
        };
        // A router of before RFC 1191 does not tell its MTU: the next plateau is taken.
        let mtu = if mtu == 0 { 1006 } else { u32::from(mtu) };
        let fits = mtu.saturating_sub(headers).max(1);
        if fits >= self.peer_mss {
            return;
        }
        self.peer_mss = fits;
        self.nxt = sequence.unwrap_or(self.una);
        self.transmit(egress);
    }

    /// Resets the connection.
    pub fn abort(&mut self, egress: &mut Egress<'_>) {
        if matches!(self.state, State::SynReceived | State::Established) {
            let mut reset = self.segment(Flags::RST | Flags::ACK, self.nxt, egress);
            reset.window = 0;
            reset.options = Options::NONE;
            egress.send(self, reset, Payload::EMPTY, Purpose::Stateless);
        }
        self.end(egress);
    }

    /// Ends the connection; its owner is told once, whether or not it still lingers.
    fn end(&mut self, egress: &mut Egress<'_>) {
        if !matches!(self.state, State::TimeWait | State::Closed) {
            egress.event(self, SocketEvent::Closed);
        }
        self.state = State::Closed;
    }

    /// A timer has run out.
    pub fn timer(&mut self, egress: &mut Egress<'_>) {
        let now = egress.now;
        if self.expires.is_some_and(|at| at <= now) {
            return self.end(egress);
        }
        if self.delayed_ack.is_some_and(|at| at <= now) {
            self.acknowledge(egress);
        }
        if self.retransmit.is_some_and(|r| r.at <= now) {
            self.retransmit_now(egress);
        }
    }

    /// A segment for this connection has arrived.
    pub fn receive(&mut self, tcp: &Tcp, payload: &Payload, egress: &mut Egress<'_>) {
        match self.state {
            State::SynSent => self.receive_in_syn_sent(tcp, egress),
            State::SynReceived | State::Established => {
                self.receive_synchronised(tcp, payload, egress)
            }
            State::TimeWait => self.receive_in_time_wait(tcp, egress),
            State::Closed => {}
        }
    }

    /// What comes again is acknowledged again. A reset ends nothing here, RFC 1337.
    fn receive_in_time_wait(&mut self, tcp: &Tcp, egress: &mut Egress<'_>) {
        if tcp.flags.contains(Flags::RST) {
            return;
        }
        if tcp.flags.contains(Flags::FIN) {
            self.expires = Some(egress.now.plus_nanos(TIME_WAIT));
        }
        if tcp.flags.intersects(Flags::FIN | Flags::SYN) {
            self.acknowledge(egress);
        }
    }

    /// Whether a segment may open the ends anew that this connection only waits at, RFC 1122 section 4.2.2.13.
    pub fn makes_room_for(&self, tcp: &Tcp) -> bool {
        self.state == State::TimeWait
            && tcp.flags.is_exactly(Flags::SYN)
            && !before(tcp.sequence, self.rcv_nxt)
    }

    /// RFC 9293 section 3.10.7.3.
    fn receive_in_syn_sent(&mut self, tcp: &Tcp, egress: &mut Egress<'_>) {
        let acknowledges = tcp.flags.contains(Flags::ACK) && tcp.acknowledgment == self.nxt;
        if tcp.flags.contains(Flags::RST) {
            if acknowledges {
                self.refused(egress);
            }
            return;
        }
        if !acknowledges {
            if tcp.flags.contains(Flags::ACK) {
                egress.reset_for(self, tcp);
            }
            return;
        }
        if !tcp.flags.contains(Flags::SYN) {
            return;
        }
        self.una = tcp.acknowledgment;
        self.learn(tcp);
        self.settle(egress);
        self.state = State::Established;
        self.acknowledge(egress);
        egress.event(self, SocketEvent::Connected);
    }

    /// The peer has no such port. Early Windows tries again from the same port.
    fn refused(&mut self, egress: &mut Egress<'_>) {
        let timeout = egress.stack.tcp.rto_min;
        if self.refusals < egress.stack.tcp.refused_retries {
            self.refusals += 1;
            self.retransmit = Some(Retransmit {
                at: egress.now.plus_nanos(timeout),
                timeout,
                tries: 1,
            });
            return;
        }
        egress.event(self, SocketEvent::Refused);
        self.end(egress);
    }

    /// RFC 9293 section 3.10.7.4.
    fn receive_synchronised(&mut self, tcp: &Tcp, payload: &Payload, egress: &mut Egress<'_>) {
        let start = tcp.sequence;
        let in_window = !before(start, self.rcv_nxt.wrapping_sub(1)) && !before(self.edge, start);
        if tcp.flags.contains(Flags::RST) {
            if in_window {
                if self.state == State::Established {
                    egress.event(self, SocketEvent::Reset);
                }
                self.end(egress);
            }
            return;
        }
        if tcp.flags.contains(Flags::SYN) {
            // A repeated SYN gets its SYN-ACK again, a repeated SYN-ACK its ACK.
            if self.state == State::SynReceived {
                self.send_synack(egress)
            } else {
                self.acknowledge(egress)
            }
            return;
        }
        if !tcp.flags.contains(Flags::ACK) {
            return;
        }
        if let Some(TcpOption::Timestamps(value, _)) = tcp
            .options
            .iter()
            .find(|o| matches!(o, TcpOption::Timestamps(..)))
        {
            self.timestamps = self.timestamps.map(|_| value);
        }
        self.take_ack(tcp, payload.is_empty(), egress);
        if self.state == State::Closed {
            return;
        }
        // RFC 1122 section 4.2.2.13: data that nobody will read is lost, and the peer is told.
        if self.deaf && before(self.rcv_nxt, start.wrapping_add(length(payload))) {
            egress.reset_for(self, tcp);
            return self.end(egress);
        }
        self.take_payload(tcp, payload, egress);
        self.finish_close(egress);
    }

    fn take_ack(&mut self, tcp: &Tcp, bare: bool, egress: &mut Egress<'_>) {
        let ack = tcp.acknowledgment;
        if self.state == State::SynReceived {
            if ack != self.iss.wrapping_add(1) {
                egress.reset_for(self, tcp);
                return;
            }
            self.una = ack;
            self.settle(egress);
            self.state = State::Established;
            egress.event(
                self,
                SocketEvent::Accepted(self.remote, self.cause.activity()),
            );
        }
        self.peer_window = u32::from(tcp.window) << self.send_shift;
        if self.probing {
            self.take_answer_to_probe();
        }
        if before(self.una, ack) && !before(self.end, ack) {
            self.acknowledged(ack, egress);
        } else if ack == self.una
            && bare
            && before(self.una, self.nxt)
            && !tcp.flags.contains(Flags::FIN)
        {
            self.duplicate_acks = self.duplicate_acks.saturating_add(1);
            // RFC 5681 section 3.2.
            if self.duplicate_acks == 3 {
                let resume = self.nxt;
                self.nxt = self.una;
                self.transmit_segment(egress);
                self.nxt = resume;
            }
        }
        self.transmit(egress);
    }

    /// A peer that answers is waited for, RFC 9293 section 3.8.6.1; one that has room again is no longer probed.
    fn take_answer_to_probe(&mut self) {
        self.probing = self.peer_window == 0;
        self.retransmit = self
            .retransmit
            .filter(|_| self.probing)
            .map(|retransmit| Retransmit {
                tries: 1,
                ..retransmit
            });
    }

    fn acknowledged(&mut self, ack: u32, egress: &mut Egress<'_>) {
        self.una = ack;
        if before(self.nxt, ack) {
            self.nxt = ack;
        }
        self.duplicate_acks = 0;
        self.congestion_window = self.congestion_window.saturating_add(self.peer_mss);
        while self
            .writes
            .front()
            .is_some_and(|(start, payload)| !before(ack, start.wrapping_add(length(payload))))
        {
            self.writes.pop_front();
        }
        if self.fin == Fin::Queued && ack == self.end {
            self.fin = Fin::Acknowledged;
        }
        if self.una == self.nxt {
            self.retransmit = None
        } else {
            self.start_retransmit(egress)
        }
        if self.reset_when_sent && self.una == self.end {
            self.abort(egress);
        }
    }

    fn take_payload(&mut self, tcp: &Tcp, payload: &Payload, egress: &mut Egress<'_>) {
        let fin = tcp.flags.contains(Flags::FIN);
        if payload.is_empty() && !fin {
            return;
        }
        let start = tcp.sequence;
        if start != self.rcv_nxt || self.peer_fin {
            if before(self.rcv_nxt, start) && self.out_of_order.len() < MAX_OUT_OF_ORDER {
                self.out_of_order.push((start, payload.clone(), fin));
            }
            // Out of order or repeated: say at once what is wanted.
            self.acknowledge(egress);
            return;
        }
        self.deliver(payload.clone(), fin, egress);
        while let Some(at) = self
            .out_of_order
            .iter()
            .position(|(start, ..)| *start == self.rcv_nxt)
        {
            let (_, payload, fin) = self.out_of_order.swap_remove(at);
            self.deliver(payload, fin, egress);
        }
        let rcv_nxt = self.rcv_nxt;
        self.out_of_order
            .retain(|(start, ..)| before(rcv_nxt, *start));
        self.unacknowledged = self.unacknowledged.saturating_add(1);
        // RFC 1122 section 4.2.3.2: at least every second segment; a FIN is always answered.
        let quick = self.quick_acks < egress.stack.tcp.quick_acks;
        self.quick_acks = self.quick_acks.saturating_add(1);
        if self.unacknowledged >= 2 || self.peer_fin || quick {
            self.acknowledge(egress);
        } else if self.delayed_ack.is_none() {
            self.delayed_ack = Some(egress.now.plus_nanos(egress.delayed_ack()));
        }
    }

    fn deliver(&mut self, payload: Payload, fin: bool, egress: &mut Egress<'_>) {
        self.rcv_nxt = self.rcv_nxt.wrapping_add(length(&payload));
        if !payload.is_empty() {
            egress.event(self, SocketEvent::Data(payload));
        }
        if fin {
            self.rcv_nxt = self.rcv_nxt.wrapping_add(1);
            // A FIN takes no room in the buffer.
            self.edge = self.edge.wrapping_add(1);
            self.peer_fin = true;
            self.closed_by_peer = self.fin == Fin::No;
            egress.event(self, SocketEvent::PeerClosed);
        }
    }

    /// Leaves once both sides have closed: at once when the peer closed first, after a while when we did.
    fn finish_close(&mut self, egress: &mut Egress<'_>) {
        if self.state != State::Established || self.fin != Fin::Acknowledged {
            return;
        }
        if !self.peer_fin {
            self.expires.get_or_insert(egress.now.plus_nanos(FIN_WAIT));
            return;
        }
        let lingers = !self.closed_by_peer;
        self.end(egress);
        if lingers {
            self.state = State::TimeWait;
            self.retransmit = None;
            self.expires = Some(egress.now.plus_nanos(TIME_WAIT));
        }
    }
}

fn length(payload: &Payload) -> u32 {
    low32(payload.len() as u64)
}
