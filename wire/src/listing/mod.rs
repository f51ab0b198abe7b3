//! Listings of tcpdump and snort, back to frames.
//!
//! [`transcribe`] reads what `tcpdump` prints today and printed since the 1990s, and what the first versions of snort logged,
//! and makes frames that say the same:
//!
//! ```text
//! 14:05:27.083238 ftp.client.org.1057 > ftp.server.edu.21: S 1484414:1484414(0) win 8192 <mss 536,nop,nop,sackOK> (DF)
//! 10:22:45.000000 IP 192.0.2.1.1025 > 198.51.100.2.80: Flags [S], seq 7, win 64240, options [mss 1460], length 0
//! 05/14-10:22:45.030552 192.0.2.1:53 -> 198.51.100.2:53
//! ```
//!
//! A field that the listing tells is reproduced, odd ones as well: flags that do not go together, wrong checksums and
//! lengths, fragments. A field that it does not tell gets one plain value, and is listed as a [`Gap`] of its frame. Names
//! get documentation addresses ([`Assignment`]). Checksums are right unless the listing says otherwise.
//!
//! How the numbers of a connection are read is in [`Reading`], how times are in [`Times`].
//!
//! Not read: what tcpdump prints of other link layers than Ethernet, of IPv6 extension headers, and, but for text, DNS and
//! NTP, of protocols above TCP and UDP. Such a payload has its length and zero bytes.
//!
//! Sources: the manual page of tcpdump 4.99 and its printers; of the old style, those of tcpdump 3.4 to 3.9; "Interpreting
//! Network Traffic" and "Intrusion detection: network traces".

mod arp;
mod assemble;
mod clock;
mod cursor;
mod dns;
mod dump;
mod error;
mod gap;
mod head;
mod hexdump;
mod icmp;
mod lines;
mod link;
mod messages;
mod names;
mod ntp;
mod numbers;
mod options;
mod said;
mod services;
mod settle;
mod snort;
mod stamp;
mod tcp;
mod text;
mod trailer;
mod transport;
mod udp;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;

pub use clock::Times;
pub use error::{ListingError, Problem, Wanted};
pub use gap::Gap;
pub use jiff::civil::Date;
pub use lines::OtherLine;
pub use names::Assignment;
pub use numbers::{DEFAULT_BASE, Reading};

use crate::time::Timestamp;

/// What the listing cannot tell, and its reader can.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The day of times without a date.
    pub date: Date,
    /// How times are meant.
    pub times: Times,
    /// Addresses of names.
    pub names: BTreeMap<String, IpAddr>,
}

impl Default for Settings {
    /// 2000-01-01, and no names.
    fn default() -> Self {
        Settings {
            date: Date::constant(2000, 1, 1),
            times: Times::default(),
            names: BTreeMap::new(),
        }
    }
}

/// A frame that a listing tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFrame {
    /// Line where it begins, counted from 1.
    pub line: usize,
    /// When it was seen.
    pub time: Timestamp,
    /// The frame, from its Ethernet header on.
    pub bytes: Vec<u8>,
    /// What the listing does not tell of it, each once.
    pub gaps: Vec<Gap>,
}

/// How the sequence numbers of a connection were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedConnection {
    /// Addresses and ports of its ends.
    pub ends: [(IpAddr, u16); 2],
    /// How its numbers were read.
    pub reading: Reading,
    /// Segments of it.
    pub segments: u64,
}

/// What a listing tells.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    /// The frames, in the order of the listing.
    pub frames: Vec<ListedFrame>,
    /// Addresses of names, in order of appearance.
    pub names: Vec<Assignment>,
    /// The TCP connections, in the order of their addresses.
    pub connections: Vec<ListedConnection>,
    /// Lines that are no packet.
    pub other: Vec<OtherLine>,
    /// Packets that could not be read, in the order of the listing.
    pub errors: Vec<ListingError>,
}

/// Makes frames of a listing. Packets that cannot be read are left out and listed.
pub fn transcribe(listing: &str, settings: &Settings) -> Transcript {
    let lines::Lines {
        packets,
        mut errors,
        other,
    } = lines::read(listing);
    let printed = names::printed(packets.iter().map(|(_, said)| said));
    let mut assembler = assemble::Assembler::new(names::Names::new(&settings.names, printed));
    for (_, said) in &packets {
        // What fails here fails again below, and is told there.
        let _ = assembler.look(said);
    }
    assembler.connections.count();
    let stamps = packets.iter().filter_map(|(_, said)| said.stamp);
    let delta = clock::is_delta(settings.times, stamps);
    let mut clock = clock::Clock::new(settings.date, delta);
    let mut frames = Vec::with_capacity(packets.len());
    for (text, said) in &packets {
        let fault = |problem| error::Fault { at: 0, problem };
        let mut gaps = Vec::new();
        let made = clock
            .as_mut()
            .map_err(|problem| fault(problem.clone()))
            .and_then(|clock| {
                let time = clock.moment(said.stamp, &mut gaps).map_err(fault)?;
                Ok((time, assembler.frame(said, &mut gaps)?))
            });
        gaps.sort_unstable();
        gaps.dedup();
        match made {
            Ok((time, bytes)) => frames.push(ListedFrame {
                line: text.line(),
                time,
                bytes,
                gaps,
            }),
            Err(fault) => errors.push(text.error(fault)),
        }
    }
    errors.sort_by_key(|error| (error.line, error.column));
    Transcript {
        frames,
        connections: connections(&assembler),
        names: assembler.names.into_order(),
        other,
        errors,
    }
}

fn connections(assembler: &assemble::Assembler) -> Vec<ListedConnection> {
    let listed = |(ends, reading, segments)| ListedConnection {
        ends,
        reading,
        segments,
    };
    let readings = assembler.readings().into_iter();
    readings
        .filter(|(.., segments)| *segments > 0)
        .map(listed)
        .collect()
}
