//! From what a listing says of packets to frames: names, times, numbers of connections, and what is not said.

mod arp;
mod assemble;
mod clock;
mod dns;
mod dump;
mod messages;
mod names;
mod ntp;
mod numbers;
mod services;
mod settle;
mod text;
mod transport;

use assemble::Assembler;
use clock::{Clock, is_delta};
use names::{Names, printed};

pub use clock::Times;
pub use names::Assignment;
pub use numbers::{DEFAULT_BASE, Reading};

use wire::FlowKey;

use super::error::{Fault, Read};
use super::read::Text;
use super::said::Said;
use super::{Gap, ListedConnection, ListedFrame, Settings, Transcript};

/// Makes a frame of each packet that can be one; the rest are errors.
pub(super) fn make(packets: &[(Text, Said)], settings: &Settings) -> Transcript {
    let printed = printed(packets.iter().map(|(_, said)| said));
    let mut assembler = Assembler::new(Names::new(&settings.names, printed));
    assembler.exact = settings.exact;
    let mut framed = packets
        .iter()
        .filter_map(|(_, said)| dump::is_framed(&said.dump));
    assembler.framed = framed.next().unwrap_or(false);
    for (_, said) in packets {
        // What fails here fails again below, and is told there.
        let _ = assembler.look(said);
    }
    assembler.connections.count();
    let stamps = packets.iter().filter_map(|(_, said)| said.stamp);
    let mut clock = Clock::new(settings.date, is_delta(settings.times, stamps));
    let mut transcript = Transcript::default();
    for (text, said) in packets {
        match frame(&mut assembler, &mut clock, text, said) {
            Ok(frame) => transcript.frames.push(frame),
            Err(fault) => transcript.errors.push(text.error(fault)),
        }
    }
    transcript.connections = connections(&assembler);
    transcript.names = assembler.names.into_order();
    transcript
}

fn frame(
    assembler: &mut Assembler,
    clock: &mut Clock,
    text: &Text,
    said: &Said,
) -> Read<ListedFrame> {
    let mut gaps: Vec<Gap> = Vec::new();
    let time = clock.moment(said.stamp, &mut gaps);
    let time = time.map_err(|problem| Fault { at: 0, problem })?;
    let (bytes, original_length) = assembler.frame(said, &mut gaps)?;
    gaps.sort_unstable();
    gaps.dedup();
    Ok(ListedFrame {
        line: text.line(),
        time,
        original_length: original_length.unwrap_or(bytes.len()),
        bytes,
        gaps,
    })
}

fn connections(assembler: &Assembler) -> Vec<ListedConnection> {
    let read = assembler
        .connections
        .readings()
        .filter(|(.., segments)| *segments > 0);
    let listed = |(key, reading, segments): (FlowKey, _, _)| ListedConnection {
        ends: [key.low, key.high],
        reading,
        segments,
    };
    read.map(listed).collect()
}
