//! psad's lines in syslog: scans, and matches of signatures.
//!
//! Source: the output of psad 2.4.6.
//! Not read: its status files and mails, blocks that it sets up.

use super::contract::{Adapter, Format, Line};
use super::fault::Fault;
use super::record::{self, Record};
use super::stamp;
use stamp::Stamp;

pub(super) const ADAPTER: Adapter = Adapter {
    name: "psad",
    what: "psad's lines in syslog",
    endings: &[".psad.log", ".log", ".txt"],
    map: Some(("psad.toml", include_str!("../../maps/psad.toml"))),
    has_scores: false,
    is_ours: false,
    format: |_| Box::new(Messages),
};

struct Messages;

impl Format for Messages {
    fn line(&mut self, text: &str) -> Result<Line, Fault> {
        let no_syslog =
            || Fault::Unreadable("no line of syslog: TIME HOST PROGRAM: MESSAGE".into());
        let (time, rest) = stamp::syslog(text).ok_or_else(no_syslog)?;
        let (_host, rest) = rest.split_once(' ').ok_or_else(no_syslog)?;
        let (program, message) = rest.split_once(": ").ok_or_else(no_syslog)?;
        let program = program.split('[').next().unwrap_or_default().trim();
        if program != "psad" {
            return Ok(Line::Other("line of other programs".into()));
        }
        let message = message.trim();
        if message.starts_with("scan detected") {
            return scan(time, message);
        }
        if let Some(rest) = message.strip_prefix("src: ")
            && rest.contains(" signature match: ")
        {
            return signature(time, rest);
        }
        Ok(Line::Other("other message of psad".into()))
    }
}

fn incomplete() -> Fault {
    Fault::Unreadable("a message of psad that is not whole".into())
}

/// `scan detected (STYLE): SOURCE -> TARGET tcp: [22-25] flags: FIN tcp pkts: 5 DL: 2 total scan dsts: 1`; without a style there
/// are neither parentheses nor colon.
fn scan(time: Stamp, message: &str) -> Result<Line, Fault> {
    let rest = message
        .strip_prefix("scan detected")
        .unwrap_or(message)
        .trim_start();
    let (name, rest) = match rest.strip_prefix('(') {
        Some(styled) => {
            let (style, rest) = styled.split_once("):").ok_or_else(incomplete)?;
            (format!("scan detected ({style})"), rest)
        }
        None => ("scan detected".into(), rest),
    };
    let (source, rest) = rest.trim().split_once(" -> ").ok_or_else(incomplete)?;
    let (target, rest) = rest.split_once(' ').ok_or_else(incomplete)?;
    let (_, level) = rest.split_once("DL: ").ok_or_else(incomplete)?;
    let level = level.split(' ').next().and_then(|level| level.parse().ok());
    let carried = |proto: &&&str| rest.contains(&format!("{proto} pkts:"));
    let protos: Vec<&&str> = ["tcp", "udp", "icmp"].iter().filter(carried).collect();
    let proto = if let [one] = protos.as_slice() {
        Some(**one)
    } else {
        None
    };
    let range = proto.and_then(|proto| {
        let (_, rest) = rest.split_once(&format!("{proto}: ["))?;
        record::ports(rest.split_once(']')?.0)
    });
    Ok(Line::Record(Box::new(Record {
        sources: record::address(Some(source))?,
        targets: record::address(Some(target))?,
        dport: range,
        transport: record::transport(proto),
        level: Some(level.ok_or_else(incomplete)?),
        name: Some(name.clone()),
        text: name.clone(),
        ..Record::new(time, name)
    })))
}

/// `SOURCE signature match: "NAME" (sid: N) tcp port: 80`.
fn signature(time: Stamp, rest: &str) -> Result<Line, Fault> {
    let (source, rest) = rest
        .split_once(" signature match: \"")
        .ok_or_else(incomplete)?;
    let (name, rest) = rest.split_once("\" (sid: ").ok_or_else(incomplete)?;
    let (sid, rest) = rest.split_once(')').ok_or_else(incomplete)?;
    let sid: u64 = sid.parse().map_err(|_| incomplete())?;
    let proto = rest.split_whitespace().next().ok_or_else(incomplete)?;
    let port = rest
        .split_once("port: ")
        .and_then(|(_, port)| port.split(' ').next()?.parse().ok());
    Ok(Line::Record(Box::new(Record {
        sources: record::address(Some(source))?,
        dport: record::port(port),
        transport: record::transport(Some(proto)),
        sid: Some(sid),
        name: Some(name.to_owned()),
        text: name.to_owned(),
        ..Record::new(time, format!("{sid} {name}"))
    })))
}
