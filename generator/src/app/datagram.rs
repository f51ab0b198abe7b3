//! Datagrams of services and programs that know no connection: who asks or only speaks up, in a rhythm; who answers, and what.
//!
//! The client sends any [payload](crate::content::payload) to any port, broadcast addresses among them. What answers is a service
//! by name: echo (RFC 862), discard (RFC 863), chargen (RFC 864), daytime (RFC 867), time (RFC 868), and the first messages of
//! SNMP, NetBIOS names, the portmapper, TFTP, XDMCP and DHCP.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use messages::{dhcp, netbios, rpc, snmp, tftp, xdmcp};
use wire::{Payload, Timestamp};

use crate::activity::{ActivityId, Cause};
use crate::blueprint::{Blueprint, Cast, Kind};
use crate::content::payload::PayloadPlan;
use crate::conversation::arrivals::Arrivals;
use crate::conversation::retry::RetryPlan;
use crate::host::program::{Program, System};
use crate::host::socket::{Endpoint, SocketEvent, SocketId};
use crate::reading::Fields;
use crate::seed::Draws;

/// The client.
pub const CLIENT: Kind = Kind {
    name: "datagram",
    read: read_client,
};
/// The server.
pub const SERVICE: Kind = Kind {
    name: "datagram",
    read: read_service,
};

#[derive(Debug)]
struct ClientPlan {
    port: u16,
    source_port: Option<u16>,
    arrivals: Arrivals,
    retry: RetryPlan,
    payload: PayloadPlan,
    to_all: bool,
}

fn read_client(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    let port = fields.word("port");
    if port.is_none() {
        let origin = fields.origin().clone();
        fields.mistake(&origin, "datagrams need a 'port' to which they go");
    }
    Arc::new(ClientPlan {
        port: port.unwrap_or(0),
        source_port: fields.word("source_port"),
        arrivals: Arrivals::read(fields),
        retry: RetryPlan::read(fields),
        payload: PayloadPlan::read(fields),
        to_all: fields.flag("to_all"),
    })
}

impl Blueprint for ClientPlan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        Box::new(Speaker {
            targets: cast.targets.clone(),
            activity: cast.activity,
            port: self.port,
            source_port: self.source_port,
            arrivals: self.arrivals.clone(),
            retry: self.retry.clone(),
            payload: self.payload.clone(),
            to_all: self.to_all,
            begun: 0,
            gap: cast.draws("gap"),
            choice: cast.draws("choice"),
            content: cast.draws("payload"),
            wait: cast.draws("retry"),
            fixed: None,
            open: BTreeMap::new(),
        })
    }
}

/// Something said that waits for an answer.
struct Said {
    socket: SocketId,
    peers: Vec<IpAddr>,
    bytes: Payload,
    sent: u64,
}

struct Speaker {
    targets: Vec<IpAddr>,
    activity: ActivityId,
    port: u16,
    source_port: Option<u16>,
    arrivals: Arrivals,
    retry: RetryPlan,
    payload: PayloadPlan,
    /// Whether each time all targets are spoken to, not one of them.
    to_all: bool,
    begun: u64,
    gap: Draws,
    choice: Draws,
    content: Draws,
    wait: Draws,
    fixed: Option<SocketId>,
    open: BTreeMap<u64, Said>,
}

/// Token of the timer that begins; others carry the number of what waits.
const ARRIVAL: u64 = 0;

impl Speaker {
    fn wait_for_next(&mut self, sys: &mut System<'_>) {
        if let Some(gap) = self.arrivals.gap(self.begun, &mut self.gap) {
            sys.timer(gap, ARRIVAL);
        }
    }

    fn say(&mut self, number: u64, sys: &mut System<'_>) {
        let Some(said) = self.open.get_mut(&number) else {
            return;
        };
        if said.sent >= self.retry.tries {
            return self.end(number, sys);
        }
        said.sent += 1;
        for address in &said.peers {
            let peer = Endpoint {
                address: *address,
                port: self.port,
            };
            let cause = Cause::stimulus(self.activity);
            sys.send_to(said.socket, peer, said.bytes.clone(), cause);
        }
        sys.timer(self.retry.wait(said.sent, &mut self.wait), number);
    }

    fn end(&mut self, number: u64, sys: &mut System<'_>) {
        if let Some(said) = self.open.remove(&number)
            && Some(said.socket) != self.fixed
        {
            sys.close_udp(said.socket);
        }
    }
}

impl Program for Speaker {
    fn start(&mut self, sys: &mut System<'_>) {
        self.wait_for_next(sys);
    }

    fn timer(&mut self, token: u64, sys: &mut System<'_>) {
        if token != ARRIVAL {
            return self.say(token, sys);
        }
        self.begun += 1;
        let socket = match self.source_port {
            Some(port) => *self.fixed.get_or_insert_with(|| sys.open_udp(Some(port))),
            None => sys.open_udp(None),
        };
        let peers = if self.to_all {
            self.targets.clone()
        } else {
            self.choice
                .pick(&self.targets)
                .copied()
                .into_iter()
                .collect()
        };
        let said = Said {
            socket,
            peers,
            bytes: self.payload.next(&mut self.content, sys.now),
            sent: 0,
        };
        self.open.insert(self.begun, said);
        self.say(self.begun, sys);
        self.wait_for_next(sys);
    }

    fn socket(&mut self, socket: SocketId, event: SocketEvent, sys: &mut System<'_>) {
        let peer = match &event {
            SocketEvent::Datagram(peer, ..) | SocketEvent::Unreachable(_, peer, _) => *peer,
            _ => return,
        };
        // An answer to a broadcast comes from whoever heard it.
        let mut open = self.open.iter().rev();
        let found = open.find(|(_, said)| {
            said.socket == socket && (said.peers.contains(&peer.address) || said.peers.len() > 1)
        });
        if let Some(number) = found.map(|(number, _)| *number)
            && !self.to_all
        {
            self.end(number, sys);
        }
    }
}

/// What answers.
#[derive(Clone, Copy, Debug)]
enum Answers {
    Echo,
    Discard,
    Chargen,
    Daytime,
    Time,
    Snmp,
    NetBios,
    Portmapper,
    Tftp,
    Xdmcp,
    Dhcp,
}

const ANSWERS: [(&str, Answers); 11] = [
    ("echo", Answers::Echo),
    ("discard", Answers::Discard),
    ("chargen", Answers::Chargen),
    ("daytime", Answers::Daytime),
    ("time", Answers::Time),
    ("snmp", Answers::Snmp),
    ("netbios", Answers::NetBios),
    ("portmapper", Answers::Portmapper),
    ("tftp", Answers::Tftp),
    ("xdmcp", Answers::Xdmcp),
    ("dhcp", Answers::Dhcp),
];

impl Answers {
    fn port(self) -> u16 {
        match self {
            Answers::Echo => 7,
            Answers::Discard => 9,
            Answers::Daytime => 13,
            Answers::Chargen => 19,
            Answers::Time => 37,
            Answers::Tftp => tftp::PORT,
            Answers::Portmapper => rpc::PORT,
            Answers::NetBios => netbios::PORT,
            Answers::Snmp => snmp::PORT,
            Answers::Xdmcp => xdmcp::PORT,
            Answers::Dhcp => dhcp::SERVER_PORT,
        }
    }
}

#[derive(Clone, Debug)]
struct ServicePlan {
    answers: Answers,
    port: u16,
    think: u64,
    copies: u64,
    community: String,
    name: String,
    programs: Vec<(u32, u16)>,
    pool: Ipv4Addr,
}

fn read_service(fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    let answers = fields.choice("answers", &ANSWERS);
    if answers.is_none() {
        let names: Vec<&str> = ANSWERS.iter().map(|(name, _)| *name).collect();
        let origin = fields.origin().clone();
        fields.mistake(
            &origin,
            format!(
                "a datagram service needs 'answers', one of: {}",
                names.join(", ")
            ),
        );
    }
    let answers = answers.unwrap_or(Answers::Discard);
    let wanted = "programs and their ports, such as [\"mountd 635\", \"ttdbserverd 32773\"]";
    let programs = fields.parsed("programs", wanted, |value| {
        crate::reading::fields::list(value, |item| {
            let (name, port) = crate::reading::fields::text_ref(item)?.split_once(' ')?;
            let known = rpc::PROGRAMS.iter().find(|(known, _)| *known == name);
            let program = known.map(|(_, number)| *number).or(name.parse().ok())?;
            Some((program, port.trim().parse().ok()?))
        })
    });
    let pool = fields.parsed("pool", "the first address that it gives away", |value| {
        crate::reading::fields::text_ref(value)?.parse().ok()
    });
    Arc::new(ServicePlan {
        answers,
        port: fields.word("port").unwrap_or(answers.port()),
        think: fields.duration("think").unwrap_or(200_000),
        copies: fields.number("copies", 1..=10).unwrap_or(1),
        community: fields.text("community").unwrap_or_else(|| "public".into()),
        name: fields.text("name").unwrap_or_else(|| "SERVER".into()),
        programs: programs.unwrap_or_else(|| vec![(100_005, 635), (100_003, 2049)]),
        pool: pool.unwrap_or(Ipv4Addr::UNSPECIFIED),
    })
}

impl Blueprint for ServicePlan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        Box::new(Responder {
            plan: self.clone(),
            think: cast.draws("think"),
            content: cast.draws("content"),
            socket: None,
            waiting: BTreeMap::new(),
            number: 0,
            turn: 0,
        })
    }
}

struct Responder {
    plan: ServicePlan,
    think: Draws,
    content: Draws,
    socket: Option<SocketId>,
    waiting: BTreeMap<u64, (Endpoint, Payload, Cause)>,
    number: u64,
    /// Where chargen's pattern goes on.
    turn: usize,
}

/// Answers that wait to be sent: who asks more at once is not answered, so that two that answer each other cannot fill memory.
const MOST_WAITING: usize = 10_000;

impl Responder {
    /// The answer to a question, and where it goes if not back.
    fn answer(
        &mut self,
        payload: &Payload,
        peer: Endpoint,
        sys: &System<'_>,
    ) -> Option<(Vec<u8>, Endpoint)> {
        let bytes = payload.to_vec();
        let own = match sys.address_towards(peer.address) {
            IpAddr::V4(own) => own,
            IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
        };
        let plan = &self.plan;
        let answer = match plan.answers {
            Answers::Echo => bytes,
            Answers::Discard => return None,
            Answers::Chargen => {
                self.turn += 1;
                chargen(self.turn, &mut self.content)
            }
            Answers::Daytime => moment(sys.now).into_bytes(),
            Answers::Time => {
                // Seconds since 1900.
                let seconds = sys.now.seconds() + 2_208_988_800;
                crate::seed::low32(seconds).to_be_bytes().to_vec()
            }
            Answers::Snmp => {
                let asked = snmp::Message::parse(&bytes)?;
                (asked.community == plan.community && asked.operation != snmp::RESPONSE)
                    .then_some(())?;
                let text = format!("{} running SunOS 5.6", plan.name);
                let objects = asked
                    .objects
                    .into_iter()
                    .map(|(object, _)| (object, Some(text.clone())));
                snmp::Message {
                    operation: snmp::RESPONSE,
                    objects: objects.collect(),
                    ..asked
                }
                .emit()
            }
            Answers::NetBios => {
                let asked = netbios::Query::parse(&bytes)?;
                if asked.kind == netbios::NBSTAT {
                    let name = |suffix, group| {
                        let text = if group {
                            "WORKGROUP".to_owned()
                        } else {
                            plan.name.clone()
                        };
                        (netbios::Name { text, suffix }, group)
                    };
                    let [a, b, c, ..] = self.content.word().to_le_bytes();
                    netbios::status(
                        asked.id,
                        &[
                            name(0, false),
                            name(0, true),
                            name(0x20, false),
                            name(3, false),
                        ],
                        [0, 0x60, 0x97, a, b, c],
                    )
                } else {
                    asked
                        .name
                        .text
                        .eq_ignore_ascii_case(&plan.name)
                        .then_some(())?;
                    netbios::address(&asked, own)
                }
            }
            Answers::Portmapper => portmapper(&rpc::Call::parse(&bytes)?, &plan.programs)?,
            Answers::Tftp => {
                let (file, write) = tftp::requested(&bytes)?;
                if write || file.contains("passwd") {
                    tftp::error(2, "Access violation")
                } else {
                    tftp::data(1, format!("{file}\n").as_bytes())
                }
            }
            Answers::Xdmcp => {
                xdmcp::is_query(&bytes).then_some(())?;
                xdmcp::willing(&plan.name, "0 users, load: 0.1")
            }
            Answers::Dhcp => return self.lease(&dhcp::Message::parse(&bytes)?, own),
        };
        Some((answer, peer))
    }

    /// Offers an address, or grants it: by broadcast, since the client has none yet.
    fn lease(&self, asked: &dhcp::Message, own: Ipv4Addr) -> Option<(Vec<u8>, Endpoint)> {
        let kind = match asked.kind {
            dhcp::DISCOVER => dhcp::OFFER,
            dhcp::REQUEST | dhcp::INFORM => dhcp::ACK,
            _ => return None,
        };
        let [.., last] = asked.hardware;
        let offered = Ipv4Addr::from(u32::from(self.plan.pool).wrapping_add(u32::from(last % 64)));
        let address = if asked.kind == dhcp::DISCOVER {
            offered
        } else {
            asked.address
        };
        let answer = dhcp::Message {
            kind,
            address,
            server: own,
            ..asked.clone()
        };
        let everybody = Endpoint {
            address: Ipv4Addr::BROADCAST.into(),
            port: dhcp::CLIENT_PORT,
        };
        Some((answer.emit(), everybody))
    }
}

/// What the portmapper says: a program's port, or all of them.
fn portmapper(call: &rpc::Call, programs: &[(u32, u16)]) -> Option<Vec<u8>> {
    let results = match call.procedure {
        rpc::GETPORT => {
            let wanted = call.arguments.first()?;
            let found = programs.iter().find(|(program, _)| program == wanted);
            vec![u32::from(found.map_or(0, |(_, port)| *port))]
        }
        rpc::DUMP => {
            let entry = |(program, port): &(u32, u16)| [1, *program, 1, rpc::UDP, u32::from(*port)];
            let all = [(rpc::PORTMAPPER, rpc::PORT)];
            all.iter()
                .chain(programs)
                .flat_map(entry)
                .chain([0])
                .collect()
        }
        0 => Vec::new(),
        _ => return None,
    };
    Some(rpc::reply(call.xid, &results))
}

/// So many letters of the pattern of RFC 864, up to 512.
fn chargen(turn: usize, draws: &mut Draws) -> Vec<u8> {
    let lines = usize::try_from(draws.range(1..=7)).unwrap_or(1);
    let mut out = Vec::with_capacity(lines * 74);
    for line in 0..lines {
        let letters = (b' '..=b'~').cycle().skip((turn + line) % 95).take(72);
        out.extend(letters);
        out.extend(b"\r\n");
    }
    out
}

fn moment(now: Timestamp) -> String {
    let moment = jiff::Timestamp::from_nanosecond(i128::from(now.as_nanos())).unwrap_or_default();
    moment.strftime("%a %b %e %H:%M:%S %Y\r\n").to_string()
}

impl Program for Responder {
    fn start(&mut self, sys: &mut System<'_>) {
        self.socket = Some(sys.open_udp(Some(self.plan.port)));
    }

    fn timer(&mut self, token: u64, sys: &mut System<'_>) {
        if let (Some(socket), Some((peer, answer, cause))) =
            (self.socket, self.waiting.remove(&token))
        {
            sys.send_to(socket, peer, answer, cause);
        }
    }

    fn socket(&mut self, _: SocketId, event: SocketEvent, sys: &mut System<'_>) {
        let SocketEvent::Datagram(peer, payload, cause) = event else {
            return;
        };
        if self.waiting.len() >= MOST_WAITING {
            return;
        }
        let Some((answer, peer)) = self.answer(&payload, peer, sys) else {
            return;
        };
        let answer = Payload::new(answer);
        let pause = self.think.exponential(self.plan.think);
        for copy in 0..self.plan.copies {
            self.number += 1;
            self.waiting
                .insert(self.number, (peer, answer.clone(), cause.answered()));
            sys.timer(pause + copy * 300_000, self.number);
        }
    }
}
