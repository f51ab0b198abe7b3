//! What services of datagrams say to what they are asked.

use std::net::Ipv4Addr;

use messages::{dhcp, netbios, rpc, snmp, tftp, xdmcp};
use wire::Timestamp;

use crate::host::socket::Endpoint;
use crate::seed::Draws;

/// What answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answers {
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

/// Services by name.
pub(super) const ANSWERS: [(&str, Answers); 11] = [
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
    /// The port where it is usually found.
    pub(super) fn port(self) -> u16 {
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

/// A service, as it was stated.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) answers: Answers,
    pub(super) port: u16,
    pub(super) think: u64,
    pub(super) copies: u64,
    pub(super) community: String,
    pub(super) name: String,
    pub(super) programs: Vec<(u32, u16)>,
    pub(super) pool: Ipv4Addr,
}

/// What a service needs to know besides the question.
pub(super) struct Asked<'a> {
    /// The service.
    pub plan: &'a Plan,
    /// Who asks.
    pub peer: Endpoint,
    /// The host's own address.
    pub own: Ipv4Addr,
    /// Now.
    pub now: Timestamp,
    /// Answers before this one.
    pub turn: usize,
    /// For what is drawn.
    pub draws: &'a mut Draws,
}

impl Asked<'_> {
    /// The answer, and where it goes; `None` for what is not answered.
    pub(super) fn answer(&mut self, question: &[u8]) -> Option<(Vec<u8>, Endpoint)> {
        let answer = match self.plan.answers {
            Answers::Discard => return None,
            Answers::Dhcp => return self.lease(&dhcp::Message::parse(question)?),
            Answers::Echo => question.to_vec(),
            Answers::Chargen => chargen(self.turn, self.draws),
            Answers::Daytime => moment(self.now).into_bytes(),
            Answers::Time => {
                // Seconds since 1900.
                let seconds = self.now.seconds() + 2_208_988_800;
                crate::seed::low32(seconds).to_be_bytes().to_vec()
            }
            Answers::Snmp => self.snmp(question)?,
            Answers::NetBios => self.netbios(question)?,
            Answers::Portmapper => portmapper(&rpc::Call::parse(question)?, &self.plan.programs)?,
            Answers::Tftp => tftp_answer(question)?,
            Answers::Xdmcp => {
                xdmcp::is_query(question).then_some(())?;
                xdmcp::willing(&self.plan.name, "0 users, load: 0.1")
            }
        };
        Some((answer, self.peer))
    }

    fn snmp(&self, question: &[u8]) -> Option<Vec<u8>> {
        let asked = snmp::Message::parse(question)?;
        let lets_in = asked.community == self.plan.community;
        (lets_in && asked.operation != snmp::RESPONSE).then_some(())?;
        let text = format!("{} running SunOS 5.6", self.plan.name);
        let objects = asked.objects.into_iter();
        let objects = objects.map(|(object, _)| (object, Some(text.clone())));
        let answer = snmp::Message {
            operation: snmp::RESPONSE,
            objects: objects.collect(),
            ..asked
        };
        Some(answer.emit())
    }

    fn netbios(&mut self, question: &[u8]) -> Option<Vec<u8>> {
        let asked = netbios::Query::parse(question)?;
        let own = &self.plan.name;
        if asked.kind != netbios::NBSTAT {
            asked.name.text.eq_ignore_ascii_case(own).then_some(())?;
            return Some(netbios::address(&asked, self.own));
        }
        let name = |suffix, group: bool| {
            let text = if group { "WORKGROUP" } else { own.as_str() };
            let text = text.to_owned();
            (netbios::Name { text, suffix }, group)
        };
        let names = [
            name(0, false),
            name(0, true),
            name(0x20, false),
            name(3, false),
        ];
        let [a, b, c, ..] = self.draws.word().to_le_bytes();
        Some(netbios::status(asked.id, &names, [0, 0x60, 0x97, a, b, c]))
    }

    /// Offers an address, or grants it: by broadcast, since the client has none yet.
    fn lease(&self, asked: &dhcp::Message) -> Option<(Vec<u8>, Endpoint)> {
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
            server: self.own,
            ..asked.clone()
        };
        let everybody = Endpoint {
            address: Ipv4Addr::BROADCAST.into(),
            port: dhcp::CLIENT_PORT,
        };
        Some((answer.emit(), everybody))
    }
}

fn tftp_answer(question: &[u8]) -> Option<Vec<u8>> {
    let (file, write) = tftp::requested(question)?;
    // Assumption: a server that gives what it has, but not the passwords, and takes nothing.
    Some(if write || file.contains("passwd") {
        tftp::error(2, "Access violation")
    } else {
        tftp::data(1, format!("{file}\n").as_bytes())
    })
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
