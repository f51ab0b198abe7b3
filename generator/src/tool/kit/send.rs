//! How a tool asks: packets by hand, connections, datagrams; and how it takes what comes of the latter two.

use std::net::IpAddr;

use wire::{Packet, Payload};

use super::answer::Answer;
use super::calls::{Call, key, neighbour};
use super::craft::Craft;
use super::run::Run;
use super::stage::{Action, Found, Stage};
use super::values::{Name, Values};
use crate::activity::Cause;
use crate::conversation::script::Player;
use crate::host::program::System;
use crate::host::socket::{Endpoint, SocketEvent, SocketId};
use crate::host::trouble::Trouble;

impl Run {
    /// Sends a probe for the first time, and waits for what comes of it.
    #[inline]
    pub(super) fn launch(
        &mut self,
        at: usize,
        stage: &Stage,
        mut call: Call,
        after: u64,
        sys: &mut System<'_>,
    ) {
        let Some(target) = self.targets.get(call.host).copied() else {
            return;
        };
        match &stage.action {
            Action::Neighbour => {
                sys.look_up(after, target, self.activity);
                call.key = Some(neighbour(target));
            }
            Action::Craft(crafts) => {
                let Some(craft) = crafts.get(call.probe) else {
                    return;
                };
                self.craft(at, craft, call.probe, target, &[], after, sys);
                call.key = Some(key(craft.protocol(), target, &self.values));
            }
            Action::Connect { source_port, .. } => {
                let own = self.own_port(*source_port);
                call.socket = Some(self.connect(own, target, call.port, sys));
            }
            Action::Ask { .. } => self.ask(at, stage, target, &mut call, sys),
        }
        if matches!(stage.action, Action::Craft(_)) {
            call.values = Some(Box::new(self.values));
        }
        if let Some(job) = self.jobs.get_mut(&call.job) {
            job.open += 1;
        }
        if stage.asks_on_one_socket() {
            call.key = Some(asked(target, call.port));
            call.socket = None;
        }
        let number = self.calls.add(call);
        match &stage.action {
            Action::Connect { give_up, .. } => self.give_up_after(*give_up, number, sys),
            _ => self.wait_for(at, stage, number, sys),
        }
    }

    /// Sends a probe again.
    pub(super) fn again(&mut self, at: usize, stage: &Stage, number: u64, sys: &mut System<'_>) {
        let Some(call) = self.calls.get(number) else {
            return;
        };
        let (host, port, probe, sent) = (call.host, call.port, call.probe, call.sent);
        let before = call.values.clone();
        let Some(target) = self.targets.get(host).copied() else {
            return;
        };
        if let Some(before) = before {
            self.values = *before;
        }
        self.values.set(Name::HOST, host as u64);
        self.values.set(Name::TRY, sent - 1);
        self.values.set(Name::PORT, u64::from(port));
        self.values.set(Name::TIME, sys.now.seconds());
        match &stage.action {
            Action::Neighbour => {
                sys.look_up(0, target, self.activity);
                self.wait_for(at, stage, number, sys);
            }
            Action::Craft(crafts) => {
                let Some(craft) = crafts.get(probe) else {
                    return;
                };
                self.craft(at, craft, probe, target, &craft.keep, 0, sys);
                let named = key(craft.protocol(), target, &self.values);
                self.calls.rename(number, Some(named), None);
                if let Some(call) = self.calls.get(number) {
                    call.values = Some(Box::new(self.values));
                }
                self.wait_for(at, stage, number, sys);
            }
            Action::Connect {
                source_port,
                give_up,
                ..
            } => {
                let own = self.own_port(*source_port);
                let socket = self.connect(own, target, port, sys);
                self.calls.rename(number, None, Some(socket));
                self.give_up_after(*give_up, number, sys);
            }
            // Who asks again repeats himself: a request has one number, whatever becomes of it.
            Action::Ask { .. } => {
                let call = self.calls.get(number);
                let (socket, datagram) =
                    call.map_or((None, None), |call| (call.socket, call.datagram.clone()));
                if let (Some(socket), Some(bytes)) = (socket.or(self.shared), datagram) {
                    let peer = Endpoint {
                        address: target,
                        port,
                    };
                    let again = Cause::stimulus(self.activity).continued();
                    sys.send_to(socket, peer, bytes, again);
                }
                self.wait_for(at, stage, number, sys);
            }
        }
    }

    /// Builds a packet, in as many copies and pieces as the tool makes, and sends it. Fields that are kept stay as they are.
    #[expect(
        clippy::too_many_arguments,
        reason = "one probe's place, target, memory and moment; a struct would only rename them"
    )]
    #[inline]
    pub(super) fn craft(
        &mut self,
        at: usize,
        craft: &Craft,
        probe: usize,
        target: IpAddr,
        keep: &[Name],
        after: u64,
        sys: &mut System<'_>,
    ) {
        let own = sys.address_towards(target);
        let Some((sources, payload_draws)) = self
            .stages
            .get_mut(at)
            .and_then(|going| going.probes.get_mut(probe))
        else {
            return;
        };
        let source = sources.next(own);
        let own_position = sources.own_position;
        let mut payload = craft.payload.next(payload_draws, sys.now);
        self.values.set(Name::LENGTH, payload.len() as u64);
        self.values.set(Name::TARGET, number_of(target));
        self.values.set(Name::SOURCE, number_of(source));
        self.fill(craft, keep);
        if let Some(quote) = &craft.quote {
            let mut values = self.values;
            fill_values(&mut values, quote, &mut self.series, &[]);
            payload = craft.quoted(&values, target);
        }
        let stack = craft.needs_stack().then(|| sys.header(target));
        if source.is_ipv4() != target.is_ipv4() {
            return;
        }
        let options = craft.options(&mut self.series, &self.values);
        let ends = (source, target);
        let Some(packet) = craft.build(&self.values, ends, stack.as_ref(), options, payload) else {
            return;
        };
        let cause = match self.values.get(Name::TRY) {
            0 => Cause::stimulus(self.activity),
            _ => Cause::stimulus(self.activity).continued(),
        };
        // Straight from here, so that it is moved once.
        if craft.goes_alone() {
            return sys.send_raw(after, packet, cause);
        }
        self.send_among_decoys(craft, (packet, own_position), after, cause, sys);
    }

    /// The copies of a probe under the names of others, and its own among them: each with a time to live of its own.
    fn send_among_decoys(
        &mut self,
        craft: &Craft,
        (packet, own): (Packet, usize),
        after: u64,
        cause: Cause,
        sys: &mut System<'_>,
    ) {
        let target = packet.destination();
        let mut decoys = craft.sources.decoys.iter();
        for place in 0..=craft.sources.decoys.len() {
            let after = after + craft.sources.decoy_gap * place as u64;
            if place == own {
                self.send(craft, packet.clone(), after, cause, sys);
                continue;
            }
            let Some(decoy) = decoys.next() else { continue };
            let mut copy = packet.clone();
            if !set_source(&mut copy, *decoy) || copy.destination() != target {
                continue;
            }
            if let Some((_, index)) = craft.fields.iter().find(|(name, _)| *name == Name::TTL)
                && let Some(series) = self.series.get_mut(*index)
            {
                let [ttl, ..] = series.next(&self.values).to_le_bytes();
                copy.set_ttl(ttl);
            }
            self.send(craft, copy, after, cause.continued(), sys);
        }
    }

    fn send(&self, craft: &Craft, packet: Packet, after: u64, cause: Cause, sys: &mut System<'_>) {
        if !craft.is_cut() {
            return sys.send_raw(after, packet, cause);
        }
        let mut cause = cause;
        for piece in craft.cut(packet) {
            sys.send_raw(after, piece, cause);
            cause = cause.continued();
        }
    }

    /// Gives each field its next value.
    #[inline]
    fn fill(&mut self, craft: &Craft, keep: &[Name]) {
        let plan = &self.plan;
        for (number, index) in plan.formulas.own_formulas.iter().enumerate() {
            if let (Some(name), Some(series)) = (Name::own(number), self.series.get_mut(*index)) {
                let value = series.next(&self.values);
                self.values.set(name, value);
            }
        }
        fill_values(&mut self.values, craft, &mut self.series, keep);
    }

    /// Replies to who accepts.
    pub(super) fn reply(
        &mut self,
        _: usize,
        reply: &Craft,
        call: u64,
        answer: &Answer,
        sys: &mut System<'_>,
    ) {
        let Some(call) = self.calls.get(call) else {
            return;
        };
        if let Some(sent) = &call.values {
            self.values = **sent;
        }
        answer.tell(&mut self.values);
        let target = answer.key.target;
        // A reply belongs to its question: same ports, whatever was drawn since.
        let (ours, theirs) = (answer.key.ours, answer.key.theirs);
        self.fill(reply, &[]);
        self.values.set(Name::SOURCE_PORT, u64::from(ours));
        self.values.set(Name::PORT, u64::from(theirs));
        let stack = reply.needs_stack().then(|| sys.header(target));
        let payload = reply.payload.next_fixed();
        if let Some(packet) = reply.build(
            &self.values,
            (sys.address_towards(target), target),
            stack.as_ref(),
            reply.fixed_options(),
            payload,
        ) {
            let cause = Cause::stimulus(self.activity).continued();
            self.send(reply, packet, 0, cause, sys);
        }
    }

    fn own_port(&mut self, formula: Option<usize>) -> Option<u16> {
        let series = self.series.get_mut(formula?)?;
        let [a, b, ..] = series.next(&self.values).to_le_bytes();
        Some(u16::from_le_bytes([a, b]))
    }

    fn connect(
        &mut self,
        own: Option<u16>,
        address: IpAddr,
        port: u16,
        sys: &mut System<'_>,
    ) -> SocketId {
        sys.connect_from(own, Endpoint { address, port }, self.activity)
    }

    /// A connection is open: its script begins. Those that are refused never have one.
    fn converse(&mut self, number: u64, socket: SocketId) {
        let Some(call) = self.calls.get(number) else {
            return;
        };
        let (job, host, port) = (call.job, call.host, call.port);
        let at = self.jobs.get(&job).map(|job| job.stage);
        let going = at.and_then(|at| self.stages.get(at));
        let script = going.and_then(|going| going.script.clone());
        let (Some(script), Some(address)) = (script, self.targets.get(host).copied()) else {
            return;
        };
        let peer = Endpoint { address, port };
        let dialogue = Box::new(Player::new(&script));
        self.sessions.add(socket, peer, self.activity, dialogue);
    }

    fn ask(
        &mut self,
        at: usize,
        stage: &Stage,
        target: IpAddr,
        call: &mut Call,
        sys: &mut System<'_>,
    ) {
        let Action::Ask {
            payload,
            source_port,
            one_socket,
        } = &stage.action
        else {
            return;
        };
        let socket = match self.shared {
            Some(shared) if *one_socket => shared,
            _ => {
                let own = self.own_port(*source_port);
                let socket = sys.open_udp(own);
                if *one_socket {
                    self.shared = Some(socket);
                }
                socket
            }
        };
        let Some(going) = self.stages.get_mut(at) else {
            return;
        };
        let bytes: Payload = payload.next(&mut going.payload, sys.now);
        let peer = Endpoint {
            address: target,
            port: call.port,
        };
        call.socket = Some(socket);
        call.datagram = Some(bytes.clone());
        sys.send_to(socket, peer, bytes, Cause::stimulus(self.activity));
    }

    /// Lets a socket go with its call.
    pub(super) fn hang_up(&mut self, call: &Call, socket: SocketId, sys: &mut System<'_>) {
        let at = self.jobs.get(&call.job).map(|job| job.stage);
        let stage = at.and_then(|at| self.plan.stages.get(at));
        if stage.is_some_and(|stage| matches!(stage.action, Action::Ask { .. })) {
            sys.close_udp(socket);
        }
    }

    fn connects(&mut self, call: u64) -> bool {
        let job = self.calls.get(call).map(|call| call.job);
        let at = job.and_then(|job| Some(self.jobs.get(&job)?.stage));
        let stage = at.and_then(|at| self.plan.stages.get(at));
        stage.is_some_and(|stage| matches!(stage.action, Action::Connect { .. }))
    }

    /// Something happened on a socket.
    pub(super) fn happened(&mut self, socket: SocketId, event: SocketEvent, sys: &mut System<'_>) {
        if let SocketEvent::Datagram(peer, ..) = &event {
            let named = self.calls.named(&asked(peer.address, peer.port));
            if let Some(call) = self.calls.on(socket).or(named) {
                self.close(call, Found::Open, sys);
            }
            return;
        }
        if let SocketEvent::Unreachable(from, peer, trouble) = &event {
            let named = self.calls.named(&asked(peer.address, peer.port));
            // An error about a connection is the stack's affair: it goes on trying, RFC 1122 section 4.2.3.9.
            if let Some(call) = self.calls.on(socket).or(named)
                && !self.connects(call)
            {
                let refused = *from == peer.address && matches!(trouble, Trouble::Port);
                let found = if refused {
                    Found::Closed
                } else {
                    Found::Unreachable
                };
                self.settle(call, found, sys);
            }
            return;
        }
        if let Some(call) = self.calls.on(socket) {
            match &event {
                SocketEvent::Connected => {
                    self.converse(call, socket);
                    self.note(call, Found::Open, sys);
                }
                SocketEvent::Refused => self.failed(call, Found::Closed, sys),
                SocketEvent::TimedOut => self.failed(call, Found::Silent, sys),
                SocketEvent::Reset | SocketEvent::Closed => self.close(call, Found::Closed, sys),
                _ => {}
            }
        }
        self.sessions.event(socket, &event, sys);
    }

    /// A connection did not come about: it is tried again after its wait, or given up.
    pub(super) fn failed(&mut self, number: u64, found: Found, sys: &mut System<'_>) {
        let plan = std::sync::Arc::clone(&self.plan);
        let Some(call) = self.calls.get(number) else {
            return;
        };
        if call.settled {
            return self.close(number, found, sys);
        }
        let at = self.jobs.get(&call.job).map(|job| job.stage);
        let Some((at, stage)) = at.and_then(|at| Some((at, plan.stages.get(at)?))) else {
            return;
        };
        let again = call.sent < stage.retry.tries;
        if again && (found == Found::Silent || stage.retry.refused_too) {
            self.calls.rename(number, None, None);
            self.wait_for(at, stage, number, sys);
        } else {
            self.close(number, found, sys);
        }
    }
}

/// The key of a question on a socket that asks all.
fn asked(target: IpAddr, port: u16) -> super::answer::Key {
    super::answer::Key {
        target,
        protocol: 17,
        ours: 0,
        theirs: port,
    }
}

#[inline]
fn fill_values(
    values: &mut Values,
    craft: &Craft,
    series: &mut [super::formula::Series],
    keep: &[Name],
) {
    for (name, index) in &craft.fields {
        if !keep.is_empty() && keep.contains(name) {
            continue;
        }
        if let Some(series) = series.get_mut(*index) {
            let value = series.next(values) & name.mask();
            values.set(*name, value);
        }
    }
}

fn number_of(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(address) => u64::from(u32::from(address)),
        IpAddr::V6(address) => u64::from(crate::seed::low32(
            u64::try_from(u128::from(address) & u128::from(u64::MAX)).unwrap_or(0),
        )),
    }
}

/// Sets the source where both are of one family.
fn set_source(packet: &mut Packet, source: IpAddr) -> bool {
    match (&mut packet.ip, source) {
        (wire::Ip::V4(ip), IpAddr::V4(source)) => ip.source = source,
        (wire::Ip::V6(ip), IpAddr::V6(source)) => ip.source = source,
        _ => return false,
    }
    true
}
