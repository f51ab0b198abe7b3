//! The grammar of listings: from text to what it says of each packet, and nothing else.

mod arp;
mod astext;
mod cursor;
mod dns;
mod head;
mod hexdump;
mod icmp;
mod lines;
mod link;
mod options;
mod snort;
mod stamp;
mod tcp;
mod trailer;
mod udp;

#[cfg(test)]
pub(super) use dns::read as read_dns;
pub use lines::OtherLine;
pub(super) use lines::{Text, read};
