//! Under which addresses a tool sends: its own, forged ones, or its own among decoys.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::reading::fields::{list, text_ref};
use crate::reading::{Fields, Value};
use crate::seed::{Draws, low32};

/// Where sources come from.
#[derive(Clone, Debug)]
pub struct SourcePlan {
    kind: Kind,
    /// Packets for which a forged source stays.
    hold: u64,
    /// Others in whose name each probe is sent as well.
    pub decoys: Vec<IpAddr>,
    /// Between the copies of a probe, in nanoseconds.
    pub decoy_gap: u64,
}

#[derive(Clone, Debug)]
enum Kind {
    Own,
    /// One after another, again and again.
    List(Vec<IpAddr>),
    /// Drawn from blocks, each address as likely as any other.
    Blocks(Vec<IpNet>),
}

impl SourcePlan {
    /// Reads `sources`, `source_hold`, `decoys` and `decoy_gap`.
    pub fn read(fields: &mut Fields<'_, '_>) -> SourcePlan {
        let wanted = "\"own\", addresses, or blocks such as \"198.18.0.0/15\"";
        let kind = fields.parsed("sources", wanted, kind).unwrap_or(Kind::Own);
        let wanted = "addresses of others";
        let decoys = fields.parsed("decoys", wanted, |value| {
            list(value, |item| text_ref(item)?.parse().ok())
        });
        SourcePlan {
            kind,
            hold: fields.number("source_hold", 1..=1_000_000_000).unwrap_or(1),
            decoys: decoys.unwrap_or_default(),
            // Assumption: a raw socket sends on as fast as it can build.
            decoy_gap: fields.duration("decoy_gap").unwrap_or(30_000),
        }
    }

    /// Whether the tool sends under its own address only.
    pub fn is_own(&self) -> bool {
        matches!(self.kind, Kind::Own)
    }

    /// The blocks from which it forges.
    pub fn forged(&self) -> Vec<IpNet> {
        let single = |address: &IpAddr| IpNet::from(*address);
        let mut forged: Vec<IpNet> = match &self.kind {
            Kind::Own => Vec::new(),
            Kind::List(addresses) => addresses.iter().map(single).collect(),
            Kind::Blocks(blocks) => blocks.clone(),
        };
        forged.extend(self.decoys.iter().map(single));
        forged
    }
}

fn kind(value: &Value) -> Option<Kind> {
    if text_ref(value) == Some("own") {
        return Some(Kind::Own);
    }
    let texts = list(value, |value| text_ref(value).map(str::to_owned))?;
    if let Ok(addresses) = texts.iter().map(|text| text.parse()).collect() {
        return Some(Kind::List(addresses));
    }
    let blocks: Option<Vec<IpNet>> = texts.iter().map(|text| text.parse().ok()).collect();
    blocks.filter(|blocks| !blocks.is_empty()).map(Kind::Blocks)
}

/// Sources at work.
#[derive(Debug)]
pub struct Sources {
    plan: SourcePlan,
    draws: Draws,
    /// Forged sources so far.
    turn: u64,
    /// The forged source in use, and for how many packets more.
    current: Option<(IpAddr, u64)>,
    /// Where among the decoys the tool's own probe stands.
    pub own_position: usize,
}

impl Sources {
    /// Begins; the place of the own address among decoys is drawn once.
    pub fn new(plan: &SourcePlan, draws: Draws, position: impl FnOnce() -> Draws) -> Self {
        Sources {
            own_position: if plan.decoys.is_empty() {
                0
            } else {
                position().index(plan.decoys.len() + 1)
            },
            plan: plan.clone(),
            draws,
            turn: 0,
            current: None,
        }
    }

    /// The source of the next packet, or the tool's own.
    #[inline]
    pub fn next(&mut self, own: IpAddr) -> IpAddr {
        if self.plan.is_own() {
            return own;
        }
        if let Some((current, left)) = &mut self.current
            && *left > 0
        {
            *left -= 1;
            return *current;
        }
        let turn = self.turn;
        self.turn += 1;
        let source = match &self.plan.kind {
            Kind::Own => own,
            Kind::List(addresses) => {
                let turn = usize::try_from(turn).unwrap_or(0) % addresses.len().max(1);
                addresses.get(turn).copied().unwrap_or(own)
            }
            Kind::Blocks(blocks) => match self.draws.pick(blocks) {
                Some(IpNet::V4(block)) => {
                    let hosts = low32((1u64 << (32 - u32::from(block.prefix_len()))) - 1);
                    let address = u32::from(block.network()) | (self.draws.word32() & hosts);
                    Ipv4Addr::from(address).into()
                }
                Some(IpNet::V6(block)) => {
                    let drawn =
                        (u128::from(self.draws.word()) << 64) | u128::from(self.draws.word());
                    let hosts = u128::MAX
                        .checked_shr(u32::from(block.prefix_len()))
                        .unwrap_or(0);
                    Ipv6Addr::from(u128::from(block.network()) | (drawn & hosts)).into()
                }
                None => own,
            },
        };
        if self.plan.hold > 1 {
            self.current = Some((source, self.plan.hold - 1));
        }
        source
    }
}
