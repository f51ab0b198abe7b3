//! Frames: from a specification that can say anything to bytes, and from any bytes to layers.
//!
//! A [`Packet`] is owned and never judges: SYN with FIN, port 0, a false length or checksum are all expressible.
//! [`Layers`] borrows and never fails as a whole: it returns what it read and names what stopped it. Captures are
//! read and written in [`capture`]. The crate knows nobody else of the workspace and does no input or output of
//! its own.

pub mod arp;
pub mod capture;
pub mod checksum;
pub mod decode;
pub mod duration;
pub mod envelope;
pub mod ethernet;
pub mod field;
pub mod flow;
pub mod fragment;
pub mod icmp;
pub mod ipv4;
pub mod ipv6;
pub mod notation;
pub mod packet;
pub mod payload;
mod reconstruct;
pub mod tcp;
pub mod time;
pub mod udp;
mod words;

pub use arp::ArpMessage;
pub use decode::{Layers, LinkType};
pub use envelope::{Content, Envelope};
pub use ethernet::{Framing, Link, MacAddress};
pub use field::Field;
pub use flow::{FiveTuple, FlowKey};
pub use icmp::Icmp;
pub use ipv4::Ipv4;
pub use ipv6::Ipv6;
pub use notation::Frame;
pub use notation::trace::Trace;
pub use packet::{Ip, Packet, Segment};
pub use payload::Payload;
pub use tcp::{Flags, Options, Tcp, TcpOption};
pub use time::Timestamp;
pub use udp::Udp;
