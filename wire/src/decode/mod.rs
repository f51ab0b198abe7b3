//! From any bytes to layers, laxly.
//!
//! Decoding never fails as a whole: [`Layers`] holds what could be read, [`Layers::stop`] names what ended the
//! reading, and [`Layers::anomalies`] what was odd on the way. No length field is trusted, nothing is allocated.
//!
//! What is wrapped (tunnels, MPLS, PPP) ends in a [`Stop`] or as [`Transport::Other`]; [`Layers::open`] then takes the
//! wrapping off. Not decoded: IPv6 jumbograms, encrypted frames.

mod envelope;
mod layers;
mod link;
mod link_type;
mod network;
mod quote;
mod read;
mod report;
mod sums;
mod transport;

pub use envelope::{Envelope, MAX_ENVELOPES, Opened};
pub use layers::Layers;
pub use link::LinkLayer;
pub use link_type::LinkType;
pub use network::{Arp, Network, V4, V6};
pub use quote::Quote;
pub use read::loopback_ether_type;
pub use report::{Anomalies, Layer, Stop, StopReason};
pub use transport::{IcmpView, TcpView, Transport, UdpView};

#[cfg(test)]
mod tests;
