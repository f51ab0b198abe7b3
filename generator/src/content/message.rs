//! Messages of known protocols, as a scenario states them: `{ message = "NAME", … }` with the keys of each.

use std::net::Ipv4Addr;

use wire::Timestamp;

use crate::content::wording::Wording;
use crate::reading::{Fields, Mistakes, Node};
use crate::seed::Draws;
use messages::{back_orifice, dhcp, dns, netbios, ntp, rpc, snmp, tftp, xdmcp};

/// A message, as it was stated. Its transaction number is drawn each time.
#[derive(Clone, Debug)]
pub enum MessagePlan {
    /// Back Orifice's ping, under a key.
    BackOrifice(u32),
    /// A question of the NetBIOS name service.
    NetBios(netbios::Query),
    /// A call to an RPC program.
    Rpc(rpc::Call),
    /// A question of SNMP.
    Snmp(snmp::Message),
    /// A request for a file.
    Tftp(String, bool),
    /// A question for a display manager.
    Xdmcp,
    /// A question about a name, whether in a stream.
    Dns(Wording, u16, bool),
    /// What time it is.
    Ntp,
    /// Who has an address, by a client of that hardware address.
    Dhcp(u8, [u8; 6], String),
}

#[derive(Clone, Copy)]
enum Kind {
    BackOrifice,
    NetBiosName,
    NetBiosStatus,
    Portmap,
    PortmapList,
    Rpc,
    Snmp,
    Tftp,
    Xdmcp,
    Dns,
    Ntp,
    Dhcp,
}

const KINDS: [(&str, Kind); 12] = [
    ("dhcp", Kind::Dhcp),
    ("dns", Kind::Dns),
    ("ntp", Kind::Ntp),
    ("back-orifice-ping", Kind::BackOrifice),
    ("netbios-name", Kind::NetBiosName),
    ("netbios-status", Kind::NetBiosStatus),
    ("portmap-getport", Kind::Portmap),
    ("portmap-dump", Kind::PortmapList),
    ("rpc-null", Kind::Rpc),
    ("snmp", Kind::Snmp),
    ("tftp", Kind::Tftp),
    ("xdmcp", Kind::Xdmcp),
];

impl MessagePlan {
    /// Reads a message's table.
    pub fn read(node: &Node, mistakes: &mut Mistakes) -> MessagePlan {
        let mut fields = Fields::new("the message", node, mistakes);
        let kind = fields.choice("message", &KINDS).unwrap_or_else(|| {
            let origin = fields.origin().clone();
            let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            fields.mistake(
                &origin,
                format!("a message needs 'message', one of: {}", names.join(", ")),
            );
            Kind::Xdmcp
        });
        let plan = match kind {
            Kind::BackOrifice => {
                let key = fields.number("key", 0..=u64::from(u32::MAX));
                let key = key.and_then(|key| u32::try_from(key).ok());
                MessagePlan::BackOrifice(key.unwrap_or(back_orifice::DEFAULT_KEY))
            }
            Kind::NetBiosName => MessagePlan::NetBios(netbios_query(netbios::NB, &mut fields)),
            Kind::NetBiosStatus => {
                MessagePlan::NetBios(netbios_query(netbios::NBSTAT, &mut fields))
            }
            Kind::Portmap => MessagePlan::Rpc(portmap(&mut fields)),
            Kind::PortmapList => {
                MessagePlan::Rpc(call(rpc::PORTMAPPER, 2, rpc::DUMP, Vec::new(), &mut fields))
            }
            Kind::Rpc => {
                let program = program(&mut fields);
                let version = version(&mut fields);
                MessagePlan::Rpc(call(program, version, 0, Vec::new(), &mut fields))
            }
            Kind::Snmp => MessagePlan::Snmp(snmp_question(&mut fields)),
            Kind::Tftp => {
                let file = fields.text("file").unwrap_or_else(|| "/etc/passwd".into());
                MessagePlan::Tftp(file, fields.flag("write"))
            }
            Kind::Xdmcp => MessagePlan::Xdmcp,
            Kind::Ntp => MessagePlan::Ntp,
            Kind::Dns => dns_question(&mut fields),
            Kind::Dhcp => dhcp_message(&mut fields),
        };
        fields.finish();
        plan
    }

    /// The message, with a transaction number of its own.
    pub fn emit(&self, draws: &mut Draws, now: Timestamp) -> Vec<u8> {
        match self {
            // Clients number their packets from 0.
            MessagePlan::BackOrifice(key) => back_orifice::emit(*key, 0, back_orifice::PING, b""),
            MessagePlan::NetBios(query) => netbios::Query {
                id: draws.word16(),
                ..query.clone()
            }
            .emit(),
            MessagePlan::Rpc(call) => {
                let mut call = call.clone();
                call.xid = draws.word32();
                if let Some(who) = &mut call.credentials {
                    who.stamp = u32::try_from(now.seconds()).unwrap_or(0);
                }
                call.emit()
            }
            MessagePlan::Snmp(message) => snmp::Message {
                id: draws.word32() >> 1,
                ..message.clone()
            }
            .emit(),
            MessagePlan::Tftp(file, write) => tftp::request(file, *write),
            MessagePlan::Xdmcp => xdmcp::query(),
            MessagePlan::Ntp => ntp::question(draws.word()),
            MessagePlan::Dns(name, kind, streamed) => {
                let name = name.say(draws, |_| String::new());
                let question = dns::Question { name, kind: *kind };
                let message = dns::Message {
                    edns: false,
                    ..dns::Message::query(draws.word16(), question)
                };
                let bytes = message.emit();
                if *streamed {
                    dns::framed(&bytes)
                } else {
                    bytes
                }
            }
            MessagePlan::Dhcp(kind, hardware, name) => dhcp::Message {
                kind: *kind,
                xid: draws.word32(),
                hardware: *hardware,
                address: Ipv4Addr::UNSPECIFIED,
                server: Ipv4Addr::UNSPECIFIED,
                name: name.clone(),
            }
            .emit(),
        }
    }
}

fn dns_question(fields: &mut Fields<'_, '_>) -> MessagePlan {
    let types = [
        ("a", dns::A),
        ("aaaa", dns::AAAA),
        ("any", 255),
        ("axfr", dns::AXFR),
        ("mx", dns::MX),
        ("ns", dns::NS),
        ("ptr", dns::PTR),
        ("soa", dns::SOA),
        ("txt", dns::TXT),
    ];
    let name = fields.parsed("name", crate::content::wording::WANTED, |value| {
        Wording::parse(crate::reading::fields::text_ref(value)?, &[])
    });
    let name = name.unwrap_or_else(|| Wording::plain("example.com"));
    let kind = fields.choice("type", &types).unwrap_or(dns::A);
    MessagePlan::Dns(name, kind, fields.flag("over_tcp"))
}

fn dhcp_message(fields: &mut Fields<'_, '_>) -> MessagePlan {
    let kinds = [
        ("discover", dhcp::DISCOVER),
        ("request", dhcp::REQUEST),
        ("inform", dhcp::INFORM),
    ];
    let kind = fields.choice("type", &kinds).unwrap_or(dhcp::DISCOVER);
    let wanted = "six bytes such as \"00:60:97:07:c0:ff\"";
    let hardware = fields.parsed("hardware", wanted, |value| {
        let text = crate::reading::fields::text_ref(value)?;
        let bytes: Option<Vec<u8>> = text
            .split(':')
            .map(|byte| u8::from_str_radix(byte, 16).ok())
            .collect();
        bytes?.try_into().ok()
    });
    let name = fields.text("name").unwrap_or_else(|| "PC".into());
    MessagePlan::Dhcp(
        kind,
        hardware.unwrap_or([0, 0x60, 0x97, 7, 0xc0, 0xff]),
        name,
    )
}

fn netbios_query(kind: u16, fields: &mut Fields<'_, '_>) -> netbios::Query {
    let suffix = fields.byte("suffix").unwrap_or(0);
    let name = fields
        .text("name")
        .map_or_else(netbios::Name::any, |text| netbios::Name { text, suffix });
    netbios::Query {
        id: 0,
        name,
        kind,
        broadcast: fields.flag("broadcast"),
    }
}

fn portmap(fields: &mut Fields<'_, '_>) -> rpc::Call {
    let program = program(fields);
    let version = version(fields);
    let transports = [("udp", rpc::UDP), ("tcp", rpc::TCP)];
    let transport = fields.choice("transport", &transports).unwrap_or(rpc::UDP);
    let arguments = vec![program, version, transport, 0];
    call(rpc::PORTMAPPER, 2, rpc::GETPORT, arguments, fields)
}

fn program(fields: &mut Fields<'_, '_>) -> u32 {
    let names: Vec<&str> = rpc::PROGRAMS.iter().map(|(name, _)| *name).collect();
    let wanted = format!("a program's number, or one of: {}", names.join(", "));
    let program = fields.parsed("program", &wanted, |value| {
        if let Some(number) = crate::reading::fields::number(value) {
            return u32::try_from(number).ok();
        }
        let text = crate::reading::fields::text_ref(value)?;
        rpc::PROGRAMS
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, number)| *number)
    });
    program.unwrap_or(rpc::PORTMAPPER)
}

fn version(fields: &mut Fields<'_, '_>) -> u32 {
    let version = fields.number("version", 0..=u64::from(u32::MAX));
    version
        .and_then(|version| u32::try_from(version).ok())
        .unwrap_or(1)
}

fn call(
    program: u32,
    version: u32,
    procedure: u32,
    arguments: Vec<u32>,
    fields: &mut Fields<'_, '_>,
) -> rpc::Call {
    let machine = fields.parsed("machine", "the caller's name, up to 255 letters", |value| {
        crate::reading::fields::text(value).filter(|name| name.len() <= 255)
    });
    rpc::Call {
        xid: 0,
        program,
        version,
        procedure,
        credentials: machine.map(|machine| rpc::Credentials {
            stamp: 0,
            machine,
            uid: 0,
            gid: 0,
        }),
        arguments,
    }
}

fn snmp_question(fields: &mut Fields<'_, '_>) -> snmp::Message {
    let names: Vec<&str> = snmp::OBJECTS.iter().map(|(name, _)| *name).collect();
    let wanted = format!(
        "an object such as \"1.3.6.1.2.1.1.1.0\", or one of: {}",
        names.join(", ")
    );
    let object = fields.parsed("object", &wanted, |value| {
        let text = crate::reading::fields::text_ref(value)?;
        let named = snmp::OBJECTS.iter().find(|(name, _)| *name == text);
        match named {
            Some((_, numbers)) => Some(numbers.to_vec()),
            None => {
                let numbers: Option<Vec<u32>> =
                    text.split('.').map(|part| part.parse().ok()).collect();
                numbers.filter(|numbers| (2..=64).contains(&numbers.len()))
            }
        }
    });
    let operations = [
        ("get", snmp::GET),
        ("get-next", snmp::GET_NEXT),
        ("set", snmp::SET),
    ];
    snmp::Message {
        community: fields.text("community").unwrap_or_else(|| "public".into()),
        operation: fields.choice("operation", &operations).unwrap_or(snmp::GET),
        id: 0,
        objects: vec![(
            object.unwrap_or_else(|| vec![1, 3, 6, 1, 2, 1, 1, 1, 0]),
            None,
        )],
    }
}
