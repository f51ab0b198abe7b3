//! What was read of one frame.

use std::net::IpAddr;

use super::link::LinkLayer;
use super::network::Network;
use super::quote::Quote;
use super::report::{Anomalies, Layer, Reading, Stop, StopReason};
use super::transport::Transport;

/// What was read of one frame.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layers<'a> {
    /// Link header.
    pub link: LinkLayer,
    /// Network header.
    pub network: Network<'a>,
    /// Transport header.
    pub transport: Transport<'a>,
    /// What the last header read carries, as far as it was captured, without link padding.
    pub payload: &'a [u8],
    /// Bytes of payload on the wire as the headers say, captured or not.
    pub payload_length: usize,
    /// What ended the reading before its natural end.
    pub stop: Option<Stop>,
    /// What was odd on the way.
    pub anomalies: Anomalies,
}

impl<'a> Layers<'a> {
    /// The beginning of a frame of which the capture left out so many bytes.
    #[inline(always)]
    pub(super) fn begin(&mut self, missing: usize) -> Reading {
        if missing > 0 {
            self.anomalies = Anomalies::CUT;
        }
        Reading::new(missing)
    }

    /// What the last header that was read is, and what it carries.
    #[inline(always)]
    pub(super) fn carry(&mut self, transport: Transport<'a>, payload: &'a [u8], length: usize) {
        self.transport = transport;
        self.payload = payload;
        self.payload_length = length;
    }

    /// That bytes are left which nothing says how to read.
    pub(super) fn carry_unread(&mut self, bytes: &'a [u8]) {
        self.carry(Transport::None, bytes, bytes.len());
    }

    /// That the layer being read ends the reading, and why.
    #[cold]
    pub(super) fn end(&mut self, reading: Reading, layer: Layer, reason: StopReason) {
        self.stop = Some(Stop {
            layer,
            offset: reading.offset,
            reason,
        });
    }

    /// That too few bytes of a layer are there.
    #[cold]
    pub(super) fn end_short(
        &mut self,
        reading: Reading,
        layer: Layer,
        needed: usize,
        available: usize,
    ) {
        self.end(reading, layer, StopReason::Short { needed, available });
    }

    /// Sender and receiver of the IP packet.
    pub fn addresses(&self) -> Option<(IpAddr, IpAddr)> {
        match &self.network {
            Network::V4(ip) => Some((ip.source.into(), ip.destination.into())),
            Network::V6(ip) => Some((ip.source.into(), ip.destination.into())),
            Network::Arp(_) | Network::None => None,
        }
    }

    /// Ports of sender and receiver, where there are ports.
    pub fn ports(&self) -> Option<(u16, u16)> {
        match &self.transport {
            Transport::Tcp(tcp) => Some((tcp.source, tcp.destination)),
            Transport::Udp(udp) => Some((udp.source, udp.destination)),
            _ => None,
        }
    }

    /// Time to live, or hop limit.
    pub fn ttl(&self) -> Option<u8> {
        match &self.network {
            Network::V4(ip) => Some(ip.ttl),
            Network::V6(ip) => Some(ip.hop_limit),
            Network::Arp(_) | Network::None => None,
        }
    }

    /// The packet that an ICMP or ICMPv6 error quotes, as far as it is there: RFC 792 promises its header and
    /// eight bytes more, which is enough for addresses and ports.
    pub fn quoted(&self) -> Option<Quote<'a>> {
        match &self.transport {
            Transport::Icmp(icmp) if icmp.is_error() => Quote::read(self.payload),
            Transport::Icmpv6(icmp) if icmp.is_error_v6() => Quote::read(self.payload),
            _ => None,
        }
    }
}
