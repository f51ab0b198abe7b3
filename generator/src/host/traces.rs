//! Hosts tested as they are read: traces of what a host is sent and asked, what it sends, and what its programs are told.
//!
//! `generator/traces/tcp/` holds what TCP does, `generator/traces/stacks/` a trace for each stack. Heads are `stack NAME`,
//! `listen PORT`, `backlog N` and `ports filtered` or `ports rejected`. The host is 192.0.2.10: packets from elsewhere are what it is sent, packets of its own
//! what it must send, at that time and no others. `do connect ADDRESS PORT from PORT`, `do send N`, `do close`, `do leave`
//! and `do abort` are what its program does, with the connection it has got last; `told accepted`, `told data N` and so on what the program must be
//! told. `quiet` is a time until which nothing else happens. Times agree within a millisecond, or within those seconds
//! that a head `within SECONDS` names.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use wire::notation::trace::{Event, Numbers, Trace, differences};
use wire::{MacAddress, Packet, Payload, Timestamp};

use super::program::{Program, System};
use super::socket::{Endpoint, Outbox, SocketEvent, SocketId};
use super::{Host, HostConfig, PortPolicy};
use crate::Catalogue;
use crate::activity::{ActivityId, Cause, Sent};
use crate::seed::{Pins, SeedTree};

const ADDRESS: &str = "192.0.2.10";
/// When traces begin.
const START: Timestamp = Timestamp::from_nanos(1_000_000_000_000);
const MILLISECOND: u64 = 1_000_000;

/// What a program was told, and when.
type Told = Arc<Mutex<Vec<(Timestamp, String)>>>;

/// A program that does what a trace says.
struct Puppet {
    deeds: Vec<(u64, String)>,
    socket: Option<SocketId>,
    told: Told,
}

impl Program for Puppet {
    fn start(&mut self, sys: &mut System<'_>) {
        for ((at, _), token) in self.deeds.iter().zip(0..) {
            sys.timer(*at, token);
        }
    }

    fn timer(&mut self, token: u64, sys: &mut System<'_>) {
        let (_, deed) = self.deeds[usize::try_from(token).unwrap()].clone();
        let words: Vec<&str> = deed.split_whitespace().collect();
        let socket = || self.socket.expect("a connection");
        match words.as_slice() {
            ["connect", address, port, "from", own] => {
                let peer = Endpoint {
                    address: address.parse().unwrap(),
                    port: port.parse().unwrap(),
                };
                let own = Some(own.parse().unwrap());
                self.socket = Some(sys.connect_from(own, peer, ActivityId::BACKGROUND));
            }
            ["send", bytes] => sys.send(socket(), Payload::zeros(bytes.parse().unwrap())),
            ["close"] => sys.close(socket()),
            ["leave"] => sys.leave(socket()),
            ["abort"] => sys.abort(socket()),
            _ => panic!("'do {deed}' is nothing that can be done"),
        }
    }

    fn socket(&mut self, socket: SocketId, event: SocketEvent, sys: &mut System<'_>) {
        let said = match event {
            SocketEvent::Connected => "connected".into(),
            SocketEvent::Accepted(..) => {
                self.socket = Some(socket);
                "accepted".into()
            }
            SocketEvent::Data(payload) => format!("data {}", payload.len()),
            SocketEvent::Datagram(_, payload, _) => format!("datagram {}", payload.len()),
            SocketEvent::PeerClosed => "peer-closed".into(),
            SocketEvent::Refused => "refused".into(),
            SocketEvent::Reset => "reset".into(),
            SocketEvent::TimedOut => "timed-out".into(),
            SocketEvent::Unreachable(..) => "unreachable".into(),
            SocketEvent::Closed => "closed".into(),
        };
        self.told.lock().unwrap().push((sys.now, said));
    }
}

/// A trace that runs.
struct Stage {
    host: Host,
    numbers: Numbers,
    told: Told,
    /// What is still to be sent and to be told, in order.
    sends: VecDeque<Event>,
    tells: VecDeque<Event>,
    within: u64,
    wrong: Vec<String>,
}

impl Stage {
    fn set(trace: &Trace) -> Stage {
        let (mut stack, mut ports, mut backlog, mut within) =
            ("linux-2.2".to_owned(), Vec::new(), None, MILLISECOND);
        let mut policy = PortPolicy::Closed;
        for head in &trace.heads {
            match head.text.split_whitespace().collect::<Vec<_>>().as_slice() {
                ["stack", name] => stack = (*name).to_owned(),
                ["listen", port] => ports.push(port.parse().unwrap()),
                ["ports", "filtered"] => policy = PortPolicy::Filtered,
                ["ports", "rejected"] => policy = PortPolicy::Rejected,
                ["backlog", most] => backlog = Some(most.parse().unwrap()),
                ["within", seconds] => {
                    within = wire::duration::parse(&format!("{seconds}s")).unwrap();
                }
                _ => panic!("line {}: '{}' is no head", head.number, head.text),
            }
        }
        let catalogue = Catalogue::built_in().unwrap();
        let mut stack = (*catalogue.stacks()[&stack]).clone();
        stack.tcp.backlog = backlog.unwrap_or(stack.tcp.backlog);
        let config = HostConfig {
            name: "host".into(),
            addresses: vec![ADDRESS.parse().unwrap()],
            stack: Arc::new(stack),
            default_policy: policy,
            port_policy: BTreeMap::new(),
            unseen_gap: None,
            mac: MacAddress::default(),
            mtu: 1500,
            booted: false,
            counters: None,
            turnaround: (0, 0),
        };
        let tree = SeedTree::of("traces", 1, Pins::new());
        let mut host = Host::new(config, START, &tree);
        let said = |event: &&Event, word: &str| event.line.text.starts_with(word);
        let deeds = trace.events.iter().filter(|event| said(event, "do "));
        let told = Told::default();
        let puppet = Puppet {
            deeds: deeds
                .map(|event| (event.at, event.line.text[3..].to_owned()))
                .collect(),
            socket: None,
            told: Arc::clone(&told),
        };
        let program = host.install(Box::new(puppet), &ports, None);
        host.start(program, START, &[], &mut Outbox::default());
        let sends = trace.events.iter().filter(|event| is_own(event));
        let tells = trace.events.iter().filter(|event| said(event, "told "));
        Stage {
            host,
            numbers: Numbers::default(),
            told,
            sends: sends.cloned().collect(),
            tells: tells.cloned().collect(),
            within,
            wrong: Vec::new(),
        }
    }

    /// Runs the host's timers until then.
    fn run(&mut self, until: Timestamp) {
        while let Some(at) = self.host.deadline().filter(|at| *at <= until) {
            let mut out = Outbox::default();
            self.host.wake(at, &[], &mut out);
            self.check(at, out);
        }
    }

    fn receive(&mut self, event: &Event) {
        let now = START.plus_nanos(event.at);
        let frame = self.numbers.frame(event);
        let packet = frame.unwrap_or_else(|error| panic!("{error}")).packet;
        self.numbers.saw(None, &packet);
        let cause = Cause::stimulus(ActivityId::BACKGROUND);
        let mut out = Outbox::default();
        self.host
            .receive(&Sent { packet, cause }, now, &[], &mut out);
        self.check(now, out);
    }

    /// Holds what was sent and told against what should be.
    fn check(&mut self, now: Timestamp, mut out: Outbox) {
        for (_, _, packet) in out.iter_mut() {
            self.check_packet(now, packet);
        }
        for (at, said) in std::mem::take(&mut *self.told.lock().unwrap()) {
            let wanted = self.tells.pop_front();
            match wanted {
                Some(event) if event.line.text[5..] == said && self.is_now(&event, at) => {}
                Some(event) => self.wrong.push(format!(
                    "line {}: at {:.3} told {said} instead of {} at {:.3}",
                    event.line.number,
                    seconds(at),
                    &event.line.text[5..],
                    event.at as f64 / 1e9
                )),
                None => self
                    .wrong
                    .push(format!("at {:.3}: told {said}", seconds(at))),
            }
        }
    }

    fn check_packet(&mut self, now: Timestamp, packet: &Packet) {
        let wanted = self.sends.pop_front();
        self.numbers.saw(wanted.as_ref(), packet);
        let Some(event) = wanted else {
            let said = self.numbers.print(packet);
            return self
                .wrong
                .push(format!("at {:.3}: it sends {said}", seconds(now)));
        };
        let mut differ = differences(&event.line.text, packet, &self.numbers);
        if !self.is_now(&event, now) {
            differ.push(format!("sent at {:.3}", seconds(now)));
        }
        if !differ.is_empty() {
            let said = self.numbers.print(packet);
            let line = event.line.number;
            self.wrong
                .push(format!("line {line}: {} ({said})", differ.join(", ")));
        }
    }

    fn is_now(&self, event: &Event, now: Timestamp) -> bool {
        now.nanos_since(START).abs_diff(event.at) <= self.within
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.nanos_since(START) as f64 / 1e9
}

/// Whether the host sends it.
fn is_own(event: &Event) -> bool {
    let source = event
        .line
        .text
        .split_whitespace()
        .next()
        .unwrap_or_default();
    let own: IpAddr = ADDRESS.parse().unwrap();
    let of = |text: &str| text.parse::<IpAddr>() == Ok(own);
    event.is_packet()
        && (of(source)
            || source
                .rsplit_once('.')
                .is_some_and(|(address, _)| of(address)))
}

/// What is wrong with a trace.
fn run(text: &str) -> Vec<String> {
    let trace = Trace::parse(text).unwrap_or_else(|error| panic!("{error}"));
    let mut stage = Stage::set(&trace);
    for event in &trace.events {
        let now = START.plus_nanos(event.at);
        if event.is_packet() && !is_own(event) {
            // What is due at the same moment was decided before.
            stage.run(now);
            stage.receive(event);
        }
    }
    let end = trace.events.last().map_or(0, |event| event.at);
    stage.run(START.plus_nanos(end.saturating_add(stage.within)));
    let missing = stage.sends.iter().chain(&stage.tells);
    let missing: Vec<String> = missing
        .map(|event| format!("line {}: it does not come", event.line.number))
        .collect();
    stage.wrong.extend(missing);
    stage.wrong
}

/// Runs all traces of a folder, and returns their names.
fn run_folder(name: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("traces")
        .join(name);
    let mut names = Vec::new();
    let mut wrong = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let problems = run(&fs::read_to_string(&path).unwrap());
        wrong.extend(problems.iter().map(|problem| format!("{name}: {problem}")));
        names.push(name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    names.sort();
    names
}

#[test]
fn tcp_does_what_its_traces_say() {
    assert!(!run_folder("tcp").is_empty());
}

#[test]
fn every_stack_does_what_its_trace_says() {
    let stacks = Catalogue::built_in().unwrap();
    let stacks: Vec<&String> = stacks.stacks().keys().collect();
    assert_eq!(run_folder("stacks").iter().collect::<Vec<_>>(), stacks);
}
