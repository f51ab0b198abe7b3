//! What is changed in frames between reading and sending them: addresses, ports, tags, sums and sizes.
//!
//! A [`Rewrite`] says what, a [`Rewriter`] does it. All that leaves is an Ethernet frame. Addresses are changed wherever
//! the protocols up to ICMP speak of them, so that who answers whom stays as it was; `packet` names what is not reached.
//! Sums follow by RFC 1624 and are not worked out anew unless the plan says so. A frame in which nothing is to change is
//! neither copied nor decoded, any other is copied into one buffer, which is used again for the next.

mod address;
mod arp;
mod change;
mod counts;
mod difference;
mod error;
mod fragment;
mod icmp;
mod layout;
mod mac;
mod maps;
mod network;
mod oversize;
mod packet;
mod plan;
mod port;
mod reframe;
mod rewritten;
mod shape;
mod sums;
mod table;
mod transport;
mod vlan;

use std::net::IpAddr;

use ipnet::IpNet;
use wire::LinkType;
use wire::capture::Record;
use wire::ethernet::{ARP, HEADER_BYTES};

pub use address::AddressMap;
pub use counts::{Counts, Skipped};
pub use error::RewriteError;
pub use plan::{Checksums, Cut, Oversize, Rewrite, Vlan};
pub use port::PortMap;
pub use rewritten::{Frames, Rewritten, Skip};

use change::{Change, Tables};
use fragment::Pieces;
use layout::Layout;
use mac::MacChange;
use oversize::Fit;
use rewritten::Refusal;
use shape::Shape;
use table::Table;

/// The longest frame that is made whole with zeros: the longest IPv6 packet, and more than any link header.
const MAX_FRAME: usize = 40 + 65_535 + 64;

/// Rewrites frames one by one.
#[derive(Debug)]
pub struct Rewriter {
    plan: Rewrite,
    tables: Tables,
    /// Whether whole Ethernet frames within the MTU leave as they came.
    idle: bool,
    /// The frame in the making.
    frame: Vec<u8>,
    pieces: Pieces,
    counts: Counts,
}

impl Rewriter {
    /// Takes a plan.
    ///
    /// # Errors
    /// Refuses a plan that cannot be carried out, and says why.
    pub fn new(plan: Rewrite) -> Result<Rewriter, RewriteError> {
        plan.check()?;
        let passes = plan.unique.then_some(plan.passes);
        Ok(Rewriter {
            tables: Tables {
                v4: Table::new(&plan.addresses, true, passes),
                v6: Table::new(&plan.addresses, false, passes),
            },
            idle: plan.changes_nothing(),
            plan,
            frame: Vec::new(),
            pieces: Pieces::default(),
            counts: Counts::default(),
        })
    }

    /// Rewrites a frame for a pass, counted from 0. Passes beyond those of the plan begin anew.
    ///
    /// # Errors
    /// Fails on a link type that cannot become Ethernet, and on a packet beyond the MTU where the plan is to refuse it.
    #[inline]
    pub fn rewrite<'a>(
        &'a mut self,
        record: &Record<'a>,
        pass: u32,
    ) -> Result<Rewritten<'a>, RewriteError> {
        self.counts.records += 1;
        if self.idle && self.leaves_as_it_came(record) {
            self.counts.frames += 1;
            return Ok(Rewritten::Frame(record.bytes));
        }
        match self.make(record, pass) {
            Ok(Fit::Whole) => {
                self.counts.frames += 1;
                Ok(Rewritten::Frame(&self.frame))
            }
            Ok(Fit::Fragments) => {
                let fragments = u64::try_from(self.pieces.lengths.len()).unwrap_or(u64::MAX);
                self.counts.frames += fragments;
                self.counts.fragments += fragments;
                let frames = Frames::new(&self.pieces.bytes, &self.pieces.lengths);
                Ok(Rewritten::Fragments(frames))
            }
            Err(Refusal::Skip(skip)) => {
                self.counts.skipped.add(skip);
                Ok(Rewritten::Skipped(skip))
            }
            Err(Refusal::Error(error)) => Err(error),
        }
    }

    /// Where an address goes in a pass.
    pub fn map_address(&self, address: IpAddr, pass: u32) -> IpAddr {
        let pass = self.pass(pass);
        match address {
            IpAddr::V4(address) => self.tables.v4(address, pass).into(),
            IpAddr::V6(address) => self.tables.v6(address, pass).into(),
        }
    }

    /// Where a network goes in a pass: the fewest blocks that hold the same addresses, in order. It is one block wherever
    /// a single map covers the network.
    pub fn map_network(&self, network: IpNet, pass: u32) -> Vec<IpNet> {
        let table = match network {
            IpNet::V4(_) => &self.tables.v4,
            IpNet::V6(_) => &self.tables.v6,
        };
        network::map(table, network, self.pass(pass))
    }

    /// Where a port of TCP or UDP goes.
    pub fn map_port(&self, port: u16) -> u16 {
        change::map_port(&self.plan.ports, port)
    }

    /// What happened so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    fn pass(&self, pass: u32) -> u32 {
        pass.checked_rem(self.plan.passes).unwrap_or(0)
    }

    #[inline]
    fn leaves_as_it_came(&self, record: &Record<'_>) -> bool {
        let length = record.bytes.len();
        record.link_type == LinkType::ETHERNET
            && record.original_length <= length
            && length >= HEADER_BYTES
            && length - HEADER_BYTES <= self.plan.mtu
    }

    /// Makes the frame, or the fragments that it becomes.
    #[inline]
    fn make(&mut self, record: &Record<'_>, pass: u32) -> Result<Fit, Refusal> {
        let pass = self.pass(pass);
        let on_wire = self.copy(record)?;
        let padding = self.complete(on_wire)?;
        vlan::apply(self.plan.vlan, &mut self.frame);
        let change = Change {
            tables: &self.tables,
            ports: &self.plan.ports,
            macs: MacChange::apply(&self.plan, &mut self.frame),
            pass,
        };
        let layout = Layout::read(&self.frame).ok_or(Skip::Short)?;
        let captured = self.frame.len() - padding;
        if let Some(shape) = layout.ip(&self.frame) {
            let content = self.frame.get_mut(layout.network..layout.end);
            let content = content.unwrap_or_default();
            if !self.idle {
                packet::change(&change, content, &shape);
            }
            let was_cut = layout.network + shape.end > captured;
            let fixed = fix(self.plan.checksums, was_cut, content, &shape);
            self.counts.checksums_fixed += fixed;
        } else if layout.ether_type == Some(ARP) {
            let content = self.frame.get_mut(layout.network..layout.end);
            arp::change(&change, content.unwrap_or_default());
        }
        oversize::fit(
            &self.plan,
            &mut self.frame,
            &layout,
            &mut self.pieces,
            &mut self.counts,
        )
    }

    /// Copies the record, as an Ethernet frame; returns its length on the wire.
    #[inline]
    fn copy(&mut self, record: &Record<'_>) -> Result<usize, Refusal> {
        self.frame.clear();
        let on_wire = match record.link_type {
            LinkType::ETHERNET if record.bytes.len() < HEADER_BYTES => {
                return Err(Skip::Short.into());
            }
            LinkType::ETHERNET => {
                self.frame.extend_from_slice(record.bytes);
                record.original_length
            }
            _ => {
                let on_wire = reframe::reframe(record, &mut self.frame)?;
                self.counts.reframed += 1;
                on_wire
            }
        };
        Ok(on_wire)
    }

    /// Does with a frame captured in part as the plan says; returns the number of zeros added.
    fn complete(&mut self, on_wire: usize) -> Result<usize, Skip> {
        let missing = on_wire.saturating_sub(self.frame.len());
        match self.plan.cut {
            _ if missing == 0 => Ok(0),
            Cut::Skip => Err(Skip::Cut),
            Cut::Send => {
                self.counts.sent_cut += 1;
                Ok(0)
            }
            Cut::Pad if on_wire > MAX_FRAME => Err(Skip::Absurd),
            Cut::Pad => {
                self.frame.resize(on_wire, 0);
                self.counts.padded += 1;
                Ok(missing)
            }
        }
    }
}

/// Works out the sums that the plan says, and that of a packet whose end is zeros now; returns how many were others.
#[inline]
fn fix(checksums: Checksums, was_cut: bool, packet: &mut [u8], shape: &Shape) -> u64 {
    let mut fixed = 0;
    if checksums == Checksums::Fix {
        fixed += u64::from(sums::fix_header(packet, shape));
    }
    if was_cut || checksums == Checksums::Fix {
        fixed += u64::from(sums::fix_transport(packet, shape));
    }
    fixed
}

#[cfg(test)]
mod tests;
